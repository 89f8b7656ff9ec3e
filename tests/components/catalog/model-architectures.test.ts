import assert from "node:assert/strict";
import { kvBytesPerToken } from "../../../components/catalog/memory.ts";
import {
  countParameters,
  MODEL_ARCHITECTURES,
  type ModelArchitectureName,
} from "../../../components/catalog/model-architectures.ts";

/** The table of models: the published number of parameters must follow from the other columns, which leaves no room for a slip. */

const ROWS = Object.entries(MODEL_ARCHITECTURES) as [
  ModelArchitectureName,
  (typeof MODEL_ARCHITECTURES)[ModelArchitectureName],
][];

/** KiB of keys and values a token, in BF16: known by heart. */
const KV_KIB: Partial<Record<ModelArchitectureName, number>> = {
  "llama-3.1-8b": 128,
  "llama-3.1-70b": 320,
  "llama-3.1-405b": 504,
  "mistral-7b-v0.3": 128,
  "mixtral-8x7b": 128,
  "qwen2.5-7b": 56,
  "qwen3-30b-a3b": 96,
};

describe("model architectures", () => {
  for (const [name, row] of ROWS) {
    it(`${name}: has the parameters its shape makes, to one in a thousand`, () => {
      const billion = countParameters(row) / 1e9;
      assert.ok(Math.abs(billion / row.parametersBillion - 1) < 0.001, `${billion}`);
    });

    it(`${name}: divides its heads, and says where it was read, when, and under which license`, () => {
      assert.equal(row.attentionHeads % row.kvHeads, 0);
      assert.ok(Number.isInteger(Math.log2(row.headSize)));
      if (row.experts !== undefined) assert.ok(row.experts.active < row.experts.count);
      assert.match(row.source, /^https:\/\/huggingface\.co\//);
      assert.match(row.readOn, /^20\d\d-\d\d-\d\d$/);
      assert.notEqual(row.license, "");
    });
  }

  for (const [name, kib] of Object.entries(KV_KIB) as [ModelArchitectureName, number][]) {
    it(`${name}: keeps ${kib} KiB a token`, () => {
      assert.equal(kvBytesPerToken(MODEL_ARCHITECTURES[name]), kib * 1024);
      assert.equal(kvBytesPerToken(MODEL_ARCHITECTURES[name], "fp8"), kib * 512);
    });
  }
});

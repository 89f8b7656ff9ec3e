import assert from "node:assert/strict";
import { curlLine } from "../../../scripts/status/example.ts";
import { EXAMPLES, KINDS } from "../../components/catalog/engines.ts";

/** The line `status` shows to try an endpoint with. That an endpoint answers it is the integration suite's, for MLServer. */

const PATHS = {
  mlserver: "/v2/models/triage/infer",
  triton: "/v2/models/triage/infer",
  "tensorflow-serving": "/v1/models/triage:predict",
  vllm: "/v1/chat/completions",
  custom: "/v2/models/triage/infer",
} as const;

describe("the line that tries an endpoint", () => {
  for (const kind of KINDS) {
    it(`asks ${kind} in its protocol`, () => {
      const line = curlLine(
        { name: "triage", task: "text-classification", engine: EXAMPLES[kind] },
        "http://10.0.0.1:8080",
      );
      assert.ok(
        line.startsWith(`curl -s http://10.0.0.1:8080${PATHS[kind]} -H 'content-type: application/json' -d '{`),
      );
      const body = JSON.parse(/-d '(.*)'$/.exec(line)![1]!) as Record<string, unknown>;
      assert.deepEqual(Object.keys(body)[0], { v: "inputs", t: "instances", o: "model" }[letterOf(kind)], kind);
    });
  }

  it("asks vLLM by the name it serves the model under", () => {
    const line = curlLine({ name: "triage", task: "text-classification", engine: EXAMPLES.vllm }, "http://x");
    assert.match(line, /"model":"org\/triage"/);
  });

  it("asks of images in rows", () => {
    const engine = EXAMPLES["tensorflow-serving"];
    const line = curlLine({ name: "digits", task: "image-classification", engine }, "http://x");
    assert.match(line, /"instances":\[\[\[0,0,0,12/);
  });
});

function letterOf(kind: (typeof KINDS)[number]): "v" | "t" | "o" {
  return kind === "vllm" ? "o" : kind === "tensorflow-serving" ? "t" : "v";
}

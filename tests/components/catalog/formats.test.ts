import assert from "node:assert/strict";
import { bitsOf, bytesOf, DATA_TYPES, type DataType } from "../../../components/catalog/formats.ts";

/** What a number takes in each format. That a server stores its weights this way is not proved here. */

const KNOWN: { readonly [D in DataType]: number } = {
  fp32: 32,
  tf32: 32,
  bf16: 16,
  fp16: 16,
  fp8: 8,
  int8: 8,
  // 4 and a 16-bit scale a group of 128.
  int4: 4.125,
  // 4 and an FP8 scale a block of 16.
  nvfp4: 4.5,
  // 4 and an 8-bit exponent a block of 32.
  mxfp4: 4.25,
};

describe("formats", () => {
  for (const [dataType, bits] of Object.entries(KNOWN) as [DataType, number][]) {
    it(`counts ${bits} bits for ${dataType}`, () => {
      assert.equal(bitsOf(dataType), bits);
      assert.equal(bytesOf(dataType), bits / 8);
    });
  }

  it("are all known here, each with where it was read and when", () => {
    assert.deepEqual(Object.keys(DATA_TYPES).sort(), Object.keys(KNOWN).sort());
    for (const { source, readOn } of Object.values(DATA_TYPES)) {
      assert.notEqual(source, "");
      assert.match(readOn, /^20\d\d-\d\d-\d\d$/);
    }
  });
});

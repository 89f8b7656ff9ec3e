import assert from "node:assert/strict";
import { suggestField } from "../../stacks/suggest.ts";
import { convert, convertField } from "../../stacks/units.ts";

describe("suggestions", () => {
  const known = { memoryGiB: {}, cpu: {}, cpuLimit: {}, deadlineSeconds: {}, training: { properties: { epochs: {} } } };
  for (const [written, meant] of [
    ["memory", "memoryGiB"],
    ["memoryMiB", "memoryGiB"],
    ["memroyGiB", "memoryGiB"],
    ["cpus", "cpu"],
    ["cpulimit", "cpuLimit"],
    ["deadline", "deadlineSeconds"],
    ["deadlineHours", "deadlineSeconds"],
    ["epochs", "training.epochs"],
    ["colour", undefined],
    ["m".repeat(10_000), undefined],
  ] as const) {
    it(`for ${written.slice(0, 20)}: ${meant ?? "none"}`, () => assert.equal(suggestField(written, known), meant));
  }
});

describe("units", () => {
  for (const [written, field, number] of [
    ["2Gi", "memoryGiB", 2],
    ["512Mi", "memoryGiB", 0.5],
    ["2 GiB", "memoryGiB", 2],
    ["1GB", "memoryGiB", 0.931323],
    ["500m", "cpu", 0.5],
    ["5m", "deadlineSeconds", 300],
    ["1h", "deadlineSeconds", 3600],
    ["64", "batchSize", 64],
    ["64x", "batchSize", undefined],
    ["2Gi", "deadlineSeconds", undefined],
    ["about two", "memoryGiB", undefined],
  ] as const) {
    it(`${written} as ${field} is ${number ?? "not readable"}`, () => assert.equal(convert(written, field), number));
  }

  it("convert a field of another unit", () => {
    assert.equal(convertField("memoryMiB", 2048, "memoryGiB"), 2);
    assert.equal(convertField("deadlineMinutes", 30, "deadlineSeconds"), 1800);
    assert.equal(convertField("memory", 2, "memoryGiB"), undefined);
    assert.equal(convertField("memoryMiB", "2048", "memoryGiB"), undefined);
  });
});

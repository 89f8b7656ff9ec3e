import assert from "node:assert/strict";
import fc from "fast-check";
import { cpuQuantity, memoryQuantity, renderResources } from "../../../components/platform/pod/resources.ts";

describe("quantities", () => {
  for (const [cores, expected] of [
    [1, "1"],
    [0.5, "500m"],
    [1.1, "1100m"],
    [0.0001, "1m"],
    [256, "256"],
  ] as const) {
    it(`writes ${cores} cores as ${expected}`, () => assert.equal(cpuQuantity(cores), expected));
  }

  for (const [gibibytes, expected] of [
    [1, "1Gi"],
    [0.125, "128Mi"],
    [1.5, "1536Mi"],
    [0.0001, "1Mi"],
    [20, "20Gi"],
  ] as const) {
    it(`writes ${gibibytes} GiB as ${expected}`, () => assert.equal(memoryQuantity(gibibytes), expected));
  }

  it("are canonical and never less than asked for", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 256_000 }), (millicores) => {
        const text = cpuQuantity(millicores / 1000);
        assert.equal(text.endsWith("m") ? Number(text.slice(0, -1)) : Number(text) * 1000, millicores);
        assert.ok(!/000m$/.test(text));
      }),
    );
  });

  it("limit memory to the request, and CPU to it unless told otherwise", () => {
    assert.deepEqual(renderResources({ cpu: 0.5, memoryGiB: 2 }), {
      requests: { cpu: "500m", memory: "2Gi" },
      limits: { cpu: "500m", memory: "2Gi" },
    });
    assert.equal(renderResources({ cpu: 0.5, cpuLimit: 2, memoryGiB: 2 }).limits.cpu, "2");
  });
});

import assert from "node:assert/strict";
import { configMaps, manifest } from "../../scripts/bench/objects.ts";
import { renderTable } from "../../scripts/bench/pulumi-table.ts";

describe("the objects of the benchmark", () => {
  it("differ in one value of one object when changed", () => {
    const before = configMaps({ namespace: "n", count: 5, changed: false });
    const after = configMaps({ namespace: "n", count: 5, changed: true });
    assert.equal(new Set(before.map(({ metadata }) => metadata.name)).size, 5);
    const different = after.filter((object, index) => JSON.stringify(object) !== JSON.stringify(before[index]));
    assert.equal(different.length, 1);
    assert.deepEqual({ ...different[0]?.data, note: "as it was" }, before[0]?.data);
  });

  it("are one document each for kubectl", () => {
    const documents = manifest(configMaps({ namespace: "n", count: 3, changed: false })).split("---\n");
    assert.deepEqual(
      documents.slice(0, 3).map((text) => (JSON.parse(text) as { kind: string }).kind),
      ["ConfigMap", "ConfigMap", "ConfigMap"],
    );
  });
});

describe("renderTable", () => {
  it("lines up its columns", () => {
    const table = renderTable([
      { step: "cold", tool: "kubectl apply", seconds: 1.234, requests: { writes: 500, dryRuns: 0, reads: 0 } },
      { step: "no-op", tool: "pulumi up", seconds: 10, requests: { writes: 0, dryRuns: 0, reads: 12 } },
    ]);
    assert.equal(
      table,
      [
        "step   tool           seconds  writes  dry runs  reads",
        "-----  -------------  -------  ------  --------  -----",
        "cold   kubectl apply      1.2     500         0      0",
        "no-op  pulumi up         10.0       0         0     12",
      ].join("\n"),
    );
  });
});

import assert from "node:assert/strict";
import { managersOf, ownsField, resolveField } from "../../../../scripts/standins/kubernetes/fields.ts";
import type { Path } from "../../../../scripts/standins/kubernetes/values.ts";

const object = {
  metadata: { labels: { app: "x", "app.kubernetes.io/name": "y" }, finalizers: ["a/b"] },
  spec: {
    containers: [
      { name: "side[car]", image: "s" },
      { name: "web", image: "w", ports: [{ containerPort: 80 }] },
    ],
  },
};

describe("fields", () => {
  const table: readonly [string, Path | undefined][] = [
    ['.spec.containers[name="web"].image', ["spec", "containers", 1, "image"]],
    ['.spec.containers[name="side[car]"].image', ["spec", "containers", 0, "image"]],
    [
      '.spec.containers[name="web"].ports[containerPort=80,protocol="TCP"].containerPort',
      ["spec", "containers", 1, "ports", 0, "containerPort"],
    ],
    [".metadata.labels.app.kubernetes.io/name", ["metadata", "labels", "app.kubernetes.io/name"]],
    [".metadata.labels.app", ["metadata", "labels", "app"]],
    ['.metadata.finalizers[="a/b"]', ["metadata", "finalizers", 0]],
    [".spec.containers[0].image", ["spec", "containers", 0, "image"]],
    [".spec.replicas", undefined],
    ['.spec.containers[name="none"].image', undefined],
  ];
  for (const [field, path] of table) {
    it(`finds ${field}`, () => assert.deepEqual(resolveField(object, field)?.path, path));
  }

  it("tells who owns a field, however the keys are ordered", () => {
    const steps =
      resolveField(object, '.spec.containers[name="web"].ports[containerPort=80,protocol="TCP"]')?.tree ?? [];
    const ports = { 'k:{"protocol":"TCP","containerPort":80}': {} };
    const tree = { "f:spec": { "f:containers": { 'k:{"name":"web"}': { "f:ports": ports } } } };
    assert.ok(ownsField(tree, steps));
    assert.ok(!ownsField({ "f:spec": { "f:containers": {} } }, steps));
  });

  it("reads managers, and takes an unknown operation for an update", () => {
    const managedFields = [
      { manager: "a", operation: "Apply", fieldsV1: { "f:x": {} } },
      { manager: "b", subresource: "scale" },
    ];
    assert.deepEqual(managersOf({ metadata: { managedFields } }), [
      { name: "a", operation: "Apply", subresource: "", fields: { "f:x": {} } },
      { name: "b", operation: "Update", subresource: "scale", fields: {} },
    ]);
  });
});

import assert from "node:assert/strict";
import { ApiError } from "../../../../scripts/standins/kubernetes/apiError.ts";
import { resolveConflicts } from "../../../../scripts/standins/kubernetes/conflicts.ts";
import type { JsonObject } from "../../../../scripts/standins/kubernetes/values.ts";

const conflict = (manager: string, field: string) =>
  new ApiError(
    409,
    {
      details: { causes: [{ reason: "FieldManagerConflict", message: `conflict with "${manager}" using v1`, field }] },
    },
    "",
  );

const live = (manager: string, operation: string, fields: JsonObject): JsonObject => ({
  metadata: { managedFields: [{ manager, operation, fieldsV1: fields }] },
  spec: { replicas: 5 },
});
const object = { spec: { replicas: 1 } };
const replicas = { "f:spec": { "f:replicas": {} } };

describe("conflicts", () => {
  const base = { object, oldInputs: object, ignored: [], isPatch: false };

  it("puts back what was ours and somebody updated", () => {
    const { overridden, refused } = resolveConflicts(conflict("kubectl", ".spec.replicas"), {
      ...base,
      live: live("kubectl", "Update", replicas),
    });
    assert.deepEqual(overridden, [{ field: ".spec.replicas", manager: "kubectl" }]);
    assert.deepEqual(refused, []);
  });

  it("refuses what another manager applies, and what was never ours", () => {
    const applied = resolveConflicts(conflict("tool", ".spec.replicas"), {
      ...base,
      live: live("tool", "Apply", replicas),
    });
    assert.equal(applied.refused.length, 1);
    const foreign = resolveConflicts(conflict("kubectl", ".spec.replicas"), {
      ...base,
      oldInputs: {},
      live: live("kubectl", "Update", replicas),
    });
    assert.equal(foreign.refused.length, 1);
    assert.equal(applied.overridden.length + foreign.overridden.length, 0);
  });

  it("takes nothing back for a patch, whose object is somebody else's", () => {
    const { overridden, refused } = resolveConflicts(conflict("kubectl", ".spec.replicas"), {
      ...base,
      isPatch: true,
      live: live("kubectl", "Update", replicas),
    });
    assert.deepEqual([overridden.length, refused.length], [0, 1]);
  });

  it("an applier of other fields only does not stand in the way", () => {
    const { overridden } = resolveConflicts(conflict("tool", ".spec.replicas"), {
      ...base,
      live: live("tool", "Apply", { "f:data": {} }),
    });
    assert.equal(overridden.length, 1);
  });

  it("leaves ignored fields out", () => {
    const resolution = resolveConflicts(conflict("kubectl", ".spec.replicas"), {
      ...base,
      ignored: [["spec", "replicas"]],
      live: live("kubectl", "Update", replicas),
    });
    assert.deepEqual(resolution, { object: { spec: {} }, overridden: [], refused: [] });
  });
});

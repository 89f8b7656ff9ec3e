import assert from "node:assert/strict";
import { labelsFor } from "../../../components/core/labels.ts";
import { Platform } from "../../../components/platform/component.ts";
import { renderClaim, renderNamespace, renderVolume } from "../../../components/platform/render.ts";
import type { PlatformArgs } from "../../../components/platform/types.ts";
import { validatePlatform } from "../../../components/platform/validate.ts";
import { countByType, declare, refusal } from "../engine.ts";

const storage = { kind: "node", node: "worker", path: "/srv/artifacts", sizeGiB: 20 } as const;
const onNode: PlatformArgs = { namespace: "models", storage };
const onClass: PlatformArgs = {
  namespace: "models",
  storage: { kind: "storageClass", storageClassName: "efs", sizeGiB: 1 },
};
const labels = labelsFor({ component: "platform" });

describe("platform", () => {
  it("makes a namespace that refuses pods below the restricted standard", () => {
    assert.deepEqual(renderNamespace(onNode).metadata, {
      name: "models",
      labels: {
        ...labels,
        "pod-security.kubernetes.io/enforce": "restricted",
        "pod-security.kubernetes.io/warn": "restricted",
      },
    });
  });

  it("makes of a node's folder a volume that is kept, reserved and found on that node alone", () => {
    assert.deepEqual(renderVolume(onNode, storage), {
      metadata: { name: "models-artifacts", labels },
      spec: {
        accessModes: ["ReadWriteMany"],
        capacity: { storage: "20Gi" },
        claimRef: { apiVersion: "v1", kind: "PersistentVolumeClaim", name: "artifacts", namespace: "models" },
        local: { path: "/srv/artifacts" },
        nodeAffinity: {
          required: {
            nodeSelectorTerms: [
              { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: ["worker"] }] },
            ],
          },
        },
        persistentVolumeReclaimPolicy: "Retain",
        storageClassName: "",
        volumeMode: "Filesystem",
      },
    });
  });

  it("binds the claim to that volume by name, past any default class", () => {
    assert.deepEqual(renderClaim(onNode).spec, {
      accessModes: ["ReadWriteMany"],
      resources: { requests: { storage: "20Gi" } },
      storageClassName: "",
      volumeName: "models-artifacts",
    });
  });

  it("leaves the volume to the storage class where one is named", async () => {
    assert.deepEqual(renderClaim(onClass).spec, {
      accessModes: ["ReadWriteMany"],
      resources: { requests: { storage: "1Gi" } },
      storageClassName: "efs",
    });
    const { registrations } = await declare(() => new Platform("platform", onClass));
    assert.equal(countByType(registrations)["kubernetes:core/v1:PersistentVolume"], undefined);
    assert.equal(countByType(registrations)["kubernetes:core/v1:PersistentVolumeClaim"], 1);
  });

  it("leaves a team's namespace to whoever keeps its quotas, and makes all else in it", async () => {
    const { registrations } = await declare(() => new Platform("platform", { ...onNode, makesNamespace: false }));
    const own = await declare(() => new Platform("platform", onNode));
    assert.equal(countByType(registrations)["kubernetes:core/v1:Namespace"], undefined);
    assert.deepEqual(
      registrations.map(({ name }) => name),
      own.registrations.map(({ name }) => name).filter((name) => name !== "platform-namespace"),
    );
  });

  for (const [namespace, count] of [
    ["models", 0],
    ["default", 1],
    ["kube-system", 1],
    ["kubernetes", 0],
  ] as const) {
    it(`finds ${count} problems in the namespace ${namespace}`, () => {
      assert.equal(validatePlatform({ ...onNode, namespace }).length, count);
    });
  }

  for (const path of ["/", "/srv/../etc", "/srv//artifacts", "/srv/./artifacts"]) {
    it(`refuses the folder ${path}`, () => {
      const problems = validatePlatform({ ...onNode, storage: { ...storage, path } });
      assert.deepEqual(
        problems.map((problem) => [problem.path, problem.value]),
        [["platform.storage.path", path]],
      );
    });
  }

  it("throws one error with all problems", async () => {
    const error = await refusal(
      () => new Platform("platform", { namespace: "default", storage: { ...storage, path: "/" } }),
    );
    assert.match(
      error.message,
      /^The platform cannot be made:\n {2}platform\.namespace: .*\n {2}platform\.storage\.path: /,
    );
  });
});

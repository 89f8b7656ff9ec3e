import type { NamespaceArgs } from "@pulumi/kubernetes/core/v1/namespace.js";
import type { PersistentVolumeArgs } from "@pulumi/kubernetes/core/v1/persistentVolume.js";
import type { PersistentVolumeClaimArgs } from "@pulumi/kubernetes/core/v1/persistentVolumeClaim.js";
import { labelsFor } from "../core/labels.ts";
import { renderDefaultDeny } from "./network/policy.ts";
import { memoryQuantity } from "./pod/resources.ts";
import { RESTRICTED_NAMESPACE } from "./pod/security.ts";
import type { PlatformArgs } from "./types.ts";

type NodeStorage = Extract<PlatformArgs["storage"], { kind: "node" }>;

/** The claim every stage mounts its folders from. */
export const ARTIFACT_CLAIM = "artifacts";

const labels = labelsFor({ component: "platform" });

/** The namespace; it refuses pods that do not meet the restricted standard, and warns whoever submits one. */
export function renderNamespace({ namespace }: PlatformArgs) {
  return {
    metadata: { name: namespace, labels: { ...labels, ...RESTRICTED_NAMESPACE } },
  } satisfies NamespaceArgs;
}

/** Nobody reaches a pod of the namespace unless a policy beside the pod says who may. */
export function renderIsolation({ namespace }: PlatformArgs) {
  return renderDefaultDeny({ name: "default-deny", namespace, labels });
}

/** The claim on the artifact store: on the volume of {@link renderVolume}, or on what the storage class provisions. */
export function renderClaim(args: PlatformArgs) {
  const { namespace, storage } = args;
  const source =
    storage.kind === "node"
      ? // The empty class is what keeps the default StorageClass from provisioning another volume.
        { storageClassName: "", volumeName: volumeName(args) }
      : { storageClassName: storage.storageClassName };
  return {
    metadata: { name: ARTIFACT_CLAIM, namespace, labels },
    spec: {
      accessModes: ["ReadWriteMany"],
      resources: { requests: { storage: memoryQuantity(storage.sizeGiB) } },
      ...source,
    },
  } satisfies PersistentVolumeClaimArgs;
}

/**
 * The folder of one node as a volume. Retained, because artifacts outlive the stack that made them; reserved for the
 * claim by name, so that no other claim of the cluster takes it.
 */
export function renderVolume(args: PlatformArgs, storage: NodeStorage) {
  return {
    metadata: { name: volumeName(args), labels },
    spec: {
      accessModes: ["ReadWriteMany"],
      capacity: { storage: memoryQuantity(storage.sizeGiB) },
      claimRef: { apiVersion: "v1", kind: "PersistentVolumeClaim", name: ARTIFACT_CLAIM, namespace: args.namespace },
      local: { path: storage.path },
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [
            { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: [storage.node] }] },
          ],
        },
      },
      persistentVolumeReclaimPolicy: "Retain",
      storageClassName: "",
      volumeMode: "Filesystem",
    },
  } satisfies PersistentVolumeArgs;
}

/** Volumes belong to the cluster, so the name carries the namespace. */
function volumeName({ namespace }: PlatformArgs): string {
  return `${namespace}-${ARTIFACT_CLAIM}`;
}

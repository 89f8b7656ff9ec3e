import type { ApiError, Cause } from "./apiError.ts";
import { kindKey, kindOf } from "./kinds.ts";
import { at, type Change, isWithin, type JsonObject, type Path, parsePath, textAt } from "./values.ts";

const podContainers = ["spec.containers", "spec.initContainers"];
const workloadSelector = ["spec.selector"];

/** Fields whose change makes the official plugin replace the object, by kind. */
const forceNew: Readonly<Record<string, readonly string[]>> = {
  "apps/v1/DaemonSet": workloadSelector,
  "apps/v1/Deployment": workloadSelector,
  "apps/v1/StatefulSet": [
    "spec.podManagementPolicy",
    "spec.revisionHistoryLimit",
    "spec.selector",
    "spec.serviceName",
    "spec.volumeClaimTemplates",
  ],
  "batch/v1/Job": ["spec.completions", "spec.parallelism", "spec.selector", "spec.template"],
  "policy/v1beta1/PodDisruptionBudget": ["spec"],
  "rbac.authorization.k8s.io/v1/ClusterRoleBinding": ["roleRef"],
  "rbac.authorization.k8s.io/v1/RoleBinding": ["roleRef"],
  "storage.k8s.io/v1/StorageClass": ["parameters", "provisioner"],
  "v1/PersistentVolume": [
    ...["awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "csi", "fc", "flexVolume", "flocker"],
    ...[
      "gcePersistentDisk",
      "glusterfs",
      "hostPath",
      "iscsi",
      "local",
      "nfs",
      "photonPersistentDisk",
      "portworxVolume",
    ],
    ...["quobyte", "rbd", "scaleIO", "storageos", "vsphereVolume"],
  ].map((source) => `spec.${source}`),
  "v1/PersistentVolumeClaim": ["spec.accessModes", "spec.selector", "spec.storageClassName", "spec.volumeName"],
  "v1/Pod": [
    ...podContainers,
    ...[
      "affinity",
      "automountServiceAccountToken",
      "dnsConfig",
      "dnsPolicy",
      "enableServiceLinks",
      "hostAliases",
      "hostIPC",
    ],
    ...[
      "hostNetwork",
      "hostPID",
      "hostname",
      "imagePullSecrets",
      "nodeName",
      "nodeSelector",
      "overhead",
      "preemptionPolicy",
    ],
    ...["priority", "priorityClassName", "readinessGates", "restartPolicy", "runtimeClassName", "schedulerName"],
    ...["securityContext", "serviceAccount", "serviceAccountName", "shareProcessNamespace", "subdomain"],
    ...["terminationGracePeriodSeconds", "volumes"],
  ].map((field) => (field.startsWith("spec.") ? field : `spec.${field}`)),
  "v1/ResourceQuota": ["spec.scopes"],
  "v1/Secret": ["type"],
  "v1/Service": ["spec.clusterIP"],
};

const identity = ["kind", "metadata.name", "metadata.namespace"];

export interface Mutability {
  readonly enableConfigMapMutable: boolean;
  readonly enableSecretMutable: boolean;
}

/**
 * Fields whose change means a new object. Data of ConfigMaps and Secrets is among them unless the provider's settings say
 * otherwise or the object says `immutable`: that is the official plugin's default, which rolls the pods that use them.
 */
function forceNewPaths(object: JsonObject, mutability: Mutability): Path[] {
  const key = kindKey(kindOf(object));
  const isImmutable = at(object, "immutable") === true;
  const data =
    key === "v1/ConfigMap" && (isImmutable || !mutability.enableConfigMapMutable)
      ? ["data", "binaryData"]
      : key === "v1/Secret" && (isImmutable || !mutability.enableSecretMutable)
        ? ["data", "stringData"]
        : [];
  return [...identity, ...(forceNew[key] ?? []), ...data].map(parsePath);
}

/** The changed paths that cannot be made in place, by the table alone. */
export function replacingChanges(
  changes: readonly Change[],
  oldInputs: JsonObject,
  newInputs: JsonObject,
  mutability: Mutability,
): Path[] {
  const paths = [...forceNewPaths(oldInputs, mutability), ...forceNewPaths(newInputs, mutability)];
  const group = (object: JsonObject) => kindOf(object).group;
  return changes
    .map((change) => change.path)
    .filter(
      (path) =>
        // A change above a fixed field (all of `spec` added) changes the field too.
        paths.some((fixed) => isWithin(path, fixed) || isWithin(fixed, path)) ||
        (path[0] === "apiVersion" && group(oldInputs) !== group(newInputs)),
    );
}

const immutableMessage =
  /immutable|updates to .* are forbidden|may not change|may not be changed|cannot be changed|cannot change|cannot be updated|may not update fields other than|may only change|field is not updatable/i;

/** The API server's `spec.ports[0].port` as a path; its selectors are dropped. */
const causePath = (field: string): Path =>
  field
    .replace(/\[[^\]]*\]/g, "")
    .split(".")
    .filter((step) => step !== "");

const withoutIndices = (path: Path): Path => path.filter((step) => typeof step !== "number");

function changesUnder(cause: Cause, changes: readonly Change[]): Path[] {
  const place = causePath(cause.field);
  // "fields other than 'replicas', 'template' are forbidden": what is named may change.
  const allowed = [...cause.message.matchAll(/['`]([A-Za-z.[\]*,]+)['`]/g)].flatMap((match) =>
    (match[1] as string).split(","),
  );
  const excepted = /other than|except/i.test(cause.message)
    ? allowed.map((name) => causePath(name.replace(/\[\*\]/g, "")))
    : [];
  return changes
    .map((change) => change.path)
    .filter((path) => {
      const plain = withoutIndices(path);
      const isExcepted = excepted.some((name) => isWithin(plain, name) || isWithin(plain.slice(place.length), name));
      return !isExcepted && (isWithin(plain, place) || isWithin(place, plain));
    });
}

/**
 * The changed paths the API server refused to change in place, or undefined when it refused for another reason.
 *
 * @param error its answer to a dry run
 */
export function refusedChanges(error: ApiError, changes: readonly Change[]): Path[] | undefined {
  if (error.status !== 422) return undefined;
  const causes = error.causes.filter((cause) => immutableMessage.test(cause.message));
  if (causes.length === 0 || causes.length < error.causes.length) return undefined;
  const found = causes.flatMap((cause) => changesUnder(cause, changes));
  return found.length > 0 ? found : causes.map((cause) => causePath(cause.field));
}

/** Whether the object must go before its replacement can come: it has a name of its own that stays the same. */
export function mustDeleteFirst(oldInputs: JsonObject, newInputs: JsonObject, isAutonamed: boolean): boolean {
  const same = (key: string) => textAt(oldInputs, "metadata", key) === textAt(newInputs, "metadata", key);
  return !isAutonamed && same("name") && same("namespace");
}

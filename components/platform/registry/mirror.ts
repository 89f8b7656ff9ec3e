import type { DeploymentArgs } from "@pulumi/kubernetes/apps/v1/deployment.js";
import type { ServiceAccountArgs } from "@pulumi/kubernetes/core/v1/serviceAccount.js";
import type { RoleArgs } from "@pulumi/kubernetes/rbac/v1/role.js";
import type { RoleBindingArgs } from "@pulumi/kubernetes/rbac/v1/roleBinding.js";
import { place } from "../../compute/scheduling/queue.ts";
import { labelsFor, selectorLabelsFor } from "../../core/labels.ts";
import { renderResources } from "../pod/resources.ts";
import { CONTAINER_SECURITY, POD_SECURITY } from "../pod/security.ts";
import { TOKEN_FOLDER, TOKEN_SOURCES } from "../pod/token.ts";
import {
  COPIED_FOLDERS,
  MIRROR_COMMAND,
  MIRROR_GRACE_SECONDS,
  MIRROR_NAME,
  MIRROR_RESOURCES,
  MIRROR_SILENCE_MINUTES,
  REGISTRY_NAME,
  REGISTRY_PORT,
  SIGNS_FOLDER,
  STORE_FOLDER,
} from "./defaults.ts";
import type { RegistryArgs } from "./types.ts";

const labels = labelsFor({ component: "mirror" });
const selector = selectorLabelsFor({ component: "mirror" });

/** Who the mirror is, and what it may do: see the ConfigMaps of the namespace, among them the records. It changes none. */
export function renderMirrorIdentity(args: RegistryArgs) {
  return {
    serviceAccount: { metadata: metadata(args), automountServiceAccountToken: false } satisfies ServiceAccountArgs,
    role: {
      metadata: metadata(args),
      rules: [{ apiGroups: [""], resources: ["configmaps"], verbs: ["list", "watch"] }],
    } satisfies RoleArgs,
    binding: {
      metadata: metadata(args),
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: MIRROR_NAME },
      subjects: [{ kind: "ServiceAccount", name: MIRROR_NAME, namespace: args.artifacts.namespace }],
    } satisfies RoleBindingArgs,
  };
}

/**
 * The mirror, in a pod of its own: it has a token and the server has none, and where it fails MLflow goes on answering.
 * One, and never two: MLflow does not keep two from making the same run.
 *
 * It is ready while MLflow is in step with the records. Not awaited, since nothing depends on that: no `up` fails because
 * MLflow refused a record.
 */
export function renderMirror(args: RegistryArgs) {
  return {
    metadata: { ...metadata(args), annotations: { "pulumi.com/skipAwait": "true" } },
    spec: {
      replicas: 1,
      selector: { matchLabels: selector },
      strategy: { type: "Recreate" },
      template: { metadata: { labels }, spec: renderPod(args) },
    },
  } satisfies DeploymentArgs;
}

function renderPod(args: RegistryArgs) {
  return {
    ...place({ part: "platform" }, args.placements).pod,
    serviceAccountName: MIRROR_NAME,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: MIRROR_GRACE_SECONDS,
    securityContext: POD_SECURITY,
    containers: [renderContainer(args)],
    volumes: [
      { name: "artifacts", persistentVolumeClaim: { claimName: args.artifacts.claimName } },
      { name: "signs", emptyDir: { medium: "Memory", sizeLimit: "1Mi" } },
      { name: "token", projected: { sources: TOKEN_SOURCES } },
    ],
  };
}

function renderContainer({ artifacts, image }: RegistryArgs) {
  return {
    name: "mirror",
    image,
    command: MIRROR_COMMAND,
    env: [
      { name: "HOME", value: SIGNS_FOLDER },
      { name: "MILLWRIGHT_ARTIFACTS", value: STORE_FOLDER },
      { name: "MILLWRIGHT_NAMESPACE", value: artifacts.namespace },
      { name: "MILLWRIGHT_SIGNS", value: SIGNS_FOLDER },
      { name: "MILLWRIGHT_TRACKING_URL", value: `http://${REGISTRY_NAME}:${REGISTRY_PORT}` },
    ],
    resources: renderResources(MIRROR_RESOURCES),
    securityContext: CONTAINER_SECURITY,
    readinessProbe: {
      exec: { command: ["test", "-e", `${SIGNS_FOLDER}/ready`] },
      periodSeconds: 10,
      failureThreshold: 1,
    },
    livenessProbe: {
      exec: {
        command: ["sh", "-c", `test -n "$(find ${SIGNS_FOLDER}/alive -mmin -${MIRROR_SILENCE_MINUTES})"`],
      },
      initialDelaySeconds: 30,
      periodSeconds: 60,
      failureThreshold: 2,
      timeoutSeconds: 5,
    },
    volumeMounts: [
      ...COPIED_FOLDERS.map((folder) => ({
        name: "artifacts",
        mountPath: `${STORE_FOLDER}/${folder}`,
        subPath: folder,
        readOnly: true,
      })),
      { name: "signs", mountPath: SIGNS_FOLDER },
      { name: "token", mountPath: TOKEN_FOLDER, readOnly: true },
    ],
  };
}

function metadata({ artifacts }: RegistryArgs) {
  return { name: MIRROR_NAME, namespace: artifacts.namespace, labels };
}

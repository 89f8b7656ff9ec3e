import type { DeploymentArgs } from "@pulumi/kubernetes/apps/v1/deployment.js";
import type { ConfigMapArgs } from "@pulumi/kubernetes/core/v1/configMap.js";
import type { ServiceAccountArgs } from "@pulumi/kubernetes/core/v1/serviceAccount.js";
import type { RoleArgs } from "@pulumi/kubernetes/rbac/v1/role.js";
import type { RoleBindingArgs } from "@pulumi/kubernetes/rbac/v1/roleBinding.js";
import { place } from "../compute/scheduling/queue.ts";
import { canonicalJson, shortHash } from "../core/hash.ts";
import { labelsFor, selectorLabelsFor } from "../core/labels.ts";
import { renderResources } from "../platform/pod/resources.ts";
import { CONTAINER_SECURITY, POD_SECURITY } from "../platform/pod/security.ts";
import { TOKEN_FOLDER, TOKEN_SOURCES } from "../platform/pod/token.ts";
import { WATCH_FILE, WATCH_FOLDER, WATCHER_COMMAND, WATCHER_NAME, WATCHER_RESOURCES } from "./defaults.ts";
import type { WatcherArgs } from "./types.ts";

const labels = labelsFor({ component: "watcher" });
const selector = selectorLabelsFor({ component: "watcher" });

/** What it watches, named by its content: a change starts the pod anew. */
export function renderWatchConfig(args: WatcherArgs) {
  const models = args.models.map(({ name, watch }) => ({ name, watch }));
  return {
    metadata: { ...metadata(args), name: `${WATCHER_NAME}-${shortHash(models)}` },
    immutable: true,
    data: { [WATCH_FILE]: canonicalJson({ models }) },
  } satisfies ConfigMapArgs;
}

/**
 * Who the watcher is, and what it may do: read records, to know what serves and when it last asked for a training, and
 * create them. A right on records alone there is none: they are ConfigMaps. It can change and remove none.
 */
export function renderWatcherIdentity(args: WatcherArgs) {
  const { namespace } = args.artifacts;
  return {
    serviceAccount: { metadata: metadata(args), automountServiceAccountToken: false } satisfies ServiceAccountArgs,
    role: {
      metadata: metadata(args),
      rules: [{ apiGroups: [""], resources: ["configmaps"], verbs: ["list", "create"] }],
    } satisfies RoleArgs,
    binding: {
      metadata: metadata(args),
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: WATCHER_NAME },
      subjects: [{ kind: "ServiceAccount", name: WATCHER_NAME, namespace }],
    } satisfies RoleBindingArgs,
  };
}

/**
 * The watcher: one, since two would only ask twice. It keeps nothing, so it needs no probe beyond its process: what it
 * cannot do it says and ends, and the kubelet starts it anew.
 */
export function renderWatcher(args: WatcherArgs, configName: string) {
  const { artifacts, image, prometheusUrl } = args;
  return {
    metadata: metadata(args),
    spec: {
      replicas: 1,
      selector: { matchLabels: selector },
      strategy: { type: "Recreate" },
      template: {
        metadata: { labels },
        spec: {
          ...place({ part: "platform" }, args.placements).pod,
          serviceAccountName: WATCHER_NAME,
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          terminationGracePeriodSeconds: 15,
          securityContext: POD_SECURITY,
          containers: [
            {
              name: "watcher",
              image,
              command: WATCHER_COMMAND,
              env: [
                { name: "HOME", value: "/tmp" },
                { name: "MILLWRIGHT_NAMESPACE", value: artifacts.namespace },
                { name: "MILLWRIGHT_PROMETHEUS", value: prometheusUrl },
                { name: "MILLWRIGHT_WATCH", value: `${WATCH_FOLDER}/${WATCH_FILE}` },
              ],
              resources: renderResources(WATCHER_RESOURCES),
              securityContext: CONTAINER_SECURITY,
              volumeMounts: [
                { name: "watch", mountPath: WATCH_FOLDER, readOnly: true },
                { name: "token", mountPath: TOKEN_FOLDER, readOnly: true },
              ],
            },
          ],
          volumes: [
            { name: "watch", configMap: { name: configName } },
            { name: "token", projected: { sources: TOKEN_SOURCES } },
          ],
        },
      },
    },
  } satisfies DeploymentArgs;
}

function metadata({ artifacts }: WatcherArgs) {
  return { name: WATCHER_NAME, namespace: artifacts.namespace, labels };
}

import { randomUUID } from "node:crypto";

/** One resource of the program, as plain data, so that the tests know what has to be there. */
export interface SuiteObject {
  /** Name of the resource in the program. */
  readonly name: string;
  readonly manifest: Manifest;
  /** Whether its `stringData` is declared as a secret. */
  readonly secret?: boolean;
  /** Fields that stay as they were first declared. */
  readonly ignoreChanges?: readonly string[];
  /** Names the resource had before. */
  readonly aliases?: readonly string[];
}

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

/** Changes that replace or remove something, one at a time. */
export const DESTRUCTIVE = [
  "rename",
  "rename-with-alias",
  "cluster-ip",
  "deployment-selector",
  "claim-class",
  "role-ref",
  "config-map-data",
  "volume-claim-templates",
  "job-template",
  "refused-successor",
  "custom-resource-renamed",
] as const;
export type Destructive = (typeof DESTRUCTIVE)[number];
export type Variant = "full" | "smaller" | "changed" | Destructive;

export interface Choice {
  readonly SUITE_PREFIX?: string | undefined;
  readonly SUITE_VARIANT?: string | undefined;
  /** Value of the Secrets. */
  readonly SUITE_CANARY?: string | undefined;
  /** Declared in the clear, where it has to be found. */
  readonly SUITE_CLEAR_CANARY?: string | undefined;
}

/** Every object is found by this label, whatever its kind. */
export const SUITE_LABEL = "millwright.dev/suite";
const IMAGE = `registry.invalid/suite@sha256:${"0".repeat(64)}`;
const SKIP_AWAIT = { "pulumi.com/skipAwait": "true" };

/**
 * What the program declares. Names start with a prefix of each trial's own, cluster-scoped ones too, so that trials share a
 * control plane without meeting.
 */
export function declared(choice: Choice): SuiteObject[] {
  const prefix = choice.SUITE_PREFIX ?? "suite";
  const variant = (choice.SUITE_VARIANT ?? "full") as Variant;
  const is = (name: Variant) => variant === name;
  const namespaces = ["a", "b"].map((letter) => `${prefix}-${letter}`);
  const labels = { [SUITE_LABEL]: prefix, "app.kubernetes.io/managed-by": "millwright" };
  const object = (
    apiVersion: string,
    kind: string,
    metadata: { name: string; namespace?: string; annotations?: Readonly<Record<string, string>> },
    fields: object = {},
    more: Omit<SuiteObject, "name" | "manifest"> & { name?: string } = {},
  ): SuiteObject => ({
    name: `${metadata.namespace ?? "cluster"}/${kind}/${metadata.name}`.toLowerCase().replaceAll("/", "-"),
    manifest: { apiVersion, kind, metadata: { labels, ...metadata }, ...fields },
    ...more,
  });
  const cluster = (apiVersion: string, kind: string, name: string, fields: object = {}) =>
    object(apiVersion, kind, { name: `${prefix}-${name}` }, fields);
  const rbac = "rbac.authorization.k8s.io";
  const rules = [{ apiGroups: [""], resources: ["configmaps"], verbs: ["get"] }];

  const inNamespace = (namespace: string): SuiteObject[] => {
    const of = (apiVersion: string, kind: string, name: string, fields: object = {}) =>
      object(apiVersion, kind, { namespace, name }, fields);
    const unawaited = (apiVersion: string, kind: string, name: string, fields: object) =>
      object(apiVersion, kind, { namespace, name, annotations: SKIP_AWAIT }, fields);
    const first = namespace === namespaces[0];
    const only = (name: Variant) => first && is(name);
    const configMaps = Array.from({ length: 10 }, (_, index) => {
      const value = is("changed") && index < 3 ? "changed" : "first";
      const clear = first && index === 1 ? { clear: choice.SUITE_CLEAR_CANARY ?? "none" } : {};
      return of("v1", "ConfigMap", `settings-${index}`, { data: { value, ...clear } });
    });
    return [
      ...renamed(first ? variant : "full", configMaps),
      ...["one", "two"].map((name) => ({
        ...of("v1", "Secret", `secret-${name}`, { stringData: { value: choice.SUITE_CANARY ?? "none" } }),
        secret: true,
      })),
      { ...of("v1", "Secret", "secret-drawn", { immutable: true, data: { value: drawn() } }), ignoreChanges: ["data"] },
      ...["one", "two"].map((name) => of("v1", "ServiceAccount", `account-${name}`)),
      ...["one", "two"].map((name) => of(`${rbac}/v1`, "Role", `role-${name}`, { rules })),
      of(`${rbac}/v1`, "RoleBinding", "binding", {
        roleRef: { apiGroup: rbac, kind: "Role", name: only("role-ref") ? "role-two" : "role-one" },
        subjects: [{ kind: "ServiceAccount", name: "account-one", namespace }],
      }),
      // Without a selector nobody waits for endpoints, which need nodes.
      ...["one", "two"].map((name) => {
        const refused = only("refused-successor") && name === "one";
        const moved = (only("cluster-ip") && name === "one") || refused;
        const spec = { ports: [{ port: refused ? 80_000 : 80 }], ...(moved ? { clusterIP: "None" } : {}) };
        return unawaited("v1", "Service", `service-${name}`, { spec });
      }),
      of("networking.k8s.io/v1", "NetworkPolicy", "policy", { spec: { podSelector: {}, policyTypes: ["Ingress"] } }),
      of("policy/v1", "PodDisruptionBudget", "budget", { spec: { maxUnavailable: 1, selector: match("app") } }),
      of("v1", "ResourceQuota", "quota", { spec: { hard: { pods: is("changed") ? "20" : "10" } } }),
      of("v1", "LimitRange", "limits", { spec: { limits: [{ type: "Container", default: { cpu: "1" } }] } }),
      of("batch/v1", "CronJob", "schedule", {
        spec: { schedule: "0 0 1 1 *", suspend: true, jobTemplate: { spec: { template: template("cron", "Never") } } },
      }),
      unawaited("batch/v1", "Job", "job", {
        spec: { suspend: true, template: template(only("job-template") ? "other-job" : "job", "Never") },
      }),
      of("apps/v1", "Deployment", "deployment", workload(only("deployment-selector") ? "other" : "app")),
      unawaited("apps/v1", "StatefulSet", "set", {
        spec: {
          ...workload("set").spec,
          serviceName: "service-two",
          volumeClaimTemplates: [claimTemplate(only("volume-claim-templates") ? "2Gi" : "1Gi")],
        },
      }),
      unawaited("v1", "PersistentVolumeClaim", "claim", {
        spec: { ...claim("1Gi"), storageClassName: `${prefix}-${only("claim-class") ? "quick" : "slow"}` },
      }),
    ];
  };

  const group = `${prefix}.suite.millwright.dev`;
  const definition = {
    spec: {
      group,
      scope: "Namespaced",
      names: { plural: "widgets", singular: "widget", kind: "Widget" },
      versions: [
        {
          name: "v1",
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: {
              type: "object",
              properties: { spec: { type: "object", properties: { size: { type: "integer" } } } },
            },
          },
        },
      ],
    },
  };
  const widget = (name: string) =>
    object(
      `${group}/v1`,
      "Widget",
      { namespace: namespaces[0] ?? "", name },
      { spec: { size: is("changed") ? 2 : 1 } },
    );
  const widgets = ["one", "two"].map((name) => widget(`widget-${name}`));

  const all = [
    ...namespaces.map((name) => object("v1", "Namespace", { name })),
    object("apiextensions.k8s.io/v1", "CustomResourceDefinition", { name: `widgets.${group}` }, definition),
    ...["slow", "quick"].map((name) =>
      cluster("storage.k8s.io/v1", "StorageClass", name, { provisioner: "millwright.dev/none" }),
    ),
    cluster("scheduling.k8s.io/v1", "PriorityClass", "urgent", { value: 1000 }),
    cluster(`${rbac}/v1`, "ClusterRole", "reader", { rules }),
    cluster(`${rbac}/v1`, "ClusterRoleBinding", "readers", {
      roleRef: { apiGroup: rbac, kind: "ClusterRole", name: `${prefix}-reader` },
      subjects: [{ kind: "ServiceAccount", name: "account-one", namespace: namespaces[0] }],
    }),
    ...namespaces.flatMap(inNamespace),
    ...(is("custom-resource-renamed") ? widgets.map((one) => ({ ...one, name: `${one.name}-new` })) : widgets),
  ];
  return is("smaller") ? all.filter(({ name }) => !isLeftOut(name)) : all;
}

/** As a password is: another one in every run. */
function drawn(): string {
  return Buffer.from(randomUUID()).toString("base64");
}

/** Some of several kinds, one of them cluster-scoped. */
function isLeftOut(name: string): boolean {
  return /-(configmap-settings-[789]|secret-secret-two|rolebinding-binding|urgent)$|widget-two$/.test(name);
}

function renamed(variant: Variant, configMaps: readonly SuiteObject[]): SuiteObject[] {
  const [first, ...others] = configMaps as [SuiteObject, ...SuiteObject[]];
  const name = `${first.name}-renamed`;
  if (variant === "rename") return [{ ...first, name }, ...others];
  if (variant === "rename-with-alias") return [{ ...first, name, aliases: [first.name] }, ...others];
  if (variant !== "config-map-data") return [...configMaps];
  return [{ ...first, manifest: { ...first.manifest, immutable: true, data: { value: "other" } } }, ...others];
}

const match = (app: string) => ({ matchLabels: { app } });

function template(app: string, restartPolicy: string): object {
  const amounts = { cpu: "100m", memory: "64Mi" };
  const container = { name: "main", image: IMAGE, resources: { requests: amounts, limits: amounts } };
  return { metadata: { labels: { app } }, spec: { restartPolicy, containers: [container] } };
}

function workload(app: string) {
  return { spec: { replicas: 0, selector: match(app), template: template(app, "Always") } };
}

function claim(storage: string): object {
  return { accessModes: ["ReadWriteOnce"], resources: { requests: { storage } } };
}

function claimTemplate(storage: string): object {
  return { metadata: { name: "data" }, spec: claim(storage) };
}

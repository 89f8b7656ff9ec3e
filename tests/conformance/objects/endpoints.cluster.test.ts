// Every object of language endpoints, in every shape a stack can ask for, as a real API server judges it by a server-side dry
// run: the core's kinds and, by the definitions their modules carry, LeaderWorkerSet, ScaledObject, TriggerAuthentication and
// ServiceMonitor. For each kind one wrong field or value is refused, so that the proof can fail. Does not prove what the
// projects' own webhooks would say, nor that anything runs.
import assert from "node:assert/strict";
import { renderPriorityClasses } from "../../../components/compute/scheduling/priorities.ts";
import { place, placementsOf } from "../../../components/compute/scheduling/queue.ts";
import { renderLanguageEndpoint } from "../../../components/serving/language/render.ts";
import type { LanguageEndpointArgs } from "../../../components/serving/language/types.ts";
import {
  endpointOf,
  H100_POOL,
  LARGE,
  LARGE_ARGS,
  SCHEDULING,
  SMALL,
  SMALL_ARGS,
  scaledArgs,
} from "../../components/serving/language/fixtures.ts";
import { type Applicable, type DryRun, dryRun } from "../dry-run.ts";

const of = (args: LanguageEndpointArgs, raw: object, rest: Partial<LanguageEndpointArgs> = {}) => ({
  ...args,
  ...rest,
  endpoint: endpointOf(raw),
});
const MANAGED = { url: "https://aps-workspaces.us-east-2.amazonaws.com/workspaces/ws-1", awsRegion: "us-east-2" };
const QUEUED = place(
  { part: "serving", pool: H100_POOL.name, group: 2 },
  placementsOf([H100_POOL], SCHEDULING, SCHEDULING.teams[0]!.name),
);

const SHAPES: Readonly<Record<string, LanguageEndpointArgs>> = {
  "one device": SMALL_ARGS,
  "four devices, two replicas, watched": {
    ...of(SMALL_ARGS, {
      ...SMALL,
      parallelism: { tensor: 4 },
      scaling: { kind: "fixed", replicas: 2 },
      clients: ["shop"],
    }),
    monitored: true,
  },
  "weights of the artifact store": of(
    SMALL_ARGS,
    { ...SMALL, model: { ...SMALL.model, weights: "/models/chat" } },
    { claimName: "artifacts" },
  ),
  "weights of a repository": of(SMALL_ARGS, {
    ...SMALL,
    model: {
      architecture: "llama-3.1-8b",
      weights: "meta-llama/Llama-3.1-8B",
      revision: "c".repeat(40),
      token: { secretName: "hub" },
    },
  }),
  scaled: scaledArgs(SMALL_ARGS),
  "two nodes with EFA, in a queue": { ...LARGE_ARGS, placed: QUEUED },
  "two nodes, scaled by Amazon's Prometheus": { ...scaledArgs(LARGE_ARGS), metrics: MANAGED, monitored: true },
  "the longest name": of(LARGE_ARGS, { ...LARGE, name: "e".repeat(32) }),
};

const VERSIONS: Readonly<Record<string, { readonly apiVersion: string; readonly kind: string }>> = {
  account: { apiVersion: "v1", kind: "ServiceAccount" },
  policy: { apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy" },
  service: { apiVersion: "v1", kind: "Service" },
  budget: { apiVersion: "policy/v1", kind: "PodDisruptionBudget" },
};

/** What the engine would hand over, with its kind. */
function objectsOf(args: LanguageEndpointArgs): Applicable[] {
  return Object.entries(renderLanguageEndpoint(args)).flatMap(([part, object]) =>
    object === undefined ? [] : [{ ...VERSIONS[part], ...JSON.parse(JSON.stringify(object)) } as Applicable],
  );
}

type Template = { readonly metadata: object; readonly spec: object };

function templatesOf(spec: object): Template[] {
  const { template, leaderWorkerTemplate = {} } = spec as {
    template?: Template;
    leaderWorkerTemplate?: { leaderTemplate?: Template; workerTemplate?: Template };
  };
  const { leaderTemplate, workerTemplate } = leaderWorkerTemplate;
  return [template, leaderTemplate, workerTemplate].filter((each) => each !== undefined);
}

/** The same object with one member, by its path, replaced. */
function broken(object: Applicable, path: string, value: unknown): Applicable {
  const copy = structuredClone(object) as unknown as Record<string, unknown>;
  const keys = path.split(".");
  const last = keys.pop()!;
  const parent = keys.reduce<Record<string, unknown>>((at, key) => at[key] as Record<string, unknown>, copy);
  assert.ok(parent !== undefined, path);
  parent[last] = value;
  return copy as unknown as Applicable;
}

describe("objects of language endpoints on an API server", function () {
  this.timeout(300_000);
  this.slow(30_000);
  let server: DryRun;

  before(async () => {
    server = await dryRun();
    await server.define("leaderworkerset", "keda", "prometheus-operator");
    for (const each of renderPriorityClasses()) {
      await server.keep({ apiVersion: "scheduling.k8s.io/v1", kind: "PriorityClass", ...each });
    }
  });

  for (const [shape, args] of Object.entries(SHAPES)) {
    it(`are taken to the last field: ${shape}`, async () => {
      for (const object of objectsOf(args)) {
        assert.equal(await server.refusal(object), undefined, `${object.kind} ${object.metadata.name}`);
      }
    });
  }

  it("make pods that the restricted standard admits, leaders and workers alike", async () => {
    for (const [shape, args] of Object.entries(SHAPES)) {
      const { account, workload } = renderLanguageEndpoint(args);
      await server.keep({ ...VERSIONS["account"]!, ...account });
      for (const [index, template] of templatesOf(workload.spec).entries()) {
        const pod = { apiVersion: "v1", kind: "Pod", ...template };
        const metadata = { ...template.metadata, name: `pod-${index}`, namespace: args.namespace };
        assert.equal(await server.refusal({ ...pod, metadata }), undefined, shape);
        const root = broken({ ...pod, metadata }, "spec.securityContext.runAsNonRoot", false);
        assert.match((await server.refusal(root)) ?? "taken", /violates PodSecurity "restricted/);
      }
    }
  });

  it("are of every kind that an endpoint declares", () => {
    const kinds = new Set(Object.values(SHAPES).flatMap((args) => objectsOf(args).map(({ kind }) => kind)));
    assert.deepEqual([...kinds].sort(), [
      "Deployment",
      "LeaderWorkerSet",
      "NetworkPolicy",
      "PodDisruptionBudget",
      "ScaledObject",
      "Service",
      "ServiceAccount",
      "ServiceMonitor",
      "TriggerAuthentication",
    ]);
  });

  for (const [kind, path, value, expected] of [
    ["LeaderWorkerSet", "spec.leaderWorkerTemplate.restartPolicy", "Always", /Unsupported value: "Always"/],
    ["LeaderWorkerSet", "spec.leaderWorkerTemplate.workers", 2, /field not declared in schema|unknown field/],
    [
      "LeaderWorkerSet",
      "spec.leaderWorkerTemplate.workerTemplate.spec.containers.0.resources.limits",
      { cpu: "much" },
      /quantit|must match|Invalid value/i,
    ],
    ["LeaderWorkerSet", "spec.startupPolicy", "Whenever", /Unsupported value: "Whenever"/],
    ["ScaledObject", "spec.fallback.behavior", "guess", /Unsupported value: "guess"/],
    ["ScaledObject", "spec.cooldown", 5, /field not declared in schema|unknown field/],
    ["ScaledObject", "spec.minReplicaCount", "one", /must be of type integer|expected numeric/],
    ["TriggerAuthentication", "spec.podIdentity.provider", "azure", /Unsupported value: "azure"/],
    ["ServiceMonitor", "spec.endpoints", undefined, /spec\.endpoints: Required value/],
    ["ServiceMonitor", "spec.endpoint", [], /field not declared in schema|unknown field/],
    ["Deployment", "spec.template.spec.tolerations.0.effect", "Never", /Unsupported value: "Never"/],
    ["Deployment", "spec.template.spec.containers.0.livenes", {}, /field not declared in schema|unknown field/],
    ["NetworkPolicy", "spec.egress.0.ports.0.protocol", "ICMP", /Unsupported value: "ICMP"/],
    ["PodDisruptionBudget", "spec.minAvailable", 1, /minAvailable and maxUnavailable cannot be both set/],
    ["Service", "spec.type", "Public", /Unsupported value: "Public"/],
    [
      "ServiceAccount",
      "automountServiceAccountToken",
      "no",
      /expected boolean|must be of type boolean|cannot unmarshal/,
    ],
  ] satisfies [string, string, unknown, RegExp][]) {
    it(`are refused where ${kind} has a wrong ${path}`, async () => {
      const object = Object.values(SHAPES)
        .flatMap(objectsOf)
        .find((each) => each.kind === kind);
      assert.ok(object !== undefined);
      assert.match((await server.refusal(broken(object, path, value))) ?? "taken", expected);
    });
  }
});

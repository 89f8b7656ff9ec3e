import assert from "node:assert/strict";
import { Endpoint } from "../../../components/serving/component.ts";
import { renderEndpoint } from "../../../components/serving/render.ts";
import { CONFIG_ANNOTATION } from "../../../components/serving/router.ts";
import type { EndpointArgs } from "../../../components/serving/types.ts";
import { servingSchema } from "../../../stacks/schema.ts";
import { CLUSTER_IP, declare, find, type Registration, refusal, resolved } from "../engine.ts";
import { TRAINING_RECORD, VERSION } from "../fixtures.ts";
import { ARGS, CANARY_ARGS, FIRST_ARGS, LATER, PROMOTED_ARGS, scaled } from "./versions.ts";

/** What an endpoint renders and declares. It does not prove that a cluster does it: the integration suite does. */

const STABLE = VERSION.version;
const CANDIDATE = LATER.version;

const rendered = renderEndpoint(ARGS);
const [version] = rendered.versions;
const pod = version!.deployment.spec.template;
const server = pod.spec.containers[0]!;
const router = rendered.router;
const routerPod = router.deployment.spec.template;

describe("a version's servers", () => {
  it("mount the version's artifact read-only and are told its name", () => {
    assert.deepEqual(server.volumeMounts, [
      { name: "artifacts", mountPath: "/mnt/models", subPath: TRAINING_RECORD.artifact.path, readOnly: true },
      { name: "tmp", mountPath: "/tmp" },
    ]);
    assert.deepEqual(server.env, [
      { name: "HOME", value: "/tmp" },
      { name: "MILLWRIGHT_VERSION", value: STABLE },
      { name: "MLSERVER_MODEL_NAME", value: "mail-triage" },
      { name: "MLSERVER_MODEL_URI", value: "/mnt/models" },
      { name: "TMPDIR", value: "/tmp" },
    ]);
  });

  it("are ready when the model is, and alive when the server is", () => {
    assert.deepEqual(server.startupProbe.httpGet, { path: "/v2/models/mail-triage/ready", port: "http" });
    assert.deepEqual(server.readinessProbe.httpGet, server.startupProbe.httpGet);
    assert.equal(server.livenessProbe.httpGet.path, "/v2/health/live");
  });

  it("have the time to start that the stack says, and the engine the time to see it", () => {
    assert.equal(server.startupProbe.periodSeconds * server.startupProbe.failureThreshold, 180);
    assert.equal(version!.deployment.spec.progressDeadlineSeconds, 300);
    assert.equal(version!.deployment.metadata.annotations["pulumi.com/timeoutSeconds"], "300");
    const three = renderEndpoint(scaled(ARGS, 3)).versions[0]!;
    assert.equal(three.deployment.spec.replicas, 3);
    assert.equal(three.deployment.metadata.annotations["pulumi.com/timeoutSeconds"], "660");
  });

  it("take requests for longer than a router that leads to them drains, and end after those under way", () => {
    const drain = server.lifecycle.preStop.sleep.seconds;
    assert.ok(drain > routerPod.spec.containers[0]!.lifecycle.preStop.sleep.seconds);
    assert.ok(pod.spec.terminationGracePeriodSeconds > drain);
  });

  it("are found by their version's Service and by no other", () => {
    const { versions } = renderEndpoint(CANARY_ARGS);
    const [stable, candidate] = versions.map(({ service, deployment }) => {
      assert.deepEqual(deployment.spec.selector.matchLabels, service.spec.selector);
      return { selector: service.spec.selector, labels: deployment.spec.template.metadata.labels };
    });
    assert.ok(selects(stable!.selector, stable!.labels) && selects(candidate!.selector, candidate!.labels));
    assert.ok(!selects(stable!.selector, candidate!.labels) && !selects(candidate!.selector, stable!.labels));
  });

  it("have the same pods on trial, beside a canary and as the stable version", () => {
    const [trial, candidate] = [renderEndpoint(FIRST_ARGS).versions[0], renderEndpoint(CANARY_ARGS).versions[1]];
    assert.deepEqual(trial?.deployment.spec, version?.deployment.spec);
    assert.deepEqual(trial?.service, version?.service);
    assert.deepEqual(renderEndpoint(CANARY_ARGS).versions[0], version);
    assert.deepEqual(candidate?.deployment.spec, renderEndpoint(PROMOTED_ARGS).versions[0]?.deployment.spec);
  });

  it("are waited for by the engine once they are stable, and by their judge before", () => {
    const [stable, candidate] = renderEndpoint(CANARY_ARGS).versions.map(
      ({ deployment }) => deployment.metadata.annotations,
    );
    const taken = { "pulumi.com/patchForce": "true" };
    assert.deepEqual(stable, { "pulumi.com/timeoutSeconds": "300", ...taken });
    // Whether they are ready; that they are gone is waited for, too, which skipAwait would leave out.
    assert.deepEqual(candidate, { "pulumi.com/waitFor": "jsonpath={.metadata.uid}", ...taken });
  });
});

describe("a model's routers", () => {
  it("are found by the model's Service and by the one for their metrics; servers are not", () => {
    for (const service of [router.service, router.metrics]) {
      assert.ok(selects(service.spec.selector, routerPod.metadata.labels));
      assert.ok(!selects(service.spec.selector, pod.metadata.labels));
    }
    assert.equal(router.service.metadata.name, "mail-triage");
    assert.equal(router.metrics.spec.clusterIP, "None");
    assert.ok(!selects(version!.service.spec.selector, routerPod.metadata.labels));
  });

  it("keep their address and their selectors whatever versions there are", () => {
    for (const args of [CANARY_ARGS, PROMOTED_ARGS, FIRST_ARGS]) {
      const other = renderEndpoint(args).router;
      assert.deepEqual([other.service, other.metrics], [router.service, router.metrics]);
      assert.deepEqual(other.deployment.spec.selector, router.deployment.spec.selector);
    }
  });

  it("roll with their configuration, one after the other, and with nothing else", () => {
    const weights = [20, 50].map((weight) =>
      renderEndpoint({ ...CANARY_ARGS, canary: { ...CANARY_ARGS.canary!, weight } }),
    );
    const hashes = weights.map(({ router: { config, deployment } }) => {
      const { template, strategy } = deployment.spec;
      assert.deepEqual(strategy.rollingUpdate, { maxUnavailable: 0, maxSurge: 1 });
      assert.equal(template.spec.volumes[0]!.configMap.name, config.metadata.name);
      assert.equal(config.immutable, true);
      return template.metadata.annotations[CONFIG_ANNOTATION];
    });
    assert.match(hashes[0]!, /^[0-9a-f]{64}$/);
    assert.notEqual(hashes[0], hashes[1]);
    assert.notEqual(weights[0]!.router.config.metadata.name, weights[1]!.router.config.metadata.name);
    assert.deepEqual(renderEndpoint(structuredClone(CANARY_ARGS)).router, renderEndpoint(CANARY_ARGS).router);
  });

  it("mount their configuration and nothing they could write to", () => {
    const [container] = routerPod.spec.containers;
    assert.deepEqual(container!.volumeMounts, [{ name: "config", mountPath: "/etc/millwright", readOnly: true }]);
    assert.deepEqual(Object.keys(router.config.data), ["haproxy.cfg"]);
    assert.equal(container!.securityContext.readOnlyRootFilesystem, true);
  });

  it("are probed for their own health", () => {
    const { startupProbe, readinessProbe, livenessProbe } = routerPod.spec.containers[0]!;
    for (const { httpGet } of [startupProbe, readinessProbe, livenessProbe]) {
      assert.deepEqual(httpGet, { path: "/healthz", port: "metrics" });
    }
  });

  it("drain, then end after the longest request, before they are killed", () => {
    const hardStop = Number(/hard-stop-after (\d+)s/.exec(router.config.data["haproxy.cfg"])?.[1]);
    const drain = routerPod.spec.containers[0]!.lifecycle.preStop.sleep.seconds;
    assert.ok(drain > 0 && hardStop > 0 && routerPod.spec.terminationGracePeriodSeconds > drain + hardStop);
  });

  for (const [servers, routers, concurrency] of [
    [1, 1, 16],
    [2, 2, 16],
    [5, 2, 40],
  ] as const) {
    it(`are ${routers} for ${servers} servers a version, with a budget where there is more than one`, () => {
      const { router: many, versions } = renderEndpoint(scaled(CANARY_ARGS, servers));
      assert.equal(many.deployment.spec.replicas, routers);
      assert.ok(many.config.data["haproxy.cfg"].includes(` maxconn ${concurrency} `));
      assert.equal(many.budget === undefined, routers === 1);
      assert.deepEqual(
        versions.map(({ budget }) => budget === undefined),
        [servers === 1, servers === 1],
      );
      if (many.budget !== undefined) {
        assert.deepEqual(many.budget.spec.selector, many.deployment.spec.selector);
        assert.deepEqual(versions[0]!.budget?.spec.selector, versions[0]!.deployment.spec.selector);
      }
    });
  }
});

describe("a version whose servers an autoscaler counts", () => {
  const serving = servingSchema.parse({ engine: "mlserver", scaling: { kind: "auto", max: 4 } });
  const { versions, router: front } = renderEndpoint({
    ...ARGS,
    stable: { ...VERSION, model: { ...VERSION.model, serving } },
  });

  it("declares no number of them, and is guarded and routed for as many as there can be", () => {
    assert.ok(!("replicas" in versions[0]!.deployment.spec));
    assert.notEqual(versions[0]!.budget, undefined);
    assert.equal(front.deployment.spec.replicas, 2);
    assert.ok(front.config.data["haproxy.cfg"].includes(" maxconn 8 "));
  });
});

describe("endpoint", () => {
  const registered = async (args: EndpointArgs) => declare(() => new Endpoint("mail-triage", args));
  const children = (registrations: readonly Registration[]) =>
    registrations.filter(({ custom }) => custom).map(({ type, name }) => `${type.split(":").at(-1)} ${name}`);

  const ALWAYS = [
    "ServiceAccount mail-triage-account",
    "NetworkPolicy mail-triage-servers-policy",
    "NetworkPolicy mail-triage-router-policy",
    "ConfigMap mail-triage-router-config",
    "Deployment mail-triage-router",
    "Service mail-triage-metrics",
    "Service mail-triage-service",
  ];
  const ofVersion = (name: string) => [`Service ${name}-service`, `Deployment ${name}-deployment`];

  for (const [what, args, versions] of [
    ["one stable version", ARGS, [STABLE]],
    ["a stable version and a canary", CANARY_ARGS, [STABLE, CANDIDATE]],
    ["a canary that was promoted", PROMOTED_ARGS, [CANDIDATE]],
    ["a first version on trial", FIRST_ARGS, [STABLE]],
  ] satisfies [string, EndpointArgs, string[]][]) {
    it(`declares for ${what} exactly its servers and the routers`, async () => {
      const { registrations } = await registered(args);
      assert.deepEqual(children(registrations).sort(), [...ALWAYS, ...versions.flatMap(ofVersion)].sort());
      assert.ok(registrations.every(({ parent, custom }) => !custom || parent === "mail-triage"));
    });
  }

  it("guards several servers, and several routers, with budgets", async () => {
    const { registrations } = await registered(scaled(CANARY_ARGS, 2));
    assert.deepEqual(
      children(registrations)
        .filter((child) => child.startsWith("PodDisruptionBudget"))
        .sort(),
      [`${STABLE}-budget`, `${CANDIDATE}-budget`, "mail-triage-router-budget"]
        .map((name) => `PodDisruptionBudget ${name}`)
        .sort(),
    );
  });

  it("changes at a promotion no pod of the candidate, and of the routers only their configuration", async () => {
    const before = (await registered(CANARY_ARGS)).registrations;
    const after = (await registered(PROMOTED_ARGS)).registrations;
    const changed = after
      .filter(({ custom, type, name, inputs }) => custom && !equals(find(before, type, name).inputs, inputs))
      .map(({ name }) => name);
    assert.deepEqual(changed, ["mail-triage-router-config", `${CANDIDATE}-deployment`, "mail-triage-router"]);
    const servers = `${CANDIDATE}-deployment`;
    assert.deepEqual(specOf(find(after, DEPLOYMENT, servers)), specOf(find(before, DEPLOYMENT, servers)));
  });

  it("changes at the first promotion, and at a new weight, no pod but the routers'", async () => {
    const heavier = { ...CANARY_ARGS, canary: { ...CANARY_ARGS.canary!, weight: 50 } };
    for (const [from, to] of [
      [FIRST_ARGS, ARGS],
      [CANARY_ARGS, heavier],
    ] as const) {
      const before = (await registered(from)).registrations;
      const after = (await registered(to)).registrations;
      assert.deepEqual(children(after), children(before));
      const changed = after.filter(
        ({ custom, type, name, inputs }) => custom && !equals(podsOf(find(before, type, name).inputs), podsOf(inputs)),
      );
      assert.deepEqual(
        changed.map(({ name }) => name),
        ["mail-triage-router-config", "mail-triage-router"],
      );
    }
  });

  it("makes and awaits the versions, then the routers, then the model's address", async () => {
    const { registrations } = await registered(CANARY_ARGS);
    const routers = find(registrations, "kubernetes:apps/v1:Deployment", "mail-triage-router");
    for (const name of [STABLE, CANDIDATE]) {
      // The Service first, so that it is removed last; it has nobody to lead to before there are servers.
      const servers = find(registrations, "kubernetes:apps/v1:Deployment", `${name}-deployment`);
      assert.ok(servers.dependencies.includes(`${name}-service`));
      assert.ok(routers.dependencies.includes(`${name}-service`));
      assert.ok(routers.dependencies.includes(`${name}-deployment`));
      const service = find(registrations, "kubernetes:core/v1:Service", `${name}-service`);
      assert.equal(annotationsOf(service)["pulumi.com/skipAwait"], "true");
    }
    assert.ok(routers.dependencies.includes("mail-triage-router-config"));
    assert.ok(routers.dependencies.includes("mail-triage-servers-policy"));
    assert.ok(routers.dependencies.includes("mail-triage-router-policy"));
    const address = find(registrations, "kubernetes:core/v1:Service", "mail-triage-service");
    assert.ok(address.dependencies.includes("mail-triage-router"));
    for (const awaited of [address, routers, find(registrations, DEPLOYMENT, `${STABLE}-deployment`)]) {
      assert.ok(Number(annotationsOf(awaited)["pulumi.com/timeoutSeconds"]) >= 60, awaited.name);
      assert.ok(!("pulumi.com/skipAwait" in annotationsOf(awaited)), awaited.name);
    }
  });

  it("says where it is reached and what serves", async () => {
    const { result } = await registered(CANARY_ARGS);
    assert.equal(await resolved(result.url), `http://${CLUSTER_IP}:8080`);
    assert.deepEqual(result.versions, { stable: STABLE, canary: CANDIDATE });
    assert.deepEqual((await registered(ARGS)).result.versions, { stable: STABLE });
  });

  for (const [what, args, expected] of [
    ["no version", { ...ARGS, stable: undefined }, /stable: must be there where there is no canary/],
    [
      "a record of another model",
      { ...ARGS, stable: { ...VERSION, record: { ...TRAINING_RECORD, model: "other" } } },
      /stable\.record\.model: must be mail-triage \(found "other"\)/,
    ],
    [
      "an artifact outside the store",
      {
        ...CANARY_ARGS,
        canary: {
          weight: 20,
          version: { ...LATER, record: { ...TRAINING_RECORD, artifact: { path: "../x", sha256: "0", bytes: 1 } } },
        },
      },
      /canary\.version\.record\.artifact\.path: .*"\.\.\/x"/,
    ],
    ["a version of another model", { ...ARGS, stable: { ...VERSION, model: { ...VERSION.model, name: "b" } } }, /"b"/],
    [
      "a version that is no name",
      { ...ARGS, stable: { ...VERSION, version: "a b\n  server x" } },
      /stable\.version: must be a DNS label/,
    ],
    ["a version too long for a name", { ...ARGS, stable: { ...VERSION, version: "v".repeat(64) } }, /63 characters/],
    [
      "the stable version on trial",
      { ...ARGS, canary: { version: VERSION, weight: 20 } },
      /canary\.version: must be another than the stable one/,
    ],
    ["a weight of 0", { ...CANARY_ARGS, canary: { version: LATER, weight: 0 } }, /canary\.weight: .* \(found 0\)/],
    ["a weight of 100", { ...CANARY_ARGS, canary: { version: LATER, weight: 100 } }, /from 1 to 99/],
    ["half a percent", { ...CANARY_ARGS, canary: { version: LATER, weight: 0.5 } }, /whole number of percent/],
  ] satisfies [string, EndpointArgs, RegExp][]) {
    it(`refuses ${what}`, async () => {
      const error = await refusal(() => new Endpoint("mail-triage", args));
      assert.match(error.message, /^The endpoint of mail-triage cannot be made:/);
      assert.match(error.message, expected);
    });
  }
});

type Labels = Readonly<Record<string, string>>;

/** Whether a selector takes a pod with these labels. */
function selects(selector: Labels, labels: Labels): boolean {
  return Object.entries(selector).every(([name, value]) => labels[name] === value);
}

function annotationsOf({ inputs }: Registration): Labels {
  return (inputs["metadata"] as { annotations: Labels }).annotations;
}

function equals(a: unknown, b: unknown): boolean {
  try {
    assert.deepEqual(a, b);
    return true;
  } catch {
    return false;
  }
}

const DEPLOYMENT = "kubernetes:apps/v1:Deployment";

function specOf({ inputs }: Registration): unknown {
  return inputs["spec"];
}

/** Inputs without the annotations of the object itself, which reach no pod. */
function podsOf({ metadata, ...rest }: Record<string, unknown>): object {
  const { annotations: _, ...kept } = metadata as Record<string, unknown>;
  return { metadata: kept, ...rest };
}

import assert from "node:assert/strict";
import { labelsFor } from "../../../../components/core/labels.ts";
import { renderEndpoint } from "../../../../components/serving/render.ts";
import { EXAMPLES, KINDS } from "../../catalog/engines.ts";
import type { Registration } from "../../engine.ts";
import { VERSION } from "../../fixtures.ts";
import { renderedObjects } from "../../rendered.ts";
import { ARGS } from "../../serving/versions.ts";
import { isAllowed, type Pod, policiesOf, selects } from "./evaluate.ts";

/**
 * Who may reach whom, by the policies of every object the program declares. It does not prove that a cluster enforces them:
 * the bridge network of the local datacenter enforces none.
 */

type Labels = Readonly<Record<string, string>>;
type Container = { ports?: { name: string; containerPort: number }[] };

const NAMESPACE = "millwright";
const MODEL = "mail-triage";

/** A pod of the models' namespace that plays a part. */
const of = (component: Parameters<typeof labelsFor>[0]["component"], model?: string, more: object = {}): Pod => ({
  namespace: NAMESPACE,
  labels: labelsFor({ component, ...(model === undefined ? {} : { model }), ...more }),
});

const SERVER = of("serving", MODEL, { version: "v1" });
const ROUTER = of("router", MODEL);
const JUDGE = of("rollout", MODEL, { run: "r" });
const OTHER_JUDGE = of("rollout", "other", { run: "r" });
const PROMETHEUS = of("prometheus");
const SEARCHER = of("search", MODEL, { run: "s" });
const TRACKING = of("tracking");
const MIRROR = of("mirror");
const DATABASE = of("database");
const WATCHER = of("watcher");
const STRANGER: Pod = { namespace: "default", labels: { app: "x" } };
const KEDA: Pod = { namespace: "keda", labels: labelsFor({ component: "autoscaler" }) };
const FALSE_KEDA: Pod = { namespace: "default", labels: labelsFor({ component: "autoscaler" }) };
const DATASET = of("dataset", MODEL, { run: "d" });

const FLOWS: [from: string, Pod | "outside", to: string, Pod, port: number, allowed: boolean][] = [
  ["the router", ROUTER, "its servers", SERVER, 8080, true],
  ["another model's router", of("router", "other"), "the servers", SERVER, 8080, false],
  ["the judge", JUDGE, "the servers", SERVER, 8080, true],
  ["another model's judge", OTHER_JUDGE, "the servers", SERVER, 8080, false],
  ["a client", STRANGER, "the servers past the router", SERVER, 8080, false],
  ["what is outside", "outside", "the servers past the router", SERVER, 8080, false],
  ["Prometheus", PROMETHEUS, "the servers' metrics", SERVER, 8082, true],
  ["Prometheus", PROMETHEUS, "the servers' requests", SERVER, 8080, false],
  ["the router", ROUTER, "the servers' metrics", SERVER, 8082, false],
  ["anybody", STRANGER, "the servers' gRPC", SERVER, 8081, false],
  ["a client of another namespace", STRANGER, "the router", ROUTER, 8080, true],
  ["a client outside the cluster", "outside", "the router", ROUTER, 8080, true],
  ["the judge", JUDGE, "the router's metrics", ROUTER, 8404, true],
  ["Prometheus", PROMETHEUS, "the router's metrics", ROUTER, 8404, true],
  ["KEDA", KEDA, "the router's load", ROUTER, 8404, true],
  ["what says it is KEDA", FALSE_KEDA, "the router's load", ROUTER, 8404, false],
  ["a client", STRANGER, "the router's metrics", ROUTER, 8404, false],
  ["another model's judge", OTHER_JUDGE, "the router's metrics", ROUTER, 8404, false],
  ["a search", SEARCHER, "the database", DATABASE, 5432, true],
  ["MLflow", TRACKING, "the database", DATABASE, 5432, true],
  ["a server", SERVER, "the database", DATABASE, 5432, false],
  ["a search of another namespace", { ...SEARCHER, namespace: "default" }, "the database", DATABASE, 5432, false],
  ["the mirror", MIRROR, "MLflow", TRACKING, 5000, true],
  ["a browser", "outside", "MLflow", TRACKING, 5000, true],
  ["the watcher", WATCHER, "Prometheus", PROMETHEUS, 9090, true],
  ["a server", SERVER, "Prometheus", PROMETHEUS, 9090, false],
  ["anybody", STRANGER, "the watcher", WATCHER, 8080, false],
  ["anybody of the namespace", SERVER, "a dataset run", DATASET, 8080, false],
];

describe("network policies", () => {
  let objects: readonly Registration[];
  before(async () => {
    objects = await renderedObjects();
  });

  for (const [from, source, to, target, port, allowed] of FLOWS) {
    it(`${allowed ? "let" : "keep"} ${from} ${allowed ? "reach" : "from"} ${to}`, () => {
      assert.equal(isAllowed(policiesOf(objects), source, target, port), allowed);
    });
  }

  it("let the workers of a training run reach each other at every port, and those of another run at none", () => {
    const job = objects.find(({ type, name }) => type.endsWith(":Job") && /-training-[0-9a-f]+-job$/.test(name));
    const labels = (job!.inputs as { spec: { template: { metadata: { labels: Labels } } } }).spec.template.metadata
      .labels;
    const worker: Pod = { namespace: NAMESPACE, labels };
    for (const port of [29_500, 41_234]) {
      assert.ok(isAllowed(policiesOf(objects), worker, worker, port));
      assert.ok(!isAllowed(policiesOf(objects), of("training", MODEL, { run: "another" }), worker, port));
    }
  });

  it("close the models' namespace to whatever no policy names", () => {
    const deny = policiesOf(objects).filter(({ spec }) => Object.keys(spec.podSelector).length === 0);
    assert.deepEqual(
      deny.map(({ metadata, spec }) => [metadata.name, metadata.namespace, spec.policyTypes, spec.ingress]),
      [["default-deny", NAMESPACE, ["Ingress"], undefined]],
    );
    assert.ok(!isAllowed(policiesOf(objects), SERVER, of("platform"), 80));
  });

  it("have an allowance for each port of each Service of the namespace, by the pods it leads to", () => {
    const services = objects.filter(
      ({ type, inputs }) => type.endsWith(":Service") && namespaceOf(inputs) === NAMESPACE,
    );
    const pods = templatesOf(objects);
    assert.ok(services.length >= 7, `${services.length} Services`);
    for (const { name, inputs } of services) {
      const { selector, ports } = inputs["spec"] as {
        selector: Labels;
        ports: { port: number; targetPort: number | string }[];
      };
      const targets = pods.filter(({ labels }) => selects({ matchLabels: selector }, labels));
      assert.ok(targets.length > 0, `${name} leads to no pod`);
      for (const { targetPort } of ports) {
        for (const { labels, containers } of targets) {
          const port = numberOf(targetPort, containers);
          const to = { namespace: NAMESPACE, labels };
          const open = policiesOf(objects).some(
            ({ spec }) =>
              selects(spec.podSelector, labels) &&
              (spec.ingress ?? []).some((rule) => rule.ports?.some((each) => each.port === port) ?? true),
          );
          assert.ok(open, `${name}: nobody is allowed to reach port ${port} of ${JSON.stringify(to)}`);
        }
      }
    }
  });

  it("are declared for no pod that does not exist", () => {
    const pods = templatesOf(objects);
    for (const { metadata, spec } of policiesOf(objects)) {
      assert.ok(
        pods.some(({ labels }) => selects(spec.podSelector, labels)),
        metadata.name,
      );
    }
  });
});

describe("the policy of a model's servers", () => {
  for (const kind of KINDS) {
    it(`opens the ports ${kind} listens on, and no other`, () => {
      const engine = EXAMPLES[kind];
      const serving = { ...VERSION.model.serving, engine };
      const { policies, versions } = renderEndpoint({
        ...ARGS,
        stable: { ...VERSION, model: { ...VERSION.model, serving } },
      });
      const opened = (policies.servers.spec as { ingress: { ports: { port: number }[] }[] }).ingress.flatMap(
        ({ ports }) => ports.map(({ port }) => port),
      );
      const listening = versions[0]!.deployment.spec.template.spec.containers[0]!.ports.map(
        (each) => each.containerPort,
      );
      assert.deepEqual([...new Set(opened)].sort(), listening.sort());
    });
  }

  it("lets a KEDA that the cluster has ask the router, and none where nothing is scaled", () => {
    const scaled = { ...VERSION.model.serving, scaling: { ...AUTO } };
    const routerOf = (serving: typeof scaled | typeof VERSION.model.serving) =>
      renderEndpoint({ ...ARGS, stable: { ...VERSION, model: { ...VERSION.model, serving } } }).policies.router;
    const keda = { "app.kubernetes.io/name": "keda-operator" };
    assert.match(JSON.stringify(routerOf(scaled)), new RegExp(JSON.stringify(keda).slice(1, -1)));
    assert.doesNotMatch(JSON.stringify(routerOf(VERSION.model.serving)), /keda/);
  });
});

const AUTO = {
  kind: "auto",
  min: 0,
  max: 3,
  concurrency: 4,
  idleSeconds: 300,
  stabilisationSeconds: 120,
  growthReplicas: 2,
  growthSeconds: 30,
} as const;

function namespaceOf(inputs: Readonly<Record<string, unknown>>): string | undefined {
  return (inputs["metadata"] as { namespace?: string }).namespace;
}

function templatesOf(objects: readonly Registration[]): { labels: Labels; containers: readonly Container[] }[] {
  return objects
    .filter(({ inputs }) => namespaceOf(inputs) === NAMESPACE)
    .flatMap(({ inputs }) => {
      const template = (inputs["spec"] as { template?: { metadata: { labels: Labels }; spec: object } } | undefined)
        ?.template;
      return template === undefined
        ? []
        : [
            {
              labels: template.metadata.labels,
              containers: (template.spec as { containers: readonly Container[] }).containers,
            },
          ];
    });
}

function numberOf(target: number | string, containers: readonly Container[]): number {
  if (typeof target === "number") {
    return target;
  }
  const found = containers.flatMap(({ ports = [] }) => ports).find(({ name }) => name === target);
  assert.ok(found !== undefined, `no port is called ${target}`);
  return found.containerPort;
}

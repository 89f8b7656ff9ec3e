// What we declare of KEDA and for it, through the official provider, on a real API server with KEDA's real programs, which have
// the rights we give them and no others; a small server plays the router. Does not prove what needs pods: that several servers
// come and go is in tests/integration/autoscaling.test.ts. Skipped where KEDA is not built.
import assert from "node:assert/strict";
import { renderAccess } from "../../../components/platform/autoscaler/access.ts";
import { CERTIFICATES_SECRET, METRICS_NAME, OPERATOR_NAME } from "../../../components/platform/autoscaler/defaults.ts";
import { renderDefinitions } from "../../../components/platform/autoscaler/definitions.ts";
import {
  renderApiService,
  renderMetricsServer,
  renderMetricsService,
  renderOperator,
} from "../../../components/platform/autoscaler/render.ts";
import { ROUTER_METRICS_PORT } from "../../../components/serving/defaults.ts";
import { renderEndpoint } from "../../../components/serving/render.ts";
import type { EndpointArgs } from "../../../components/serving/types.ts";
import { freePort } from "../../../scripts/lib/port.ts";
import type { JsonObject } from "../../../scripts/standins/lib/values.ts";
import { isPresent } from "../../../scripts/toolchain/ensure.ts";
import type { ScalingSpec } from "../../../stacks/schema.ts";
import { ARGS, CANARY_ARGS } from "../../components/serving/versions.ts";
import { askWithToken, Cluster, eventually, FakeRouter, originalDefinitions, outerAddress } from "./cluster.ts";
import { Program } from "./keda.ts";
import { Provider, type Resource } from "./provider.ts";

const SCALING: ScalingSpec = {
  kind: "auto",
  min: 0,
  max: 4,
  concurrency: 4,
  idleSeconds: 4,
  stabilisationSeconds: 60,
  growthReplicas: 2,
  growthSeconds: 30,
};

function scaled(args: EndpointArgs): EndpointArgs {
  const change = <T extends NonNullable<EndpointArgs["stable"]>>(served: T): T => ({
    ...served,
    model: { ...served.model, serving: { ...served.model.serving, scaling: SCALING } },
  });
  const { stable, canary } = args;
  return {
    ...args,
    stable: stable && change(stable),
    canary: canary && { ...canary, version: change(canary.version) },
  };
}

const DEFINITION = "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition";
const DEPLOYMENT = "kubernetes:apps/v1:Deployment";
const SCALED_OBJECT = "kubernetes:keda.sh/v1alpha1:ScaledObject";

/** What is rendered, as the engine hands it over. */
const plain = (object: unknown) => JSON.parse(JSON.stringify(object)) as JsonObject;

/** Without a kubelet no server is ever ready. */
function withoutAwait(object: { readonly metadata: { readonly annotations: object } }): JsonObject {
  const { metadata } = object;
  const annotations = { ...metadata.annotations, "pulumi.com/skipAwait": "true" };
  return plain({ ...object, metadata: { ...metadata, annotations } });
}

const NAMESPACE = "models";
const KEDA = { namespace: "keda" };
const endpoint = renderEndpoint(scaled(ARGS));
const [scaledObject] = endpoint.scaledObjects;
assert.ok(scaledObject !== undefined);
const VERSION = scaledObject.metadata.name;

describe("autoscaler on a control plane", function () {
  this.timeout(120_000);
  this.slow(20_000);
  let cluster: Cluster;
  let provider: Provider;
  const declared: { deployment?: Resource; scaledObject?: Resource } = {};
  let router: FakeRouter;
  let certificates: { readonly folder: string; readonly stop: () => Promise<void> };
  let operator: Program;
  let metrics: Program | undefined;
  const ports = { operator: 0, metrics: 0 };

  before(async function () {
    const address = outerAddress();
    if (!(await isPresent("keda")) || address === undefined) {
      process.stderr.write(
        "      skipped: KEDA is not built (npm run tools -- keda), or this machine has no network\n",
      );
      this.skip();
    }
    cluster = await Cluster.start();
    provider = await Provider.start(cluster.kubeconfig);
    for (const name of [NAMESPACE, KEDA.namespace]) {
      await cluster.apply("Namespace", { metadata: { name } });
    }
    router = await FakeRouter.start(address, ROUTER_METRICS_PORT);
    const { metrics } = endpoint.router;
    await cluster.apply("Service", metrics);
    await cluster.apply("EndpointSlice", {
      metadata: {
        name: "routers",
        namespace: NAMESPACE,
        labels: { "kubernetes.io/service-name": metrics.metadata.name },
      },
      addressType: "IPv4",
      endpoints: [{ addresses: [address], conditions: { ready: true } }],
      ports: [{ name: "metrics", port: ROUTER_METRICS_PORT, protocol: "TCP" }],
    } as never);
  });

  after(async () => {
    await metrics?.stop();
    await operator?.stop();
    await certificates?.stop();
    router?.close();
    provider?.close();
    await cluster?.stop();
  });

  const live = () => cluster.get<Live>("ScaledObject", VERSION, NAMESPACE);
  const replicas = async () =>
    (await cluster.get<{ spec: { replicas: number } }>("Deployment", VERSION, NAMESPACE))?.spec.replicas;
  const become = (count: number, seconds = 30) =>
    eventually(`${count} replicas`, async () => ((await replicas()) === count ? count : undefined), seconds);

  interface Live {
    readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
  }

  interface Hpa {
    readonly spec: {
      readonly minReplicas: number;
      readonly maxReplicas: number;
      readonly behavior: { readonly scaleUp: { readonly policies: unknown } };
      readonly metrics: readonly { readonly external: { readonly target: unknown } }[];
    };
  }

  it("renders ScaledObjects that KEDA's own definitions take, to the last field", async () => {
    const definitions = originalDefinitions();
    for (const definition of definitions) {
      await cluster.apply("CustomResourceDefinition", definition);
    }
    const first = renderEndpoint(scaled(CANARY_ARGS)).scaledObjects;
    for (const each of [scaledObject, ...first]) {
      // What follows a definition is served a moment later.
      const isServed = async () =>
        !/page not found/.test((await cluster.refusal("ScaledObject", each)) ?? "") || undefined;
      await eventually("KEDA's kinds are served", isServed);
      assert.equal(await cluster.refusal("ScaledObject", each), undefined);
      const misspelt = { ...each, spec: { ...each.spec, cooldown: 5 } };
      assert.match((await cluster.refusal("ScaledObject", misspelt)) ?? "", /unknown field \\"spec.cooldown\\"/);
    }
    assert.deepEqual(
      definitions.map(({ metadata }) => metadata.name).sort(),
      renderDefinitions()
        .map(({ metadata }) => metadata.name)
        .sort(),
    );
    for (const definition of definitions) {
      await cluster.remove("CustomResourceDefinition", definition);
    }
  });

  it("runs KEDA with our definitions and rights, which makes its certificates", async () => {
    for (const definition of renderDefinitions()) {
      const news = { apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition", ...plain(definition) };
      const created = await provider.create(DEFINITION, definition.metadata.name, news);
      assert.deepEqual(await provider.refreshedInputs(created), created.inputs, "the API server keeps it as declared");
    }
    const { accounts, clusterRoles, clusterRoleBindings, roles, roleBindings } = renderAccess(KEDA);
    for (const [kind, objects] of Object.entries({
      ServiceAccount: accounts,
      ClusterRole: clusterRoles,
      ClusterRoleBinding: clusterRoleBindings,
      Role: roles,
      RoleBinding: roleBindings,
    })) {
      for (const each of objects) {
        await cluster.apply(kind, each);
      }
    }
    await cluster.apply("Service", renderMetricsService(KEDA));
    await cluster.apply("APIService", renderApiService(KEDA));
    certificates = cluster.mountSecret(CERTIFICATES_SECRET, KEDA.namespace);
    ports.operator = await freePort();
    const { kubeconfig } = await cluster.login(OPERATOR_NAME, KEDA.namespace);
    const { args } = renderOperator({ ...KEDA, image: "" }).spec.template.spec.containers[0]!;
    const here = [
      `--kubeconfig=${kubeconfig}`,
      `--cert-dir=${certificates.folder}`,
      `--health-probe-bind-address=127.0.0.1:${await freePort()}`,
      `--metrics-service-bind-address=127.0.0.1:${ports.operator}`,
    ];
    operator = new Program("keda", [...args, ...here], KEDA.namespace);
    const { spec } = await eventually(
      "the API's certificate",
      async () => {
        const found = await cluster.get<{ spec: { caBundle?: string } }>(
          "APIService",
          "v1beta1.external.metrics.k8s.io",
        );
        return found?.spec.caBundle === undefined ? undefined : found;
      },
      60,
    );
    assert.match(Buffer.from(spec.caBundle!, "base64").toString(), /BEGIN CERTIFICATE/);
  });

  it("has KEDA take up a version's ScaledObject, which the engine waits for", async () => {
    router.load = 1;
    declared.deployment = await provider.create(DEPLOYMENT, "deployment", {
      ...{ apiVersion: "apps/v1", kind: "Deployment" },
      ...withoutAwait(endpoint.versions[0]!.deployment),
    });
    await become(1);
    declared.scaledObject = await provider.create(SCALED_OBJECT, "scaled", plain(scaledObject));
    const { conditions = [] } = (await live())?.status ?? {};
    assert.ok(conditions.some(({ type, status }) => type === "Ready" && status === "True"));
    const { spec } = (await cluster.get<Hpa>("HorizontalPodAutoscaler", VERSION, NAMESPACE))!;
    assert.deepEqual([spec.minReplicas, spec.maxReplicas], [1, 4]);
    assert.deepEqual(spec.behavior.scaleUp.policies, [{ type: "Pods", value: 2, periodSeconds: 30 }]);
    assert.deepEqual(
      spec.metrics.map(({ external }) => external.target),
      [{ type: "AverageValue", averageValue: "4" }],
    );
  });

  it("puts a version to sleep that nobody asks, and wakes it at a single request", async () => {
    router.load = 0.001;
    await new Promise((resolve) => setTimeout(resolve, 8000));
    assert.equal(await replicas(), 1, "a router that had a request is not idle");
    router.load = 0;
    await become(0);
    for (const each of Object.values(declared)) {
      assert.deepEqual(await provider.refreshedInputs(each), each.inputs, "what KEDA does is no drift");
    }
    router.load = 1;
    const asked = Date.now();
    await become(1);
    assert.ok(Date.now() - asked < 6000, `${Date.now() - asked} ms to wake`);
  });

  it("wakes a version nobody asks when another one is tried beside it, and lets it sleep afterwards", async () => {
    router.load = 0;
    await become(0);
    const tried = renderEndpoint(scaled(CANARY_ARGS)).scaledObjects.find(({ metadata }) => metadata.name === VERSION);
    const before = declared.scaledObject!;
    const during = await provider.update(before, plain(tried));
    await become(1);
    declared.scaledObject = await provider.update(during, before.inputs);
    await become(0);
  });

  it("puts no version to sleep while its routers cannot be asked", async () => {
    router.load = 1;
    await become(1);
    router.isBroken = true;
    await new Promise((resolve) => setTimeout(resolve, 15_000));
    assert.equal(await replicas(), 1);
    router.isBroken = false;
    router.load = 0;
    await become(0);
  });

  it("tells the HorizontalPodAutoscaler what a version has to do, and nobody else", async () => {
    router.load = 7;
    await become(1);
    ports.metrics = await freePort();
    const { kubeconfig } = await cluster.login(METRICS_NAME, KEDA.namespace);
    const { args } = renderMetricsServer({ ...KEDA, image: "" }).spec.template.spec.containers[0]!;
    const files = { "client-ca-file": "ca.crt", "tls-cert-file": "tls.crt", "tls-private-key-file": "tls.key" };
    const here = [
      // The API server whose clients it has, and that it asks who they are.
      ...["kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig", "lister-kubeconfig"].map(
        (flag) => `--${flag}=${kubeconfig}`,
      ),
      ...Object.entries(files).map(([flag, file]) => `--${flag}=${certificates.folder}/${file}`),
      `--cert-dir=${certificates.folder}`,
      `--secure-port=${ports.metrics}`,
      `--port=${await freePort()}`,
      `--metrics-service-address=127.0.0.1:${ports.operator}`,
      `--metrics-service-grpc-authority=${OPERATOR_NAME}.${KEDA.namespace}.svc`,
    ];
    metrics = new Program("keda-adapter", [...args, ...here], KEDA.namespace);
    const selector = encodeURIComponent(`scaledobject.keda.sh/name=${VERSION}`);
    const target =
      `https://127.0.0.1:${ports.metrics}/apis/external.metrics.k8s.io/v1beta1/namespaces/${NAMESPACE}` +
      `/s0-metric-api-requests?labelSelector=${selector}`;
    const answer = async (account: string, namespace: string) => {
      const { token } = await cluster.login(account, namespace);
      return askWithToken(target, token, `${certificates.folder}/ca.crt`).catch(() => undefined);
    };
    const { body } = await eventually("the metrics server", async () => {
      const found = await answer("horizontal-pod-autoscaler", "kube-system");
      return found?.status === 200 ? found : undefined;
    });
    const { items } = JSON.parse(body) as { items: { value: string }[] };
    assert.deepEqual(
      items.map(({ value }) => value),
      ["7"],
    );
    assert.equal((await answer("default", NAMESPACE))?.status, 403);
  });

  it("gives the number of servers back to a stack that fixes it", async () => {
    router.load = 0;
    await become(0);
    const { deployment } = renderEndpoint({
      ...ARGS,
      stable: {
        ...ARGS.stable!,
        model: {
          ...ARGS.stable!.model,
          serving: { ...ARGS.stable!.model.serving, scaling: { kind: "fixed", replicas: 3 } },
        },
      },
    }).versions[0]!;
    const before = declared.deployment!;
    const news = { apiVersion: "apps/v1", kind: "Deployment", ...withoutAwait(deployment) };
    router.load = 1;
    await become(1);
    declared.deployment = await provider.update(before, news);
    assert.equal(await replicas(), 3);
  });

  it("lets a ScaledObject go, with all it made, and leaves no version asleep", async () => {
    router.load = 0;
    await become(0);
    await provider.delete(declared.scaledObject!);
    assert.equal(await cluster.get("ScaledObject", VERSION, NAMESPACE), undefined);
    await become(1);
    await eventually("no HorizontalPodAutoscaler", async () =>
      (await cluster.get("HorizontalPodAutoscaler", VERSION, NAMESPACE)) === undefined ? true : undefined,
    );
  });

  it("has needed no right that it does not have, and started at most once more than once", () => {
    for (const program of [operator, metrics!]) {
      const refused = program.output
        .split("\n")
        .filter((line) => /forbidden|cannot (list|get|watch|patch)/i.test(line));
      assert.deepEqual(refused, []);
      assert.ok(program.starts <= 2, `${program.starts} starts:\n${program.output.slice(-3000)}`);
    }
  });
});

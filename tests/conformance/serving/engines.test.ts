// What is rendered for each kind of server, and who may reach it, is taken by a real API server as it stands, in a namespace that
// admits restricted pods only. Does not prove that an image starts, nor that a network enforces a policy.
import assert from "node:assert/strict";
import { renderIsolation, renderNamespace } from "../../../components/platform/render.ts";
import { renderEndpoint } from "../../../components/serving/render.ts";
import { type ControlPlane, startControlPlane } from "../../../scripts/cluster/control-plane.ts";
import { Api } from "../../../scripts/simulation/api.ts";
import { servingSchema } from "../../../stacks/schema.ts";
import { EXAMPLES, IMAGE, KINDS } from "../../components/catalog/engines.ts";
import { VERSION } from "../../components/fixtures.ts";
import { ARGS } from "../../components/serving/versions.ts";

const NAMESPACE = "served";
const GPU = servingSchema.shape.resources.parse({ cpu: 4, memoryGiB: 32, gpu: 2 });

const PATHS = {
  ConfigMap: ["v1", "/api/v1", "configmaps"],
  Deployment: ["apps/v1", "/apis/apps/v1", "deployments"],
  NetworkPolicy: ["networking.k8s.io/v1", "/apis/networking.k8s.io/v1", "networkpolicies"],
  Pod: ["v1", "/api/v1", "pods"],
  Service: ["v1", "/api/v1", "services"],
  ServiceAccount: ["v1", "/api/v1", "serviceaccounts"],
} as const;

describe("engines on a control plane", function () {
  this.timeout(120_000);
  this.slow(20_000);
  let plane: ControlPlane;
  let api: Api;

  /** Applies an object as the engine's plugin does, or only asks whether it would be taken; a refusal throws. */
  const apply = (kind: keyof typeof PATHS, object: object, dryRun = false) => {
    const [apiVersion, prefix, plural] = PATHS[kind];
    const { name } = (object as { metadata: { name: string } }).metadata;
    const query = `fieldValidation=Strict${dryRun ? "&dryRun=All" : ""}`;
    const path = `${prefix}/namespaces/${NAMESPACE}/${plural}/${name}?${query}`;
    return api.apply<Record<string, unknown>>(path, "test", { apiVersion, kind, ...object });
  };

  before(async () => {
    plane = await startControlPlane();
    api = new Api(plane.server, plane.identity);
    const args = {
      namespace: NAMESPACE,
      storage: { kind: "storageClass", storageClassName: "x", sizeGiB: 1 },
    } as const;
    const namespace = { apiVersion: "v1", kind: "Namespace", ...renderNamespace(args) };
    await api.apply(`/api/v1/namespaces/${NAMESPACE}`, "test", namespace);
    await apply("NetworkPolicy", renderIsolation(args));
  });

  after(async () => {
    api?.close();
    await plane?.stop();
  });

  for (const kind of KINDS) {
    it(`takes the objects of ${kind}, and its pod by the restricted standard`, async () => {
      const serving = {
        ...VERSION.model.serving,
        engine: EXAMPLES[kind],
        ...(kind === "mlserver" ? {} : { resources: GPU }),
      };
      const { versions, policies, router, serviceAccount } = renderEndpoint({
        ...ARGS,
        artifacts: { ...ARGS.artifacts, namespace: NAMESPACE },
        images: { server: IMAGE, router: IMAGE },
        stable: { ...VERSION, model: { ...VERSION.model, serving } },
      });
      const { config, deployment, service, version } = versions[0]!;
      await apply("ServiceAccount", serviceAccount);
      for (const policy of Object.values(policies)) {
        const taken = await apply("NetworkPolicy", policy, true);
        // Written as the API server keeps it, so that no later look finds a difference.
        assert.deepEqual(taken["spec"], JSON.parse(JSON.stringify(policy.spec)));
      }
      for (const each of [service, router.service, router.metrics]) {
        await apply("Service", each, true);
      }
      await apply("Deployment", deployment, true);
      if (config !== undefined) {
        await apply("ConfigMap", config, true);
      }
      const { metadata, spec } = deployment.spec.template;
      await apply("Pod", { metadata: { ...metadata, name: version, namespace: NAMESPACE }, spec }, true);
    });
  }

  it("refuses a pod that is not restricted, and a port that is named twice: the test would see either", async () => {
    const { versions } = renderEndpoint({ ...ARGS, artifacts: { ...ARGS.artifacts, namespace: NAMESPACE } });
    const { metadata, spec } = versions[0]!.deployment.spec.template;
    const pod = { metadata: { ...metadata, name: "pod", namespace: NAMESPACE } };
    const root = { ...spec, securityContext: { ...spec.securityContext, runAsNonRoot: false } };
    await assert.rejects(apply("Pod", { ...pod, spec: root }, true), /violates PodSecurity "restricted/);
    const [server] = spec.containers;
    const ports = [server!.ports[0]!, { ...server!.ports[0]!, name: "metrics" }];
    await assert.rejects(
      apply("Pod", { ...pod, spec: { ...spec, containers: [{ ...server!, ports }] } }, true),
      /duplicate/i,
    );
  });
});

// What is rendered for each kind of server, and who may reach it, is taken by a real API server as it stands, in a namespace that
// admits restricted pods only. Does not prove that an image starts, nor that a network enforces a policy.
import assert from "node:assert/strict";
import { renderIsolation, renderNamespace } from "../../../components/platform/render.ts";
import { renderEndpoint } from "../../../components/serving/render.ts";
import type { JsonObject } from "../../../scripts/standins/kubernetes/values.ts";
import { servingSchema } from "../../../stacks/schema.ts";
import { EXAMPLES, IMAGE, KINDS } from "../../components/catalog/engines.ts";
import { VERSION } from "../../components/fixtures.ts";
import { ARGS } from "../../components/serving/versions.ts";
import { api } from "../kubernetes/cluster.ts";

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

/** Applies an object as the engine's plugin does, or only asks whether it would be taken; a refusal throws. */
async function apply(kind: keyof typeof PATHS, object: object, dryRun = false): Promise<JsonObject> {
  const [apiVersion, prefix, plural] = PATHS[kind];
  const body = JSON.parse(JSON.stringify({ apiVersion, kind, ...object })) as JsonObject;
  const { name } = (object as { metadata: { name: string } }).metadata;
  const query = { fieldManager: "test", fieldValidation: "Strict", ...(dryRun ? { dryRun: "All" } : {}) };
  const contentType = "application/apply-patch+yaml";
  const path = `${prefix}/namespaces/${NAMESPACE}/${plural}/${name}`;
  return (await (await api()).request("PATCH", path, { body, contentType, query })).body;
}

describe("engines on a control plane", function () {
  this.timeout(120_000);
  this.slow(20_000);

  before(async () => {
    const args = {
      namespace: NAMESPACE,
      storage: { kind: "storageClass", storageClassName: "x", sizeGiB: 1 },
    } as const;
    const client = await api();
    await client.request("PATCH", `/api/v1/namespaces/${NAMESPACE}`, {
      body: { apiVersion: "v1", kind: "Namespace", ...renderNamespace(args) } as unknown as JsonObject,
      contentType: "application/apply-patch+yaml",
      query: { fieldManager: "test" },
    });
    await apply("NetworkPolicy", renderIsolation(args));
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

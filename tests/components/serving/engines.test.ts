import assert from "node:assert/strict";
import { presetOf, serverOf } from "../../../components/catalog/engines.ts";
import type { ServedVersion } from "../../../components/lifecycle/types.ts";
import { Endpoint } from "../../../components/serving/component.ts";
import { renderEndpoint } from "../../../components/serving/render.ts";
import type { EndpointArgs } from "../../../components/serving/types.ts";
import { rules } from "../../../policies/rules/index.ts";
import type { EngineSpec } from "../../../stacks/engines.ts";
import { type ServingSpec, servingSchema } from "../../../stacks/schema.ts";
import { DEPLOYMENT, judge } from "../../policies/judge.ts";
import { EXAMPLES, IMAGE, KINDS } from "../catalog/engines.ts";
import { declare, find } from "../engine.ts";
import { VERSION } from "../fixtures.ts";
import { restrictedProblems } from "../pod-security.ts";
import { ARGS as PLAIN } from "./versions.ts";

/**
 * An endpoint of each kind of server, as it is rendered and declared. It does not prove that the servers start: but for
 * MLServer neither their images nor GPUs are here.
 */

/** References as an image that was built has them. */
const ARGS: EndpointArgs = { ...PLAIN, images: { server: IMAGE, router: IMAGE } };

function servedBy(engine: EngineSpec, more: Partial<ServingSpec> = {}): EndpointArgs {
  const model = { ...VERSION.model, serving: { ...VERSION.model.serving, engine, ...more } };
  const served: ServedVersion = { ...VERSION, model };
  return { ...ARGS, stable: served };
}

function rendered(engine: EngineSpec, more: Partial<ServingSpec> = {}) {
  const { versions, router } = renderEndpoint(servedBy(engine, more));
  const version = versions[0]!;
  const pod = version.deployment.spec.template.spec;
  return { version, router, pod, server: pod.containers[0]! };
}

const GPU = servingSchema.shape.resources.parse({ cpu: 4, memoryGiB: 32, gpu: 2 });

for (const kind of KINDS) {
  describe(`a version served by ${kind}`, () => {
    const engine = EXAMPLES[kind];
    const { version, router, pod, server } = rendered(engine);
    const wanted = serverOf(engine, "mail-triage");

    it("runs the engine's image with its arguments", () => {
      assert.equal(server.image, engine.kind === "mlserver" ? ARGS.images.server : IMAGE);
      assert.deepEqual((server as { args?: string[] }).args ?? [], wanted.args);
      assert.deepEqual((server as { command?: string[] }).command, wanted.command);
      const env = Object.fromEntries(server.env.map(({ name, value }) => [name, value]));
      assert.deepEqual(env, { HOME: "/tmp", TMPDIR: "/tmp", MILLWRIGHT_VERSION: version.version, ...wanted.env });
    });

    it("is asked for its health where it tells it, for as long as it takes to start", () => {
      assert.deepEqual(server.startupProbe.httpGet, { path: wanted.readyPath, port: "http" });
      assert.deepEqual(server.readinessProbe.httpGet, { path: wanted.readyPath, port: "http" });
      assert.deepEqual(server.livenessProbe.httpGet, { path: wanted.livePath, port: "http" });
      const seconds = server.startupProbe.periodSeconds * server.startupProbe.failureThreshold;
      assert.equal(seconds, presetOf(engine).startupSeconds);
      assert.ok(version.deployment.spec.progressDeadlineSeconds > seconds);
    });

    it("finds the version's artifact where it looks, read-only", () => {
      const mount = server.volumeMounts.find(({ name }) => name === "artifacts");
      assert.deepEqual(mount, {
        name: "artifacts",
        mountPath: wanted.modelFolder,
        subPath: VERSION.record.artifact.path,
        readOnly: true,
      });
    });

    it("is reached at the one port every version has, whatever port it listens on", () => {
      assert.deepEqual(version.service.spec.ports, [{ name: "http", port: 8080, targetPort: "http", protocol: "TCP" }]);
      assert.equal(server.ports.find(({ name }) => name === "http")?.containerPort, wanted.port);
      const ports = server.ports.map(({ containerPort }) => containerPort);
      assert.equal(new Set(ports).size, ports.length, "a port of a container is named once");
      assert.ok(ports.includes(wanted.metrics!.port));
    });

    it("is given as many requests, for as long, as it takes", () => {
      const { requestSeconds, requestsAtATime } = presetOf(engine);
      const config = router.config.data["haproxy.cfg"]!;
      assert.ok(config.includes(` maxconn ${requestsAtATime} `));
      assert.ok(config.includes(`timeout server ${requestSeconds}s`));
      assert.equal(
        pod.terminationGracePeriodSeconds,
        server.lifecycle.preStop.sleep.seconds + requestSeconds,
        "ends after what is under way",
      );
    });

    it("keeps the restricted pod security standard, a read-only root and every policy", async () => {
      assert.deepEqual(restrictedProblems(pod), []);
      assert.equal(server.securityContext.readOnlyRootFilesystem, true);
      for (const rule of rules) {
        assert.deepEqual(await judge(rule, DEPLOYMENT, version.deployment), { violations: [] }, rule.name);
      }
    });

    it("mounts nothing but what the pod has", () => {
      const volumes = new Set(pod.volumes.map(({ name }) => name));
      assert.ok(server.volumeMounts.every(({ name }) => volumes.has(name)));
    });

    it("is declared with its configuration, where it reads one, before its servers", async () => {
      const { registrations } = await declare(() => new Endpoint("mail-triage", servedBy(engine)));
      const config = registrations.filter(({ name }) => name === `${version.version}-server-config`);
      assert.equal(config.length, Object.keys(wanted.files).length === 0 ? 0 : 1);
      for (const { name, inputs } of config) {
        assert.deepEqual(inputs["data"], wanted.files);
        const servers = find(registrations, DEPLOYMENT, `${version.version}-deployment`);
        assert.ok(servers.dependencies.includes(name));
      }
    });

    if (presetOf(engine).usesGpu) {
      it("has its GPUs as a limit, under the vendor's name", () => {
        const limits = rendered(engine, { resources: GPU }).server.resources;
        assert.deepEqual(limits, {
          requests: { cpu: "4", memory: "32Gi" },
          limits: { cpu: "4", memory: "32Gi", "nvidia.com/gpu": "2" },
        });
        const other = rendered(engine, { resources: { ...GPU, gpuResource: "amd.com/gpu" } }).server.resources.limits;
        assert.deepEqual([other["amd.com/gpu"], other["nvidia.com/gpu"]], ["2", undefined]);
      });
    }
  });
}

describe("a server that shares memory between its processes", () => {
  it("has half of its memory for it, not the 64 MiB of a container", () => {
    for (const kind of KINDS) {
      const { pod } = rendered(EXAMPLES[kind], { resources: GPU });
      const shared = pod.volumes.find(({ name }) => name === "shared-memory");
      const expected = ["triton", "vllm"].includes(kind)
        ? { name: "shared-memory", emptyDir: { medium: "Memory", sizeLimit: "16Gi" } }
        : undefined;
      assert.deepEqual(shared, expected, kind);
    }
  });
});

describe("an engine's image by a tag", () => {
  it("is refused by the policy pack, whoever declared it", async () => {
    const engine = { kind: "triton", image: "nvcr.io/nvidia/tritonserver:24.01-py3" } as const;
    const judgements = await Promise.all(
      rules.map((rule) => judge(rule, DEPLOYMENT, rendered(engine).version.deployment)),
    );
    const violations = judgements.flatMap((each) => each.violations);
    assert.equal(violations.length, 1);
    assert.match(violations[0]!, /tritonserver:24\.01-py3" without a digest/);
  });
});

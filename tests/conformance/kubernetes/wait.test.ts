import assert from "node:assert/strict";
import type { JsonObject } from "../../../scripts/standins/kubernetes/values.ts";
import { at, textAt, withValue } from "../../../scripts/standins/kubernetes/values.ts";
import { destroy, eventually, freshNamespace, patch, playKubelet, runningStatus, withNode } from "./cluster.ts";
import { Engine } from "./engine.ts";
import * as fixtures from "./fixtures.ts";

const { CONFIG_MAP, corePath, DEFINITION, DEPLOYMENT, definition, deployment, JOB, job, SERVICE, service } = fixtures;

const waitingStatus = (reason: string, message: string): JsonObject => ({
  phase: "Pending",
  containerStatuses: [
    { name: "web", ready: false, restartCount: 0, image: "x", imageID: "", state: { waiting: { reason, message } } },
  ],
});

/** Controllers are real; pods get their status from the test in the kubelet's place. Not proven: a real kubelet's timing. */
describe("kubernetes: waits", function () {
  this.timeout(120_000);
  let engine: Engine;
  before(async () => {
    engine = await Engine.start();
  });

  async function withKubelet(
    status: (pod: string) => JsonObject,
    test: (namespace: string) => Promise<void>,
  ): Promise<void> {
    const namespace = await freshNamespace("wait");
    const stop = playKubelet(namespace, status);
    try {
      await test(namespace);
    } finally {
      await stop();
    }
  }

  it("a Deployment until its pods are available, reporting on the way", async () => {
    await withKubelet(
      () => runningStatus,
      async (namespace) => {
        const resource = await engine.createReady(
          DEPLOYMENT,
          "up",
          deployment(namespace, "up", { annotations: {}, replicas: 2 }),
        );
        assert.equal(at(resource.outputs, "status", "availableReplicas"), 2);
        const progress = engine.messages.filter(({ urn, ephemeral }) => urn === resource.urn && ephemeral);
        assert.ok(progress.some(({ text }) => /waiting: \d\/2 pods available/.test(text)));
      },
    );
  });

  it("a Deployment that does not come up is kept in the state with the pod's name and message, and the next update goes on", async () => {
    const status = { now: waitingStatus("ErrImagePull", "registry.test/web:1 not found") };
    const namespace = await freshNamespace("wait");
    const stop = playKubelet(namespace, () => status.now);
    try {
      const inputs = deployment(namespace, "down", { annotations: {} });
      const resource = await engine.create(DEPLOYMENT, "down", inputs, { timeout: 3 });
      assert.equal(resource.id, `${namespace}/down`);
      assert.match(resource.initErrors[0] ?? "", /Deployment .*\/down: not ready after 3 s: 0\/1 pods available/);
      assert.match(
        resource.initErrors[1] ?? "",
        /^pod down-\S+: container web: ErrImagePull: registry\.test\/web:1 not found/,
      );
      assert.ok(textAt(resource.outputs, "metadata", "uid"));
      const refreshed = await engine.refresh(resource);
      assert.match(refreshed?.initErrors[0] ?? "", /not ready/, "a refresh still sees it unready");
      await stop();
      const stopAgain = playKubelet(namespace, () => runningStatus);
      const again = await engine.update(resource, resource.inputs, { timeout: 30 });
      await stopAgain();
      assert.deepEqual(again.initErrors, []);
    } finally {
      await stop();
    }
  });

  it("fails at once when the controller says that the rollout is stuck", async () => {
    const namespace = await freshNamespace("wait");
    const inputs = withValue(
      deployment(namespace, "stuck", { annotations: {} }),
      ["spec", "progressDeadlineSeconds"],
      2,
    );
    const started = Date.now();
    const resource = await engine.create(DEPLOYMENT, "stuck", inputs, { timeout: 60 });
    assert.match(resource.initErrors[0] ?? "", /made no progress for 2 s/);
    assert.ok(Date.now() - started < 30_000);
    assert.ok(
      resource.initErrors.some((reason) => /^pod stuck-\S+: not scheduled: /.test(reason)),
      resource.initErrors.join("\n"),
    );
  });

  it("skipAwait does not wait, timeoutSeconds and customTimeouts say how long", async () => {
    const namespace = await freshNamespace("wait");
    const started = Date.now();
    const skipped = await engine.createReady(DEPLOYMENT, "skipped", deployment(namespace, "skipped"));
    assert.equal(skipped.initErrors.length, 0);
    const annotated = deployment(namespace, "annotated", { annotations: { "pulumi.com/timeoutSeconds": "1" } });
    assert.match((await engine.create(DEPLOYMENT, "annotated", annotated)).initErrors[0] ?? "", /not ready after 1 s/);
    const both = deployment(namespace, "both", { annotations: { "pulumi.com/timeoutSeconds": "60" } });
    assert.match(
      (await engine.create(DEPLOYMENT, "both", both, { timeout: 2 })).initErrors[0] ?? "",
      /not ready after 2 s/,
    );
    assert.ok(Date.now() - started < 15_000);
  });

  it("a Job until it is complete, or fails with what its pods say", async () => {
    await withKubelet(
      (pod) => ({
        phase: pod.startsWith("good") ? "Succeeded" : "Failed",
        containerStatuses: [
          {
            ...{ name: "work", ready: false, restartCount: 0, image: "x", imageID: "" },
            state: { terminated: { exitCode: pod.startsWith("good") ? 0 : 3, reason: "Error", message: "no data" } },
          },
        ],
      }),
      async (namespace) => {
        await engine.createReady(JOB, "good", job(namespace, "good"), { timeout: 60 });
        const bad = await engine.create(JOB, "bad", job(namespace, "bad"), { timeout: 60 });
        assert.match(bad.initErrors[0] ?? "", /the Job failed: BackoffLimitExceeded/);
        assert.match(bad.initErrors[1] ?? "", /^pod bad-\S+: container work: exited with code 3 \(Error\) no data/);
      },
    );
  });

  it("a StatefulSet and a DaemonSet until their pods are ready", async () => {
    await withKubelet(
      () => runningStatus,
      async (namespace) => {
        const base = deployment(namespace, "set", { annotations: {} });
        const stateful = await engine.createReady(
          "kubernetes:apps/v1:StatefulSet",
          "set",
          withValue(base, ["spec", "serviceName"], "set"),
        );
        assert.equal(at(stateful.outputs, "status", "readyReplicas"), 1);
        // Without nodes a DaemonSet wants no pods and is ready as it is.
        await engine.createReady(
          "kubernetes:apps/v1:DaemonSet",
          "daemons",
          deployment(namespace, "daemons", { annotations: {} }),
        );
      },
    );
  });

  it("a Service until one endpoint is ready; headless, selectorless and external ones not at all", async () => {
    await withKubelet(
      () => runningStatus,
      async (namespace) => {
        await engine.createReady(SERVICE, "headless", service(namespace, "headless", { clusterIP: "None" }));
        await engine.createReady(SERVICE, "bare", {
          metadata: { name: "bare", namespace },
          spec: { ports: [{ port: 80 }] },
        });
        const external = {
          metadata: { name: "ext", namespace },
          spec: { type: "ExternalName", externalName: "x.example" },
        };
        await engine.createReady(SERVICE, "ext", external);
        const lonely = await engine.create(SERVICE, "lonely", service(namespace, "lonely"), { timeout: 1 });
        assert.match(lonely.initErrors[0] ?? "", /no ready endpoint/);
        await withNode(`${namespace}-node`, async () => {
          const waiting = engine.createReady(SERVICE, "web", service(namespace, "web"), { timeout: 60 });
          await engine.createReady(DEPLOYMENT, "web", deployment(namespace, "web", { annotations: {} }), {
            timeout: 60,
          });
          await waiting;
        });
      },
    );
  });

  it("a claim until it is bound, but not one that waits for its first consumer", async () => {
    const namespace = await freshNamespace("wait");
    const storageClass = (name: string, volumeBindingMode: string) =>
      engine.create("kubernetes:storage.k8s.io/v1:StorageClass", name, {
        metadata: { name },
        provisioner: "test/none",
        volumeBindingMode,
      });
    await storageClass(`${namespace}-late`, "WaitForFirstConsumer");
    await storageClass(`${namespace}-now`, "Immediate");
    const claim = (name: string, storageClassName: string) => ({
      metadata: { name, namespace },
      spec: { accessModes: ["ReadWriteOnce"], storageClassName, resources: { requests: { storage: "1Gi" } } },
    });
    const type = "kubernetes:core/v1:PersistentVolumeClaim";
    await engine.createReady(type, "late", claim("late", `${namespace}-late`), { timeout: 30 });
    const pending = await engine.create(type, "now", claim("now", `${namespace}-now`), { timeout: 1 });
    assert.match(pending.initErrors[0] ?? "", /the claim is Pending/);
    const volume = {
      metadata: { name: `${namespace}-volume` },
      spec: {
        ...{ capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"], storageClassName: `${namespace}-now` },
        hostPath: { path: "/nowhere" },
      },
    };
    const bound = engine.update(pending, pending.inputs, { timeout: 60 });
    await engine.createReady("kubernetes:core/v1:PersistentVolume", "volume", volume);
    assert.equal(textAt((await bound).outputs, "status", "phase"), "Bound");
  });

  it("a definition until its kind is served, so that its objects follow at once", async () => {
    const namespace = await freshNamespace("wait");
    const group = `${namespace}.example`;
    const crd = await engine.createReady(DEFINITION, "widgets", definition(group));
    const schema = at(crd.outputs, "spec", "versions", 0, "schema", "openAPIV3Schema");
    assert.equal(at(schema, "x_kubernetes_preserve_unknown_fields"), true, "dashes are spelled as the SDK spells them");
    const widget = await engine.create(`kubernetes:${group}/v1:Widget`, "w", {
      metadata: { name: "w", namespace },
      spec: { size: 2 },
    });
    assert.deepEqual(widget.outputs["spec"], { size: 2 });
    const changed = await engine.checked(
      widget.urn,
      { metadata: { name: "w", namespace }, spec: { size: 3 } },
      widget.inputs,
    );
    assert.deepEqual((await engine.diff(widget, changed)).detailed, { "spec.size": "UPDATE" });
  });

  it("waitFor: a JSONPath, a condition, and a list of both", async () => {
    const namespace = await freshNamespace("wait");
    const group = `${namespace}.example`;
    await engine.createReady(DEFINITION, "widgets", definition(group));
    const path = `/apis/${group}/v1/namespaces/${namespace}/widgets`;
    const cases: [string, string, JsonObject][] = [
      ["phase", "jsonpath={.status.phase}=Ready", { phase: "Ready" }],
      ["condition", "condition=Synced", { conditions: [{ type: "Synced", status: "True" }] }],
      [
        "list",
        '["jsonpath={.status.phase}=Ready","condition=Broken=False"]',
        { phase: "Ready", conditions: [{ type: "Broken", status: "False" }] },
      ],
    ];
    for (const [name, waitFor, status] of cases) {
      const inputs = { metadata: { name, namespace, annotations: { "pulumi.com/waitFor": waitFor } } };
      const creating = engine.createReady(`kubernetes:${group}/v1:Widget`, name, inputs, { timeout: 30 });
      await eventually("the wait to begin", async () =>
        engine.messages.find(({ urn, text }) => urn.endsWith(`::${name}`) && /waiting/.test(text)),
      );
      await patch(`${path}/${name}/status`, { status }, "operator");
      await creating;
    }
  });

  it("a cancelled wait ends at once and leaves the object in the state", async () => {
    const namespace = await freshNamespace("wait");
    const cancelled = await Engine.start();
    const creating = cancelled.create(DEPLOYMENT, "cancelled", deployment(namespace, "cancelled", { annotations: {} }));
    await eventually("the wait to begin", async () => cancelled.messages.find(({ text }) => /waiting/.test(text)));
    const started = Date.now();
    await cancelled.cancel();
    const resource = await creating;
    assert.ok(Date.now() - started < 3000);
    assert.match(resource.initErrors[0] ?? "", /cancelled while waiting/);
    assert.equal(resource.id, `${namespace}/cancelled`);
  });

  it("an object that is deleted while it is waited for", async () => {
    const namespace = await freshNamespace("wait");
    const inputs = {
      metadata: { name: "shortlived", namespace, annotations: { "pulumi.com/waitFor": "jsonpath={.data.ready}" } },
    };
    const creating = engine.create(CONFIG_MAP, "shortlived", inputs, { timeout: 30 });
    await eventually("the wait to begin", async () =>
      engine.messages.find(({ urn, text }) => urn.endsWith("::shortlived") && /waiting/.test(text)),
    );
    await destroy(corePath(namespace, "configmaps", "shortlived"));
    assert.match((await creating).initErrors[0] ?? "", /deleted while it was waited for/);
  });
});

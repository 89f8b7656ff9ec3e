import assert from "node:assert/strict";
import { awaiterFor } from "../../../../../scripts/standins/kubernetes/await/awaiters.ts";
import type { Related } from "../../../../../scripts/standins/kubernetes/await/types.ts";
import type { JsonObject } from "../../../../../scripts/standins/kubernetes/values.ts";

interface Row {
  readonly title: string;
  readonly kind: string;
  readonly object: JsonObject;
  readonly related?: Related;
  /** `ready`, or what the message must match. */
  readonly expected:
    | "ready"
    | { readonly state: "waiting" | "failed"; readonly message: RegExp; readonly problem?: RegExp };
}

const waiting = (message: RegExp, problem?: RegExp) => ({
  state: "waiting" as const,
  message,
  ...(problem && { problem }),
});
const failed = (message: RegExp) => ({ state: "failed" as const, message });
const condition = (type: string, status: string, reason = "", message = "") => ({ type, status, reason, message });

const rollout = (status: JsonObject, spec: JsonObject = {}): JsonObject => ({
  metadata: { name: "web", generation: 2, annotations: { "deployment.kubernetes.io/revision": "2" } },
  spec: { replicas: 2, progressDeadlineSeconds: 600, ...spec },
  status: {
    observedGeneration: 2,
    conditions: [condition("Progressing", "True", "NewReplicaSetAvailable")],
    ...status,
  },
});
const up = { replicas: 2, updatedReplicas: 2, availableReplicas: 2 };
const replicaSets = [
  { metadata: { name: "web-old", annotations: { "deployment.kubernetes.io/revision": "1" } } },
  { metadata: { name: "web-new", annotations: { "deployment.kubernetes.io/revision": "2" } } },
];
const pod = (name: string, owner: string, reason: string) => ({
  metadata: { name, ownerReferences: [{ name: owner }] },
  status: { containerStatuses: [{ name: "web", state: { waiting: { reason, message: "why" } } }] },
});

const rows: readonly Row[] = [
  { title: "all pods available", kind: "apps/v1/Deployment", object: rollout(up), expected: "ready" },
  {
    title: "the controller is behind",
    kind: "apps/v1/Deployment",
    object: rollout({ ...up, observedGeneration: 1 }),
    expected: waiting(/not seen the change/),
  },
  {
    title: "one of two available",
    kind: "apps/v1/Deployment",
    object: rollout({ ...up, availableReplicas: 1 }),
    expected: waiting(/^1\/2 pods available/),
  },
  {
    title: "old pods remain",
    kind: "apps/v1/Deployment",
    object: rollout({ ...up, replicas: 3 }),
    expected: waiting(/1 old pods still to terminate/),
  },
  { title: "no replicas wanted", kind: "apps/v1/Deployment", object: rollout({}, { replicas: 0 }), expected: "ready" },
  { title: "paused", kind: "apps/v1/Deployment", object: rollout({}, { paused: true }), expected: "ready" },
  {
    title: "stuck",
    kind: "apps/v1/Deployment",
    object: rollout({
      updatedReplicas: 1,
      conditions: [condition("Progressing", "False", "ProgressDeadlineExceeded")],
    }),
    expected: failed(/no progress for 600 s/),
  },
  {
    title: "only pods of the newest ReplicaSet are blamed",
    kind: "apps/v1/Deployment",
    object: rollout({ updatedReplicas: 1 }),
    related: {
      replicaSets,
      pods: [pod("p-old", "web-old", "CrashLoopBackOff"), pod("p-new", "web-new", "ErrImagePull")],
    },
    expected: waiting(/pods available/, /^pod p-new: container web: ErrImagePull: why$/),
  },
  { title: "no selector", kind: "v1/Service", object: { spec: { clusterIP: "10.0.0.1" } }, expected: "ready" },
  {
    title: "headless",
    kind: "v1/Service",
    object: { spec: { clusterIP: "None", selector: { a: "b" } } },
    expected: "ready",
  },
  { title: "external", kind: "v1/Service", object: { spec: { type: "ExternalName" } }, expected: "ready" },
  {
    title: "nobody behind it",
    kind: "v1/Service",
    object: { spec: { selector: { a: "b" } } },
    expected: waiting(/no ready endpoint/, /"a":"b"/),
  },
  {
    title: "an endpoint that is not ready",
    kind: "v1/Service",
    object: { spec: { selector: { a: "b" } } },
    related: { endpointSlices: [{ endpoints: [{ conditions: { ready: false } }] }] },
    expected: waiting(/no ready endpoint/),
  },
  {
    title: "a ready endpoint",
    kind: "v1/Service",
    object: { spec: { selector: { a: "b" } } },
    related: { endpointSlices: [{ endpoints: [{ conditions: { ready: true } }] }] },
    expected: "ready",
  },
  {
    title: "a load balancer without address",
    kind: "v1/Service",
    object: { spec: { type: "LoadBalancer" } },
    expected: waiting(/load balancer/),
  },
  { title: "suspended", kind: "batch/v1/Job", object: { spec: { suspend: true } }, expected: "ready" },
  {
    title: "complete",
    kind: "batch/v1/Job",
    object: { status: { conditions: [condition("Complete", "True")] } },
    expected: "ready",
  },
  {
    title: "failed",
    kind: "batch/v1/Job",
    object: { status: { conditions: [condition("Failed", "True", "BackoffLimitExceeded", "limit")] } },
    expected: failed(/BackoffLimitExceeded: limit/),
  },
  {
    title: "running",
    kind: "batch/v1/Job",
    object: { spec: { completions: 3 }, status: { succeeded: 1, active: 2 } },
    expected: waiting(/1\/3 completions, 2 pods active/),
  },
  { title: "bound", kind: "v1/PersistentVolumeClaim", object: { status: { phase: "Bound" } }, expected: "ready" },
  {
    title: "lost",
    kind: "v1/PersistentVolumeClaim",
    object: { spec: { volumeName: "v" }, status: { phase: "Lost" } },
    expected: failed(/volume v is gone/),
  },
  {
    title: "pending",
    kind: "v1/PersistentVolumeClaim",
    object: { status: { phase: "Pending" } },
    expected: waiting(/Pending/),
  },
  {
    title: "pending until its first consumer",
    kind: "v1/PersistentVolumeClaim",
    object: { status: { phase: "Pending" } },
    related: { storageClasses: [{ volumeBindingMode: "WaitForFirstConsumer" }] },
    expected: "ready",
  },
  {
    title: "rolled out",
    kind: "apps/v1/StatefulSet",
    object: { spec: { replicas: 1 }, status: { readyReplicas: 1, currentRevision: "a", updateRevision: "a" } },
    expected: "ready",
  },
  {
    title: "an old pod",
    kind: "apps/v1/StatefulSet",
    object: { spec: { replicas: 1 }, status: { readyReplicas: 1, currentRevision: "a", updateRevision: "b" } },
    expected: waiting(/0\/1 pods updated/),
  },
  {
    title: "an old pod that somebody updates by hand",
    kind: "apps/v1/StatefulSet",
    object: {
      spec: { replicas: 1, updateStrategy: { type: "OnDelete" } },
      status: { readyReplicas: 1, currentRevision: "a", updateRevision: "b" },
    },
    expected: "ready",
  },
  {
    title: "two nodes, one pod",
    kind: "apps/v1/DaemonSet",
    object: { status: { desiredNumberScheduled: 2, updatedNumberScheduled: 2, numberAvailable: 1 } },
    expected: waiting(/1\/2 pods available/),
  },
  {
    title: "taken names",
    kind: "apiextensions.k8s.io/v1/CustomResourceDefinition",
    object: { status: { conditions: [condition("NamesAccepted", "False", "", "taken")] } },
    expected: failed(/taken/),
  },
  {
    title: "not scheduled",
    kind: "v1/Pod",
    object: { metadata: { name: "p" }, status: { conditions: [condition("PodScheduled", "False", "", "no nodes")] } },
    expected: waiting(/Pending/, /^pod p: not scheduled: no nodes$/),
  },
  {
    title: "starting",
    kind: "v1/Pod",
    object: {
      metadata: { name: "p" },
      status: { containerStatuses: [{ name: "c", state: { waiting: { reason: "ContainerCreating" } } }] },
    },
    expected: waiting(/Pending/),
  },
  {
    title: "a token to come",
    kind: "v1/Secret",
    object: { type: "kubernetes.io/service-account-token" },
    expected: waiting(/no token/),
  },
];

const declaredOf = (kind: string): JsonObject => {
  const slash = kind.lastIndexOf("/");
  return { apiVersion: kind.slice(0, slash), kind: kind.slice(slash + 1) };
};

describe("readiness", () => {
  for (const { title, kind, object, related, expected } of rows) {
    it(`${kind}: ${title} is ${expected === "ready" ? "ready" : expected.state}`, () => {
      const readiness = awaiterFor(declaredOf(kind))?.readiness({ metadata: { name: "x" }, ...object }, related ?? {});
      assert.ok(readiness);
      if (expected === "ready") return assert.equal(readiness.state, "ready");
      assert.equal(readiness.state, expected.state);
      assert.match(readiness.message, expected.message);
      if (expected.problem === undefined) return;
      assert.equal(readiness.problems.length, 1, readiness.problems.join("\n"));
      assert.match(readiness.problems[0] ?? "", expected.problem);
    });
  }

  it("kinds without an awaiter and skipAwait wait for nothing", () => {
    assert.equal(awaiterFor(declaredOf("v1/ConfigMap")), undefined);
    const skipped = { ...declaredOf("v1/Pod"), metadata: { annotations: { "pulumi.com/skipAwait": "true" } } };
    assert.equal(awaiterFor(skipped), undefined);
  });
});

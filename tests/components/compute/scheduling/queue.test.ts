import assert from "node:assert/strict";
import { PRIORITIES, priorityOf, renderPriorityClasses } from "../../../../components/compute/scheduling/priorities.ts";
import {
  KEPT_QUEUE_LABELS,
  place,
  placementsOf,
  queueLabels,
  topologyLevels,
} from "../../../../components/compute/scheduling/queue.ts";
import { COUNTED, POOLS, QUEUED } from "./fixtures.ts";

describe("priorities", () => {
  const parts = ["platform", "serving", "rollout", "training", "compression", "search", "dataset"] as const;

  it("put serving above training above search and compression", () => {
    const values = parts.map((part) => priorityOf(part).value);
    assert.deepEqual(
      values,
      [...values].sort((a, b) => b - a),
    );
    assert.equal(new Set(values).size, parts.length);
  });

  it("let only servers and what they stand on drive pods out through the scheduler", () => {
    const driving = renderPriorityClasses().filter(({ preemptionPolicy }) => preemptionPolicy !== "Never");
    assert.deepEqual(
      driving.map(({ metadata }) => metadata.name),
      [PRIORITIES.platform.name, PRIORITIES.serving.name],
    );
  });

  it("stay below the system's own and become nobody's default", () => {
    for (const { value, globalDefault } of renderPriorityClasses()) {
      assert.ok(value > 0 && value < 1_000_000_000);
      assert.equal(globalDefault, false);
    }
  });
});

describe("where a workload goes", () => {
  const kueue = placementsOf(POOLS, QUEUED, "vision");
  const nodes = {
    nodeSelector: { "millwright.dev/pool": "training" },
    tolerations: [{ key: "nvidia.com/gpu", operator: "Equal", effect: "NoSchedule" }],
  };

  it("is not said at all in a stack without pools and scheduling", () => {
    const nothing = { labels: {}, annotations: {}, pod: {}, isQueued: false };
    assert.deepEqual(place({ part: "training", group: 8 }, undefined), nothing);
    assert.deepEqual(place({ part: "training", group: 8 }, placementsOf([], undefined, undefined)), nothing);
  });

  it("is the pool it names, whose devices it asks for", () => {
    assert.deepEqual(place({ part: "training", pool: "training" }, placementsOf(POOLS, undefined, undefined)), {
      labels: {},
      annotations: {},
      pod: nodes,
      resource: "nvidia.com/gpu",
      isQueued: false,
    });
    const parts = place({ part: "serving", pool: "parts" }, placementsOf(POOLS, undefined, undefined));
    assert.equal(parts.resource, "nvidia.com/mig-1g.10gb");
    assert.deepEqual(place({ part: "serving", pool: "plain" }, placementsOf(POOLS, undefined, undefined)).pod, {
      nodeSelector: { "millwright.dev/pool": "plain" },
    });
  });

  it("has a priority wherever the stack has scheduling, with or without a pool", () => {
    for (const spec of [QUEUED, COUNTED]) {
      assert.equal(
        place({ part: "dataset" }, placementsOf(POOLS, spec, "vision")).pod.priorityClassName,
        "millwright-batch",
      );
    }
  });

  it("is through the team's queue, with a group near each other", () => {
    assert.deepEqual(place({ part: "training", pool: "training", group: 4 }, kueue), {
      labels: {
        "kueue.x-k8s.io/queue-name": "vision",
        "kueue.x-k8s.io/priority-class": "millwright-training",
      },
      annotations: { "kueue.x-k8s.io/podset-preferred-topology": "topology.k8s.aws/network-node-layer-2" },
      pod: { ...nodes, priorityClassName: "millwright-training" },
      resource: "nvidia.com/gpu",
      isQueued: true,
    });
  });

  it("says nothing of nearness for a single pod, or where the network is one", () => {
    assert.deepEqual(place({ part: "training", pool: "training" }, kueue).annotations, {});
    const flat = placementsOf(POOLS, { ...QUEUED, topology: [] }, "vision");
    assert.deepEqual(place({ part: "training", pool: "training", group: 4 }, flat).annotations, {});
  });

  it("is through no queue without a pool, without a team, or where the core keeps the quotas", () => {
    const cases = [
      place({ part: "training", group: 4 }, kueue),
      place({ part: "training", pool: "training", group: 4 }, placementsOf(POOLS, QUEUED, undefined)),
      place({ part: "training", pool: "training", group: 4 }, placementsOf(POOLS, COUNTED, "vision")),
    ];
    for (const placed of cases) {
      assert.deepEqual([placed.labels, placed.annotations, placed.isQueued], [{}, {}, false]);
    }
  });

  it("is refused for a pool there is not", () => {
    assert.throws(() => place({ part: "search", pool: "gone" }, kueue), /no pool "gone"; pools: training, serving/);
    assert.throws(() => place({ part: "search", pool: "gone" }, undefined), /pools: none/);
  });

  it("is kept by the engine as it was, by paths that lead to the labels", () => {
    const labels = Object.keys(queueLabels("vision", "search"));
    assert.deepEqual(
      KEPT_QUEUE_LABELS,
      labels.map((label) => `metadata.labels["${label}"]`),
    );
  });
});

describe("the levels of a topology", () => {
  it("end with the node, once", () => {
    assert.deepEqual(topologyLevels([]), []);
    assert.deepEqual(topologyLevels(["example.com/rack"]), ["example.com/rack", "kubernetes.io/hostname"]);
    assert.deepEqual(topologyLevels(["kubernetes.io/hostname"]), ["kubernetes.io/hostname"]);
  });
});

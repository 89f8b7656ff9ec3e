import assert from "node:assert/strict";
import {
  DURATION_ANNOTATION,
  durationOf,
  endedStatus,
  type PodObject,
  quantityOf,
  runningStatus,
  shareOfNode,
} from "../../../../scripts/simulation/cloud/pods.ts";

const NOW = new Date("2026-11-25T00:00:00.5Z");
const pod = (requests: Record<string, string>, annotations: Record<string, string> = {}): PodObject => ({
  metadata: { name: "p", namespace: "n", annotations },
  spec: { containers: [{ name: "c", image: "i", resources: { requests } }] },
});

describe("a simulated pod", () => {
  it("runs for as long as it says, and for good where it says nothing", () => {
    assert.equal(durationOf(pod({}, { [DURATION_ANNOTATION]: "90.5" })), 90.5);
    for (const text of ["soon", "-1", "NaN"]) {
      assert.equal(durationOf(pod({}, { [DURATION_ANNOTATION]: text })), Number.POSITIVE_INFINITY, text);
    }
    assert.equal(durationOf(pod({})), Number.POSITIVE_INFINITY);
  });

  it("takes of a node what it takes most of", () => {
    const node = { cpu: "64", memory: "256Gi", "nvidia.com/gpu": "8" };
    assert.equal(shareOfNode(pod({ cpu: "16000m", memory: "32Gi", "nvidia.com/gpu": "1" }), node), 0.25);
    assert.equal(shareOfNode(pod({ "nvidia.com/gpu": "8" }), node), 1);
    assert.equal(shareOfNode(pod({}), node), 0);
  });

  it("says it is ready when it runs, done when it ended well, and disrupted when its node was lost", () => {
    const running = runningStatus(pod({}), NOW);
    assert.equal(running.phase, "Running");
    assert.ok(running.conditions.some(({ type, status }) => type === "Ready" && status === "True"));
    const well = endedStatus(pod({}), "Succeeded", "Completed", NOW);
    assert.equal(well.phase, "Succeeded");
    assert.equal(well.containerStatuses[0]?.state.terminated.exitCode, 0);
    assert.ok(!well.conditions.some(({ type }) => type === "DisruptionTarget"));
    const lost = endedStatus(pod({}), "Interrupted", "AcceleratorFailed", NOW);
    assert.equal(lost.phase, "Failed");
    assert.equal(lost.containerStatuses[0]?.state.terminated.exitCode, 137);
    assert.ok(lost.conditions.some((each) => each.type === "DisruptionTarget" && each.status === "True"));
  });
});

describe("a quantity", () => {
  const cases: readonly (readonly [text: string, value: number])[] = [
    ["8", 8],
    ["250m", 0.25],
    ["1.5", 1.5],
    ["2Ki", 2048],
    ["1Gi", 2 ** 30],
    ["3k", 3000],
    ["1e3", 1000],
  ];
  for (const [text, value] of cases) it(`${text} is ${value}`, () => assert.equal(quantityOf(text), value));
  for (const text of ["", "many", "1Xi"])
    it(`${JSON.stringify(text)} is none`, () => assert.ok(Number.isNaN(quantityOf(text))));
});

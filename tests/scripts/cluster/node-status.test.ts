import assert from "node:assert/strict";
import { nodeReadiness, podsNotTakenUp } from "../../../scripts/cluster/node-status.ts";

const AT = Date.parse("2030-01-01T00:00:10.400Z");
const node = (status: string, lastHeartbeatTime: string) => ({
  status: { conditions: [{ type: "Ready", status, message: "the network is not ready", lastHeartbeatTime }] },
});

describe("node readiness", () => {
  it("counts only what the kubelet said since its start, to the second", () => {
    assert.deepEqual(nodeReadiness(node("True", "2030-01-01T00:00:10Z"), AT), { ready: true });
    assert.equal(nodeReadiness(node("True", "2030-01-01T00:00:09Z"), AT).ready, false);
  });

  it("tells why a node is not ready", () => {
    assert.deepEqual(nodeReadiness(node("False", "2030-01-01T00:00:11Z"), AT), {
      ready: false,
      reason: "the network is not ready",
    });
    assert.equal(nodeReadiness({}, AT).ready, false);
  });
});

describe("pods after a start", () => {
  const pod = (uid: string, containerID?: string) => ({
    metadata: { name: `pod-${uid}`, uid },
    status: { containerStatuses: containerID === undefined ? [] : [{ containerID, state: { running: {} } }] },
  });

  it("are taken up when the kubelet knows them and what is said to run does", () => {
    const told = { items: [pod("1", "containerd://a"), pod("2")] };
    assert.deepEqual(podsNotTakenUp(told, told, new Set(["a"])), []);
    assert.deepEqual(podsNotTakenUp(told, told, new Set(["b"])), ["pod-1"]);
    assert.deepEqual(podsNotTakenUp(told, { items: [pod("1")] }, new Set(["a"])), ["pod-2"]);
    assert.deepEqual(podsNotTakenUp({}, {}, new Set()), []);
  });
});

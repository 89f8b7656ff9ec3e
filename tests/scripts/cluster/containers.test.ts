import assert from "node:assert/strict";
import { runningContainers } from "../../../scripts/cluster/containerd.ts";
import { containersOf, handlesSigterm, shimsOf } from "../../../scripts/cluster/containers.ts";
import { mountsUnder } from "../../../scripts/cluster/mounts.ts";
import { withSystemFolders } from "../../../scripts/cluster/system-path.ts";

const SOCKET = "/state/run/containerd/containerd.sock";
const shim = (pid: number, socket: string) => ({
  pid,
  parent: 1,
  command: ["/usr/bin/containerd-shim-runc-v2", "-namespace", "k8s.io", "-id", "a", "-address", socket],
});

describe("containers", () => {
  const processes = [
    shim(10, SOCKET),
    shim(20, "/run/containerd/containerd.sock"),
    shim(30, `${SOCKET}.other`),
    { pid: 40, parent: 1, command: ["grep", "-address", SOCKET] },
    { pid: 11, parent: 10, command: ["python3"] },
    { pid: 12, parent: 11, command: ["python3"] },
    { pid: 21, parent: 20, command: ["nginx"] },
  ];

  it("are those of our containerd's shims and of no other's", () => {
    const shims = shimsOf(processes, SOCKET);
    assert.deepEqual(
      shims.map(({ pid }) => pid),
      [10],
    );
    assert.deepEqual(
      containersOf(processes, shims).map(({ pid }) => pid),
      [11],
    );
  });

  it("are waited for only where they handle SIGTERM", () => {
    assert.equal(handlesSigterm("SigCgt:\t0000000000004000\n"), true);
    assert.equal(handlesSigterm("SigCgt:\t0000000000008000\n"), false);
    assert.equal(handlesSigterm("SigCgt:\t0000000180014a07\n"), true);
    assert.equal(handlesSigterm(""), false);
  });

  it("are read from containerd's table", () => {
    const table = "TASK    PID    STATUS    \nabc     17     RUNNING\ndef     18     STOPPED\n";
    assert.deepEqual(runningContainers(table), ["abc"]);
  });
});

describe("mounts", () => {
  it("are those at or under a folder, the latest first", () => {
    const line = (point: string) => `36 35 98:0 / ${point} rw,noatime shared:1 - tmpfs tmpfs rw`;
    const text = ["/", "/state/run", "/state", "/stateful", "/state/with\\040blank/a"].map(line).join("\n");
    assert.deepEqual(mountsUnder(`${text}\n`, "/state"), ["/state/with blank/a", "/state", "/state/run"]);
  });
});

describe("search path", () => {
  it("gains the system's folders at its end, once", () => {
    const extended = withSystemFolders("/opt/bin:/usr/bin");
    assert.equal(extended, "/opt/bin:/usr/bin:/usr/local/sbin:/usr/sbin:/sbin:/bin");
    assert.equal(withSystemFolders(extended), extended);
  });
});

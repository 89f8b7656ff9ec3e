import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type ControlPlane, startControlPlane } from "../../../scripts/cluster/control-plane.ts";
import { ask, readIdentity } from "../../../scripts/cluster/http.ts";
import { isRunning, type ProcessIdentity } from "../../../scripts/lib/identity.ts";

interface AuditEvent {
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly requestURI: string;
  readonly objectRef?: { readonly resource?: string; readonly name?: string };
}

const PARTS = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"];

const rootOf = ({ kubeconfigPath }: Pick<ControlPlane, "kubeconfigPath">) => path.dirname(kubeconfigPath);

function processesOf(root: string): ProcessIdentity[] {
  return PARTS.map(
    (name) => JSON.parse(readFileSync(path.join(root, "pids", `${name}.json`), "utf8")) as ProcessIdentity,
  );
}

async function eventually(what: string, check: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await check())) {
    assert.ok(Date.now() < deadline, `waited 30 s in vain for ${what}`);
    await sleep(100);
  }
}

describe("control plane without a node", function () {
  this.timeout(120_000);
  let planes: ControlPlane[] = [];

  before(async () => {
    planes = await Promise.all([startControlPlane(), startControlPlane()]);
  });
  after(() => Promise.all(planes.map((plane) => plane.stop())));

  const call = (plane: ControlPlane, method: string, url: string, body?: object) =>
    ask(`${plane.server}${url}`, {
      identity: readIdentity(path.join(rootOf(plane), "pki"), "admin"),
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), contentType: "application/json" }),
    });

  it("runs beside another", async () => {
    for (const plane of planes) {
      assert.deepEqual(await call(plane, "GET", "/readyz"), { status: 200, body: "ok" });
    }
    await call(planes[0]!, "POST", "/api/v1/namespaces", { metadata: { name: "only-here" } });
    assert.equal((await call(planes[0]!, "GET", "/api/v1/namespaces/only-here")).status, 200);
    assert.equal((await call(planes[1]!, "GET", "/api/v1/namespaces/only-here")).status, 404);
  });

  it("lets nobody in without a certificate", async () => {
    const plane = planes[0]!;
    const { ca } = readIdentity(path.join(rootOf(plane), "pki"), "admin");
    assert.equal((await ask(`${plane.server}/api/v1/namespaces`, { identity: { ca } })).status, 401);
  });

  it("has an audit line for each request by the time it is answered", async () => {
    const plane = planes[0]!;
    const map = { metadata: { name: "seen" }, data: { secret: "the body stays out" } };
    await call(plane, "POST", "/api/v1/namespaces/kube-system/configmaps?dryRun=All", map);
    await call(plane, "GET", "/api/v1/namespaces/kube-system/configmaps/seen");
    const text = readFileSync(plane.auditLogPath, "utf8");
    assert.doesNotMatch(text, /the body stays out/);
    const events = text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as AuditEvent)
      .filter(({ user, objectRef }) => user.username === "millwright-admin" && objectRef?.resource === "configmaps");
    assert.deepEqual(
      events.map(({ verb, requestURI }) => `${verb} ${requestURI}`),
      [
        "create /api/v1/namespaces/kube-system/configmaps?dryRun=All",
        "get /api/v1/namespaces/kube-system/configmaps/seen",
      ],
    );
  });

  it("has controllers: a Job makes a pod, and a deleted namespace goes", async () => {
    const plane = planes[1]!;
    const base = "/apis/batch/v1/namespaces/gone/jobs";
    await call(plane, "POST", "/api/v1/namespaces", { metadata: { name: "gone" } });
    const container = { name: "c", image: "example/none:1" };
    const job = {
      metadata: { name: "j" },
      spec: { template: { spec: { restartPolicy: "Never", containers: [container] } } },
    };
    await eventually("the service account", async () => {
      return (await call(plane, "GET", "/api/v1/namespaces/gone/serviceaccounts/default")).status === 200;
    });
    assert.equal((await call(plane, "POST", base, job)).status, 201);
    await eventually("the pod", async () => {
      const { body } = await call(plane, "GET", "/api/v1/namespaces/gone/pods");
      return (JSON.parse(body) as { items: unknown[] }).items.length === 1;
    });
    await call(plane, "DELETE", "/api/v1/namespaces/gone");
    await eventually("the namespace's end", async () => {
      return (await call(plane, "GET", "/api/v1/namespaces/gone")).status === 404;
    });
  });

  it("leaves neither process nor folder when it is stopped", async () => {
    const plane = planes.pop()!;
    const processes = processesOf(rootOf(plane));
    assert.ok(processes.every(isRunning));
    await plane.stop();
    assert.deepEqual(processes.filter(isRunning), []);
    assert.equal(existsSync(rootOf(plane)), false);
  });

  it("ends with a caller that is killed, and the next start removes its folder", async function () {
    if (!existsSync("/usr/bin/setpriv")) {
      this.skip();
    }
    const module = path.join(import.meta.dirname, "../../../scripts/cluster/control-plane.ts");
    const script = `const { startControlPlane } = await import(${JSON.stringify(module)});
      const { kubeconfigPath } = await startControlPlane();
      process.stdout.write(kubeconfigPath + "\\n");
      setInterval(() => {}, 1000);`;
    const caller = spawn(process.execPath, ["--input-type=module", "--eval", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const kubeconfigPath = await new Promise<string>((resolve, reject) => {
      caller.once("error", reject);
      caller.once("close", () => reject(new Error("the caller ended before its control plane was ready")));
      caller.stdout.once("data", (data) => resolve(String(data).trim()));
    });
    const root = rootOf({ kubeconfigPath });
    const processes = processesOf(root);
    assert.ok(processes.every(isRunning));
    caller.kill("SIGKILL");
    await eventually("the end of its processes", () => !processes.some(isRunning));
    assert.equal(existsSync(root), true);
    await (await startControlPlane({ withSchedulerAndControllers: false })).stop();
    assert.equal(existsSync(root), false);
  });
});

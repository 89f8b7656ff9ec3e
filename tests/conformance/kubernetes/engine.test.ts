import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { at, textAt } from "../../../scripts/standins/kubernetes/values.ts";
import { createWorkspace, missingEngine, skipWithout, type Workspace } from "../nodejs/workspace.ts";
import {
  applyAs,
  auditedSince,
  auditMark,
  controlPlane,
  destroy,
  eventually,
  freshNamespace,
  get,
  isGone,
  patch,
} from "./cluster.ts";
import { corePath, deployment, deploymentPath } from "./fixtures.ts";

/** Reads what to declare from the environment, so that a test changes its mind without a new program. */
const PROGRAM = `
import * as pulumi from "@pulumi/pulumi";
import * as k8s from "@pulumi/kubernetes";
const namespace = process.env.TEST_NAMESPACE!;
const wanted = new Set((process.env.TEST_WANTED ?? "").split(","));
const image = process.env.TEST_IMAGE ?? "registry.test/web:1";
const skip = { "pulumi.com/skipAwait": "true" };
if (wanted.has("maps")) {
  for (let i = 0; i < 30; i++) {
    new k8s.core.v1.ConfigMap(\`map-\${i}\`, { metadata: { namespace, ...(i % 2 ? { name: \`map-\${i}\` } : {}) }, data: { i: String(i) } });
  }
}
if (wanted.has("secret")) {
  new k8s.core.v1.Secret("pw", { metadata: { name: "pw", namespace }, stringData: { password: process.env.TEST_PASSWORD! } });
}
if (wanted.has("web") || wanted.has("waiting") || wanted.has("found")) {
  const labels = { app: "web" };
  const web = new k8s.apps.v1.Deployment("web", {
    metadata: { name: "web", namespace, annotations: wanted.has("waiting") ? {} : skip },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: "web", image, ports: [{ containerPort: 80 }], resources: { requests: { cpu: "1000m", memory: "1024Mi" } } }] },
      },
    },
  }, wanted.has("found") ? { import: \`\${namespace}/web\` } : {});
  const service = new k8s.core.v1.Service("web", { metadata: { name: "web", namespace, annotations: skip }, spec: { selector: labels, ports: [{ port: 80 }] } }, { dependsOn: [web] });
  new k8s.core.v1.ConfigMap("address", { metadata: { name: "address", namespace }, data: { address: service.spec.clusterIP } });
}
`;

/** Pids of providers that were started with a test's environment; others on this machine are not ours to judge. */
function providersOf(namespace: string): string[] {
  return readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      const has = (file: string, text: string) => readFileSync(`/proc/${pid}/${file}`, "utf8").includes(text);
      return has("cmdline", "standins/kubernetes/main.ts") && has("environ", `TEST_NAMESPACE=${namespace}\0`);
    } catch {
      // It ended while it was looked at.
      return false;
    }
  });
}

const PASSWORD = "correct-horse-battery-staple";

/** The provider behind the real engine and CLI. Not proven: pods that run. */
describe("kubernetes: with the engine", function () {
  this.timeout(240_000);
  let workspace: Workspace;
  let namespace: string;
  let env: Record<string, string>;

  before(async function () {
    skipWithout(this, missingEngine());
    await controlPlane();
  });
  beforeEach(async () => {
    namespace = await freshNamespace("engine");
    workspace = await createWorkspace({ program: PROGRAM, packages: ["@pulumi/kubernetes"] });
    const { kubeconfigPath } = await controlPlane();
    env = { KUBECONFIG: kubeconfigPath, TEST_NAMESPACE: namespace, TEST_PASSWORD: PASSWORD };
  });
  afterEach(async () => {
    await workspace?.dispose();
    assert.deepEqual(providersOf(namespace), [], "no provider may be left running");
  });

  const up = (wanted: string, more: Record<string, string> = {}, ...args: string[]) =>
    workspace.succeed(["up", "--yes", "--skip-preview", "--diff", ...args], { ...env, TEST_WANTED: wanted, ...more });
  const state = async () =>
    JSON.parse(await workspace.succeed(["stack", "export"])) as {
      deployment: {
        resources: { urn: string; type: string; id?: string; initErrors?: string[] }[];
        pending_operations?: unknown[];
      };
    };
  const writesSince = async (mark: number) =>
    (await auditedSince(mark)).filter(
      ({ verb, userAgent }) => !/get|list|watch/.test(verb) && userAgent?.startsWith("pulumi"),
    );

  it("again with nothing changed asks the API server for nothing", async () => {
    await up("web");
    assert.ok(await get(corePath(namespace, "configmaps", "address")));
    const mark = await auditMark();
    assert.match(await up("web"), /unchanged/);
    const requests = (await auditedSince(mark)).filter(({ userAgent }) => userAgent?.startsWith("pulumi-kubernetes"));
    assert.deepEqual(
      requests.filter(({ requestURI }) => requestURI.includes(namespace)),
      [],
    );
  });

  it("previews with outputs that are not known yet, and destroys what it made", async () => {
    const preview = await workspace.succeed(["preview", "--diff"], { ...env, TEST_WANTED: "web" });
    assert.match(preview, /address *: \[?(output<string>|unknown)/);
    await up("web");
    await workspace.succeed(["destroy", "--yes", "--skip-preview"], { ...env, TEST_WANTED: "web" });
    assert.ok(await isGone(deploymentPath(namespace, "web")));
    assert.ok(await isGone(corePath(namespace, "services", "web")));
  });

  it("up --refresh makes a deleted Service again, puts a changed image back and names it; without drift it writes nothing", async () => {
    await up("web");
    await destroy(corePath(namespace, "services", "web"));
    const spec = { template: { spec: { containers: [{ name: "web", image: "registry.test/evil:1" }] } } };
    await patch(deploymentPath(namespace, "web"), { spec }, "kubectl-set", "strategic-merge-patch");
    const output = await up("web", {}, "--refresh");
    assert.match(output, /image: "registry\.test\/evil:1" => "registry\.test\/web:1"/);
    assert.ok(await get(corePath(namespace, "services", "web")));
    const live = await get(deploymentPath(namespace, "web"));
    assert.equal(textAt(live, "spec", "template", "spec", "containers", 0, "image"), "registry.test/web:1");
    const mark = await auditMark();
    await up("web", {}, "--refresh");
    assert.deepEqual(await writesSince(mark), []);
  });

  it("keeps secrets out of the state and the output, through a refresh and a change", async () => {
    const outputs = [
      await up("secret"),
      await up("secret", {}, "--refresh"),
      await up("secret", { TEST_PASSWORD: `${PASSWORD}-2` }),
    ];
    const texts = [...outputs, await workspace.succeed(["stack", "export"])];
    for (const clear of [PASSWORD, Buffer.from(PASSWORD).toString("base64").slice(0, 30)]) {
      assert.ok(texts.every((text) => !text.includes(clear)));
    }
  });

  it("converges after kill -9 at random moments, without a question, orphan or duplicate", async () => {
    for (const [round, milliseconds] of Array.from({ length: 5 }, () => 1500 + Math.random() * 5000).entries()) {
      const run = workspace.start(["up", "--yes", "--skip-preview"], { ...env, TEST_WANTED: "maps" });
      const timer = setTimeout(() => run.child.kill("SIGKILL"), milliseconds);
      await run.done;
      clearTimeout(timer);
      await workspace.pulumi(["cancel", "--yes"]);
      await eventually(`round ${round}: the provider to end`, async () =>
        providersOf(namespace).length === 0 ? true : undefined,
      );
    }
    await up("maps");
    const { items } = (await get(`/api/v1/namespaces/${namespace}/configmaps`)) as {
      items: { metadata: { name: string } }[];
    };
    const live = items.map(({ metadata }) => metadata.name).filter((name) => name.startsWith("map-"));
    const known = (await state()).deployment.resources.filter(({ type }) => type.endsWith(":ConfigMap"));
    assert.equal(live.length, 30);
    assert.deepEqual(known.map(({ id }) => id).sort(), live.map((name) => `${namespace}/${name}`).sort());
  });

  it("Ctrl-C ends a wait at once; the object is in the state and the next run goes on with it", async () => {
    const run = workspace.start(["up", "--yes", "--skip-preview"], { ...env, TEST_WANTED: "waiting" });
    await eventually("the Deployment", async () =>
      (await isGone(deploymentPath(namespace, "web"))) ? undefined : true,
    );
    await new Promise((resolve) => setTimeout(resolve, 500));
    const started = Date.now();
    run.child.kill("SIGINT");
    const { code, output } = await run.done;
    assert.notEqual(code, 0);
    assert.ok(Date.now() - started < 15_000, `took ${Date.now() - started} ms`);
    const found = (await state()).deployment.resources.find(({ type }) => type.endsWith(":Deployment"));
    assert.equal(found?.id, `${namespace}/web`, output);
    assert.match(found?.initErrors?.[0] ?? "", /cancelled while waiting/);
    await up("web");
    assert.ok(await get(corePath(namespace, "services", "web")));
  });

  it("imports an object that exists and then changes nothing of it", async () => {
    const object = { apiVersion: "apps/v1", kind: "Deployment", ...deployment(namespace, "web") };
    await applyAs(deploymentPath(namespace, "web"), object, "their-tool");
    await up("found");
    const found = (await state()).deployment.resources.find(({ type }) => type.endsWith(":Deployment"));
    assert.equal(found?.id, `${namespace}/web`);
    await up("web");
    assert.equal(at(await get(deploymentPath(namespace, "web")), "metadata", "generation"), 1);
  });
});

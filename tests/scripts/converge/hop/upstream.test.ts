// That certificates open a real API server is shown where a cluster is; here, what is read and written.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Upstream } from "../../../../scripts/converge/hop/upstream.ts";

describe("upstream of the hop", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "millwright-upstream-"));
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  function write(name: string, user: object, cluster: object = { server: "https://api.invalid:6443/base" }): string {
    const file = join(folder, name);
    writeFileSync(
      file,
      JSON.stringify({
        contexts: [{ name: "c", context: { cluster: "k", user: "u" } }],
        clusters: [{ name: "k", cluster }],
        users: [{ name: "u", user }],
      }),
    );
    return file;
  }

  const login = (status: object) => ({
    exec: {
      apiVersion: "client.authentication.k8s.io/v1",
      command: process.execPath,
      args: ["-e", `console.log(${JSON.stringify(JSON.stringify({ status }))})`],
    },
  });
  const basic = `Basic ${Buffer.from("anna:secret").toString("base64")}`;
  const cases: [string, object, string | undefined][] = [
    ["a token", { token: "t" }, "Bearer t"],
    ["a name and a password", { username: "anna", password: "secret" }, basic],
    ["a login command", login({ token: "from-login" }), "Bearer from-login"],
    ["nothing", {}, undefined],
  ];
  for (const [what, user, authorization] of cases) {
    it(`shows ${what}`, async () => {
      const upstream = new Upstream(write("a", user), "c");
      assert.equal((await upstream.access()).headers["authorization"], authorization);
      upstream.close();
    });
  }

  it("shows a client certificate from files beside the kubeconfig, and keeps its connections while that is the same", async () => {
    writeFileSync(join(folder, "c.crt"), "certificate");
    writeFileSync(join(folder, "c.key"), "key");
    const upstream = new Upstream(write("a", { "client-certificate": "c.crt", "client-key": "c.key" }), "c");
    const { kept } = await upstream.access();
    const { cert, key } = (kept as unknown as { options: Record<string, unknown> }).options;
    assert.deepEqual([String(cert), String(key)], ["certificate", "key"]);
    upstream.forget();
    assert.equal((await upstream.access()).kept, kept);
    writeFileSync(join(folder, "c.crt"), "renewed");
    upstream.forget();
    assert.notEqual((await upstream.access()).kept, kept);
    upstream.close();
  });

  it("says why a login failed, and tries it again", async () => {
    const failing = {
      exec: { command: process.execPath, args: ["-e", "console.error('no ticket'); process.exit(1)"] },
    };
    const upstream = new Upstream(write("a", failing), "c");
    const first = upstream.access();
    await assert.rejects(first, /no ticket/);
    const second = upstream.access();
    assert.notEqual(second, first);
    await assert.rejects(second, /no ticket/);
  });

  it("reads a list of files, of which the first to give a name counts and a missing one does not", async () => {
    const files = [join(folder, "missing"), write("a", { token: "first" }), write("b", { token: "second" })];
    const upstream = new Upstream(files.join(":"), "c");
    assert.equal((await upstream.access()).headers["authorization"], "Bearer first");
    assert.equal(upstream.server.href, "https://api.invalid:6443/base");
  });

  it("takes a server without TLS", async () => {
    const upstream = new Upstream(write("a", { token: "t" }, { server: "http://127.0.0.1:1" }), "c");
    assert.equal((await upstream.access()).headers["authorization"], "Bearer t");
  });
});

import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { startAndAwait } from "../../../scripts/images/daemon-spec.ts";
import { containerdConfig, dockerHost, dockerSpec } from "../../../scripts/images/docker.ts";
import { registryConfig, registryHas } from "../../../scripts/images/registry.ts";

/** Not proved here: that dockerd and the registry accept this; the integration suite does. */
describe("image daemons", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "millwright-images-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("docker keeps out of the packet filter and of every folder but its own", () => {
    const { args } = dockerSpec({ root: folder, containerdSocket: path.join(folder, "c.sock") });
    for (const flag of ["--iptables=false", "--ip6tables=false", "--bridge=none", "--ip-forward=false"]) {
      assert.ok(args.includes(flag), flag);
    }
    const places = args.filter((arg) => arg.includes("/"));
    assert.equal(places.length, 5);
    assert.ok(places.every((arg) => arg.includes(folder)));
    assert.ok(args.includes(`--host=${dockerHost(folder)}`));
    assert.ok(
      containerdConfig(folder, "/s")
        .split("\n")
        .filter((line) => /^(root|state)/.test(line))
        .every((line) => line.includes(folder)),
    );
  });

  it("the registry listens where it is told and can delete", () => {
    const config = JSON.parse(registryConfig("/r", "127.0.0.1:5001")) as {
      http: { addr: string };
      storage: { delete: unknown; filesystem: unknown };
    };
    assert.equal(config.http.addr, "127.0.0.1:5001");
    assert.deepEqual(config.storage.delete, { enabled: true });
    assert.deepEqual(config.storage.filesystem, { rootdirectory: "/r/data" });
  });

  it("asks the registry for an image by name and tag", async () => {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      response.writeHead(request.url?.endsWith("/there") ? 200 : 404).end();
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    try {
      const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
      assert.equal(await registryHas(`${host}/millwright/base:there`), true);
      assert.equal(await registryHas(`${host}/millwright/base:gone`), false);
      assert.deepEqual(asked, ["HEAD /v2/millwright/base/manifests/there", "HEAD /v2/millwright/base/manifests/gone"]);
      await assert.rejects(registryHas(`${host}/no-tag`), /not of the form host:port\/name:tag/);
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });

  it("does not take another process's answer for its daemon's", async () => {
    const files = { pidFile: path.join(folder, "pid"), logFile: path.join(folder, "log") };
    const spec = { name: "registry", command: "sleep", args: ["60"], probe: async () => true, timeoutSeconds: 1 };
    await assert.rejects(startAndAwait(spec, files), /^Failure: Something else answers already where registry should/);
    assert.ok(!existsSync(files.pidFile));
  });
});

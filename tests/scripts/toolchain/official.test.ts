import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { answers, download } from "../../../scripts/toolchain/official.ts";

describe("official download", () => {
  let folder = "";
  let server: Server;
  let url = "";

  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), "millwright-official-"));
    mkdirSync(path.join(folder, "pulumi"));
    writeFileSync(path.join(folder, "pulumi", "pulumi"), "binary", { mode: 0o755 });
    execFileSync("tar", ["-czf", path.join(folder, "a.tar.gz"), "-C", folder, "pulumi"]);
    const archive = readFileSync(path.join(folder, "a.tar.gz"));
    server = createServer((request, response) => {
      if (request.url === "/a.tar.gz") {
        response.end(archive);
      } else if (request.url === "/cut.tar.gz") {
        response.end(archive.subarray(0, 60));
      } else if (request.url !== "/silent") {
        response.writeHead(403).end();
      }
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("knows quickly whether it is there", async () => {
    assert.equal(await answers(`${url}/a.tar.gz`), true);
    assert.equal(await answers(`${url}/other`), false);
    assert.equal(await answers("http://127.0.0.1:1/"), false);
    const started = Date.now();
    assert.equal(await answers(`${url}/silent`, 100), false);
    assert.ok(Date.now() - started < 2000);
  });

  it("unpacks what the archive's one folder holds", async () => {
    const target = path.join(folder, "target");
    await download(`${url}/a.tar.gz`, target);
    assert.deepEqual(readdirSync(target), ["pulumi"]);
    assert.equal(readFileSync(path.join(target, "pulumi"), "utf8"), "binary");
  });

  it("fails on a refusal and on half an archive", async () => {
    const target = path.join(folder, "broken");
    await assert.rejects(download(`${url}/other`, target), /answered 403 Forbidden$/);
    await assert.rejects(download(`${url}/cut.tar.gz`, target), /^CommandError: tar /);
    assert.deepEqual(readdirSync(target), []);
  });
});

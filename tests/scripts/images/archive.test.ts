import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { writeImageArchive } from "../../../scripts/images/archive.ts";

describe("image archive", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "millwright-archive-"));
    writeFileSync(path.join(folder, "program"), "binary", { mode: 0o755 });
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const image = () => ({
    reference: "millwright.dev/test:1",
    files: { "/bin/program": path.join(folder, "program") },
    entrypoint: ["/bin/program"],
    user: "65535:65535",
  });
  const inside = (archive: string, name: string) => execFileSync("tar", ["-xOf", archive, name]);

  it("is what docker save would write", async () => {
    const archive = path.join(folder, "out", "image.tar");
    await writeImageArchive(image(), archive);
    const [manifest] = JSON.parse(inside(archive, "manifest.json").toString()) as [
      { Config: string; RepoTags: string[]; Layers: [string] },
    ];
    assert.deepEqual(manifest.RepoTags, ["millwright.dev/test:1"]);
    const layer = inside(archive, manifest.Layers[0]);
    const config = JSON.parse(inside(archive, manifest.Config).toString()) as {
      config: unknown;
      rootfs: { diff_ids: string[] };
    };
    assert.deepEqual(config.config, { Entrypoint: ["/bin/program"], User: "65535:65535" });
    assert.deepEqual(config.rootfs.diff_ids, [`sha256:${createHash("sha256").update(layer).digest("hex")}`]);
    const listed = execFileSync("tar", ["-tv", "--numeric-owner"], { input: layer }).toString();
    assert.match(listed, /^-rwxr-xr-x 0\/0 +6 1970-01-01 00:00 \.\/bin\/program$/m);
    assert.deepEqual(readdirSync(path.dirname(archive)), ["image.tar"]);
  });

  it("is the same for the same files", async () => {
    const [one, two] = [path.join(folder, "one.tar"), path.join(folder, "two.tar")];
    await writeImageArchive(image(), one);
    utimesSync(path.join(folder, "program"), 5, 5);
    await writeImageArchive(image(), two);
    assert.ok(readFileSync(one).equals(readFileSync(two)));
  });
});

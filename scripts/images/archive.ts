import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { run } from "../lib/process.ts";

/** A container image of a few static programs. */
export interface SmallImage {
  /** `registry/name:tag`. */
  readonly reference: string;
  /** Path in the image to the file on this machine; each becomes executable. */
  readonly files: Readonly<Record<string, string>>;
  readonly entrypoint: readonly string[];
  /** `uid:gid`. */
  readonly user: string;
}

/**
 * Writes an image as the archive that `docker save` would make, which both `docker load` and containerd's import read. The
 * same files give the same image.
 */
export async function writeImageArchive(image: SmallImage, target: string): Promise<void> {
  mkdirSync(path.dirname(target), { recursive: true });
  const draft = mkdtempSync(`${target}.`);
  try {
    const layer = path.join(draft, "layer");
    for (const [inside, outside] of Object.entries(image.files)) {
      const file = path.join(layer, inside);
      mkdirSync(path.dirname(file), { recursive: true });
      copyFileSync(outside, file);
    }
    await pack(path.join(draft, "layer.tar"), layer, ["."]);
    const config = JSON.stringify(imageConfig(image, sha256(readFileSync(path.join(draft, "layer.tar")))));
    const configName = `${sha256(config)}.json`;
    writeFileSync(path.join(draft, configName), config);
    const manifest = [{ Config: configName, RepoTags: [image.reference], Layers: ["layer.tar"] }];
    writeFileSync(path.join(draft, "manifest.json"), JSON.stringify(manifest));
    await pack(path.join(draft, "image.tar"), draft, ["manifest.json", configName, "layer.tar"]);
    renameSync(path.join(draft, "image.tar"), target);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/** The configuration of an image whose one layer has this checksum. */
export function imageConfig(image: SmallImage, layerSha256: string): Readonly<Record<string, unknown>> {
  return {
    architecture: { x64: "amd64" }[process.arch as string] ?? process.arch,
    os: "linux",
    config: { Entrypoint: image.entrypoint, User: image.user },
    rootfs: { type: "layers", diff_ids: [`sha256:${layerSha256}`] },
    history: [{ created: "1970-01-01T00:00:00Z", created_by: "millwright" }],
  };
}

async function pack(archive: string, folder: string, names: readonly string[]): Promise<void> {
  const same = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner", "--mode=a=rX,u+w"];
  await run("tar", [...same, "-cf", archive, "-C", folder, ...names]);
}

function sha256(content: string | Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}

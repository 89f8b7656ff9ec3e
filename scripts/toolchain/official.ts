import { createWriteStream, mkdirSync, rmSync } from "node:fs";
import path from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { run } from "../lib/process.ts";

/** Milliseconds that a project's own server has to answer in; a machine without it should not be kept waiting. */
const PATIENCE = 5000;

/** Whether a download is there, asked quickly; any error or refusal means no. */
export async function answers(url: string, patience: number = PATIENCE): Promise<boolean> {
  try {
    const response = await fetch(url, { method: "HEAD", signal: AbortSignal.timeout(patience) });
    return response.ok;
  } catch {
    // Refused, unresolved, too slow: the caller has another way.
    return false;
  }
}

/** Downloads a .tar.gz and unpacks what its one folder holds into `target`. */
export async function download(url: string, target: string): Promise<void> {
  mkdirSync(target, { recursive: true });
  const archive = path.join(target, ".download.tar.gz");
  try {
    const response = await fetch(url);
    if (!response.ok || response.body === null) {
      throw new Error(`${url} answered ${response.status} ${response.statusText}`);
    }
    await pipeline(Readable.fromWeb(response.body as ReadableStream), createWriteStream(archive));
    await run("tar", ["-xzf", archive, "-C", target, "--strip-components=1", "--no-same-owner"]);
  } finally {
    rmSync(archive, { force: true });
  }
}

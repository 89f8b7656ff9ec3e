import { randomBytes } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { run } from "../../../scripts/lib/process.ts";
import type { Outcome, Trial, World } from "./world.ts";

/** A text that is in no place by chance. */
export const canary = (): string => `canary${randomBytes(12).toString("hex")}`;

/** Places by name, each with all that stands there. */
export type Places = ReadonlyMap<string, string>;

/** Everything a run leaves where somebody without the passphrase may read it. */
export async function placesOf(world: World, trial: Trial, outcomes: readonly Outcome[]): Promise<Places> {
  const cwd = path.join(trial.root, "project");
  const pulumi = async (args: readonly string[]) =>
    (await run("pulumi", [...args, "--stack", "dev", "--non-interactive"], { cwd, env: trial.env })).stdout;
  const places = new Map<string, string>();
  const state = path.join(trial.root, "pulumi", "state");
  for (const entry of await readdir(state, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = path.join(entry.parentPath, entry.name);
    places.set(`state ${path.relative(state, file)}`, await readFile(file, "utf8"));
  }
  places.set("events of the engine", await readFile(path.join(trial.root, "events.jsonl"), "utf8"));
  places.set("log", await readFile(path.join(trial.root, "output.log"), "utf8"));
  for (const [index, { output }] of outcomes.entries()) places.set(`terminal of run ${index + 1}`, output);
  places.set("export", await pulumi(["stack", "export"]));
  places.set("history", await pulumi(["stack", "history", "--json"]));
  places.set("diff", await pulumi(["preview", "--diff", "--refresh", "--show-replacement-steps"]));
  for (const letter of ["a", "b"]) {
    const namespace = `/api/v1/namespaces/${trial.prefix}-${letter}`;
    places.set(`events of ${letter}`, JSON.stringify(await world.get(`${namespace}/events`)));
    places.set(`ConfigMaps of ${letter}`, JSON.stringify(await world.get(`${namespace}/configmaps`)));
  }
  return places;
}

/** Names of the places where a text stands, as it is or as Secrets have it. */
export function found(text: string, places: Places): string[] {
  const encoded = Buffer.from(text).toString("base64");
  return [...places].filter(([, content]) => content.includes(text) || content.includes(encoded)).map(([name]) => name);
}

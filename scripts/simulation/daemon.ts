import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { readIdentity } from "../cluster/http.ts";
import { controlPlaneLayout } from "../cluster/layout.ts";
import { runMain } from "../lib/failure.ts";
import { Api } from "./api.ts";
import { SimulatedClock } from "./cloud/clock.ts";
import { SimulatedCloud } from "./cloud/cloud.ts";
import { Driver } from "./cloud/driver.ts";
import { readFacts, writeFacts } from "./cloud/facts.ts";
import { WorkQueue } from "./cloud/work-queue.ts";
import type { SimulationConfig } from "./cloud/workload.ts";
import { heartbeatFile, simulationFile } from "./files.ts";

/**
 * The process behind a simulated cluster, started by scripts/cluster/simulated.ts: its machines and its day. It writes down
 * every second that it works, and every five what has happened.
 */

const HEARTBEAT_MILLISECONDS = 1000;
const FACTS_MILLISECONDS = 5000;
/** Requests under way at once: more only wait inside the API server, on two cores. */
const AT_ONCE = 8;

await runMain(async () => {
  const { values } = parseArgs({ options: { root: { type: "string" }, server: { type: "string" } } });
  const { root, server } = values;
  if (root === undefined || server === undefined) throw new Error("--root and --server are required");
  const layout = controlPlaneLayout(root);
  const config = JSON.parse(readFileSync(simulationFile(root), "utf8")) as SimulationConfig;
  const api = new Api(server, readIdentity(layout.pki, "admin"));
  const log = (text: string) => process.stdout.write(`${new Date().toISOString()} ${text}\n`);
  const facts = await readFacts(api);
  const clock = new SimulatedClock(facts.seconds, config.simulation.speed);
  const work = new WorkQueue(AT_ONCE, (error) => log(error instanceof Error ? error.message : String(error)));
  const cloud = new SimulatedCloud({ api, clock, simulation: config.simulation, facts, work, log });
  const driver = new Driver({ api, clock, config, facts, log });
  const stop = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stop.abort());
  const save = async () => {
    facts.seconds = clock.seconds;
    facts.speed = config.simulation.speed;
    facts.acceleratorDays += cloud.takeAcceleratorDays();
    await writeFacts(api, facts);
  };
  const heartbeat = () => {
    const file = heartbeatFile(root);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(`${file}.draft`, JSON.stringify({ pid: process.pid, at: Date.now(), waiting: work.length }));
    renameSync(`${file}.draft`, file);
  };
  const beats = setInterval(heartbeat, HEARTBEAT_MILLISECONDS);
  const saves = setInterval(() => {
    save().catch((error: Error) => log(`what has happened is not written down now: ${error.message}`));
  }, FACTS_MILLISECONDS);
  heartbeat();
  log(`goes on at simulated second ${clock.seconds.toFixed(0)}, ${config.simulation.speed} a second`);
  await Promise.all([cloud.run(stop.signal), driver.run(stop.signal)]);
  clearInterval(beats);
  clearInterval(saves);
  await save().catch((error: Error) => log(`what has happened is not written down: ${error.message}`));
  api.close();
  return 0;
});

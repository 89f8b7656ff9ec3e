import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { parseOptions } from "./lib/command-line.ts";
import { Failure, runMain } from "./lib/failure.ts";
import { report } from "./lib/report.ts";
import { replay } from "./simulation/replay/clock.ts";
import { Meter } from "./simulation/replay/metrics.ts";
import { PROFILES, profilesOf, syntheticOptions } from "./simulation/replay/options.ts";
import { jsonOf, type ProfileResult, plotOf, type TraceFacts, tableOf } from "./simulation/replay/report.ts";
import { SchedulerUnderReplay } from "./simulation/replay/scheduler.ts";
import { syntheticTrace } from "./simulation/replay/synthetic.ts";
import { readTrace, type Trace, writeTrace } from "./simulation/replay/trace.ts";
import { ensureTools } from "./toolchain/ensure.ts";

const HELP = `Replays a trace of nodes and pods against the real kube-scheduler, in time of its own, and reports allocation,
fragmentation and waits. docs/simulation.md describes the files and every figure.

  npm run simulate -- --nodes FILE --pods FILE      a trace of two CSV files:
      nodes  name,cpu,memoryGiB,gpus,gpuModel[,count]
      pods   name,cpu,memoryGiB,gpus,gpuFraction,gpuModel,arrivalSeconds,durationSeconds
  npm run simulate -- --synthetic nodes=300,pods=5000,seed=17
      a trace made up, in the proportions of a published one; also load=1 (GPU time asked for while pods arrive, by what there
      is), partial=0.436 (share of the pods with GPUs that want a part of one), multiGpu=0.073 (share of all GPUs asked for by
      pods that want several), constrained=0.33 (share of the pods with GPUs that take one model only)

  --profile NAME   how the scheduler places: ${Object.keys(PROFILES).join(", ")} or all, which is the default; may be repeated. Profiles
                   are compared on the same trace, side by side
  --step SECONDS   what happens within so long happens at its end, all together: quicker, and waits are longer by up to it.
                   0, each moment by itself, by default
  --json           one JSON object on stdout; progress stays on stderr
  --plot FILE      writes allocation and fragmentation over time, as SVG
  --write DIR      writes the trace as DIR/nodes.csv and DIR/pods.csv
  --help           this text

Control plane and files are of its own, on free ports and in a temporary folder, and end with it; nothing needs privileges.
Exit code 0: replayed; 1: a file is wrong, or something failed; 130: interrupted.
`;

await runMain(async () => {
  const { values } = parseOptions({
    options: {
      nodes: { type: "string" },
      pods: { type: "string" },
      synthetic: { type: "string" },
      profile: { type: "string", multiple: true },
      step: { type: "string", default: "0" },
      json: { type: "boolean" },
      plot: { type: "string" },
      write: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  const profiles = profilesOf(values.profile);
  const stepSeconds = stepOf(values.step);
  const { trace, source } = await traceOf(values);
  if (values.write !== undefined) await write(trace, values.write);
  const facts: TraceFacts = {
    source,
    nodes: trace.nodes.length,
    gpus: trace.nodes.reduce((sum, { gpus }) => sum + gpus, 0),
    pods: trace.pods.length,
    stepSeconds,
  };
  await ensureTools(["etcd", "kubernetes"], report);
  const interrupt = interruption();
  const results: ProfileResult[] = [];
  for (const profile of profiles) {
    const result = await replayBy(profile, trace, stepSeconds, interrupt.signal).catch((error) => {
      if (interrupt.signal.aborted) return undefined;
      throw error;
    });
    if (result === undefined) {
      report.line("Interrupted; nothing is left running.");
      return 130;
    }
    results.push(result);
  }
  if (values.plot !== undefined) {
    await writeFile(values.plot, plotOf(facts, results));
    report.line(`wrote ${values.plot}`);
  }
  process.stdout.write(values.json === true ? `${JSON.stringify(jsonOf(facts, results))}\n` : tableOf(facts, results));
  return 0;
});

interface Source {
  readonly nodes?: string | undefined;
  readonly pods?: string | undefined;
  readonly synthetic?: string | undefined;
}

async function traceOf({ nodes, pods, synthetic }: Source): Promise<{ trace: Trace; source: string }> {
  if (synthetic !== undefined) {
    if (nodes !== undefined || pods !== undefined) {
      throw new Failure("There are both --synthetic and files", "name --synthetic, or --nodes and --pods");
    }
    const options = syntheticOptions(synthetic);
    return { trace: syntheticTrace(options), source: `synthetic trace, seed ${options.seed}` };
  }
  if (nodes === undefined || pods === undefined) {
    throw new Failure(
      `There is no ${nodes === undefined ? "--nodes" : "--pods"}`,
      "name both --nodes FILE and --pods FILE, or --synthetic; see --help",
    );
  }
  // One after the other: of two files that are missing it is always the first that is named.
  const nodesText = await read("--nodes", nodes);
  const podsText = await read("--pods", pods);
  const trace = readTrace({ file: nodes, text: nodesText }, { file: pods, text: podsText });
  return { trace, source: `${path.basename(nodes)} and ${path.basename(pods)}` };
}

async function read(option: string, file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new Failure(`${option} ${file} cannot be read: ${(error as Error).message}`, "name a file that is there", {
      cause: error,
    });
  }
}

async function write(trace: Trace, folder: string): Promise<void> {
  const files = writeTrace(trace);
  try {
    await writeFile(path.join(folder, "nodes.csv"), files.nodes);
    await writeFile(path.join(folder, "pods.csv"), files.pods);
  } catch (error) {
    throw new Failure(
      `--write ${folder} cannot be written: ${(error as Error).message}`,
      "name a folder that is there",
    );
  }
}

function stepOf(text: string): number {
  const seconds = Number(text);
  if (text.trim() === "" || !(seconds >= 0 && seconds <= 86_400)) {
    throw new Failure(`--step ${text} is not a number of seconds from 0 to 86400`, "name one, e.g. --step 10");
  }
  return seconds;
}

async function replayBy(
  profile: string,
  trace: Trace,
  stepSeconds: number,
  signal: AbortSignal,
): Promise<ProfileResult> {
  const placement = PROFILES[profile]!;
  const scheduler = await report.step(`${profile}: control plane and ${trace.nodes.length} nodes`, (note) =>
    SchedulerUnderReplay.start(placement, trace.nodes, note),
  );
  try {
    return await report.step(`${profile}: ${trace.pods.length} pods`, async (note) => {
      const meter = new Meter(trace);
      let placed = 0;
      const replayed = await replay(
        trace,
        scheduler,
        (moment) => {
          meter.observe(moment);
          placed += moment.placed.length;
          const hour = (moment.seconds / 3600).toFixed(1);
          note(`hour ${hour}, ${placed} placed, ${moment.waiting} waiting`);
        },
        { stepSeconds, signal },
      );
      return { profile, metrics: meter.result(replayed), speed: await scheduler.speed() };
    });
  } finally {
    await scheduler.stop();
  }
}

/** The first Ctrl-C ends the replay between two moments, and its processes with it; a second one ends this at once. */
function interruption(): { readonly signal: AbortSignal } {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.once(name, () => controller.abort());
  }
  return { signal: controller.signal };
}

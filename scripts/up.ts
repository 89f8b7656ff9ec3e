import { writeSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { EngineEvent } from "@pulumi/pulumi/automation/index.js";
import { plan as planFor } from "../components/lifecycle/plan.ts";
import type { Plan } from "../components/lifecycle/types.ts";
import type { Stack } from "../stacks/schema.ts";
import { type Changes, describeResource, isReal, withoutMarkup } from "./converge/changes.ts";
import { clusterReferenceOf } from "./converge/cluster-reference.ts";
import { Engine } from "./converge/engine.ts";
import { converge, type LoopResult } from "./converge/loop.ts";
import { bringUp } from "./converge/platform.ts";
import { recoverStack } from "./converge/recover.ts";
import {
  loadStackFile,
  parseOptions,
  REPOSITORY_ROOT,
  STACK_HELP,
  STACK_OPTIONS,
  stackArguments,
} from "./lib/command-line.ts";
import { Failure, runMain } from "./lib/failure.ts";
import { openLog } from "./lib/log.ts";
import { formatElapsed, report } from "./lib/report.ts";
import { stateRoot } from "./lib/roots.ts";
import { Observer } from "./status/observer.ts";
import { renderStatus } from "./status/report.ts";
import { readSimulatedStatus, renderSimulatedStatus } from "./status/simulated.ts";

const HELP = `Brings up the datacenter of a stack and converges it until nothing is left to do.

  npm run up                            the stack "local": this machine
  npm run up -- <stack>                 another stack
  npm run up -- <stack> --retry MODEL   first removes the failed Job of MODEL, so that it runs again
  npm run up -- <stack> --watch         goes on when all is settled, and takes the next step whenever something asks for
                                        one: drift, new labels, a schedule, an edited stack file; until Ctrl-C
  npm run up -- <stack> --replace "Service shop/web"
                                        lets that object be deleted, or deleted and made anew; once for each
${STACK_HELP}

It may be interrupted and run again at any time; it goes on from what the datacenter recorded.
Exit code 0: settled and every model serves; 1: something failed; 130: interrupted.
`;

const NOTE_CHARACTERS = 72;

/** What `--json` prints. */
interface UpReport {
  readonly stack: string;
  readonly settled: boolean;
  readonly changes: Pick<Changes, "created" | "updated" | "replaced" | "deleted">;
  readonly drift: readonly string[];
  readonly rounds: number;
  readonly seconds: number;
}

/**
 * Ctrl-C: on a terminal the engine gets the signal itself, finishes the steps under way and stops, so it is only told
 * where nobody else does. A second Ctrl-C reaches it the same way and ends it at once.
 */
function interruption(): { readonly signal: AbortSignal; requested(): boolean } {
  const controller = new AbortController();
  let count = 0;
  const interrupt = () => {
    count += 1;
    if (count === 1) {
      report.line("Interrupted: finishing the steps under way. The next run goes on from here.");
    }
    if (process.stdin.isTTY !== true || count > 2) {
      controller.abort();
    }
  };
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  return { signal: controller.signal, requested: () => count > 0 };
}

/** Says what the engine does, one line a resource it touches. */
function progress(note: (text: string) => void): (event: EngineEvent) => void {
  return ({ resourcePreEvent, resOutputsEvent, diagnosticEvent }) => {
    const before = resourcePreEvent?.metadata;
    if (before !== undefined && isReal(before) && before.op !== "same" && before.op !== "refresh") {
      note(`${before.op} ${describeResource(before)}`);
    }
    const after = resOutputsEvent?.metadata;
    if (after !== undefined && isReal(after) && ["create", "update", "replace", "delete"].includes(after.op)) {
      report.line(`  ${after.op} ${describeResource(after)}`);
    }
    if (diagnosticEvent?.severity === "info" && diagnosticEvent.ephemeral === true) {
      note(firstWords(withoutMarkup(diagnosticEvent.message)));
    }
  };
}

/** What a build prints may be a page; what is shown of it is how far it is. */
function firstWords(text: string): string {
  return text.length > NOTE_CHARACTERS ? `${text.slice(0, NOTE_CHARACTERS)}…` : text;
}

async function main(): Promise<number> {
  const started = Date.now();
  const { values, positionals } = parseOptions({
    allowPositionals: true,
    options: {
      ...STACK_OPTIONS,
      retry: { type: "string" },
      replace: { type: "string", multiple: true },
      watch: { type: "boolean", short: "w" },
    },
  });
  if (values.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  const arguments_ = stackArguments(positionals, values["stack-file"]);
  const stack = await loadStackFile(arguments_);
  if (values.retry !== undefined && !stack.models.some((model) => model.name === values.retry)) {
    const models = stack.models.map((model) => model.name).join(", ");
    throw new Failure(`The stack ${stack.name} has no model "${values.retry}"`, `--retry one of: ${models}`);
  }
  const interrupt = interruption();
  const env = await bringUp(stack, report);
  const observer = new Observer(stack, () => clusterReferenceOf(stack, () => env));
  if (values.retry !== undefined) {
    await observer.removeFailedRun(values.retry);
  }
  for (const repaired of await recoverStack({ workDir: REPOSITORY_ROOT, stack: stack.name, env })) {
    report.line(repaired);
  }

  const log = openLog(path.join(stateRoot(), "logs", `pulumi-${stack.name}.log`));
  let note: (text: string) => void = () => {};
  const engine = await Engine.open({
    repositoryRoot: REPOSITORY_ROOT,
    stackName: stack.name,
    stackFile: arguments_.file,
    env,
    onEvent: (event) => progress(note)(event),
    onOutput: (text) => writeSync(log, text),
    signal: interrupt.signal,
    interrupted: interrupt.requested,
    onRepair: (sentence) => report.line(sentence),
    kubernetesOnly: isKubernetesOnly(stack),
    cluster: () => clusterReferenceOf(stack, () => env),
    replace: values.replace ?? [],
  });
  let said: Readonly<Record<string, string>> = {};
  const result = await converge({
    observe: () => observer.observe(),
    plan: async (observations) => planFor(await loadStackFile(arguments_), observations),
    up: (round, plan) =>
      report.step(roundTitle(round, plan), async (inner) => {
        note = inner;
        const changes = await engine.up();
        for (const line of changes.drift) {
          report.line(`  drift: ${line}; repaired`);
        }
        return changes;
      }),
    waiting: async (plan) => {
      const now = await observer.progressLines(plan);
      for (const [model, line] of Object.entries(now)) {
        if (said[model] !== line) {
          report.line(`  ${model}: ${line}`);
        }
      }
      said = now;
    },
    sleep: (seconds) => sleep(seconds * 1000, undefined, { signal: interrupt.signal }).catch(() => {}),
    interrupted: interrupt.requested,
    keepWatching: values.watch === true,
  }).finally(() => engine.close());
  const seconds = Math.round((Date.now() - started) / 100) / 10;
  const shown = async () =>
    stack.platform.cluster.kind === "simulated"
      ? renderSimulatedStatus(await readSimulatedStatus(stack))
      : renderStatus(await observer.status(result.plan));
  if (values.json === true) {
    process.stdout.write(`${JSON.stringify(upReport(stack.name, result, seconds))}\n`);
  } else {
    process.stdout.write(`\n${await shown()}\n${changeLine(result.changes)} in ${formatElapsed(seconds * 1000)}\n`);
  }
  if (!result.settled) {
    return 130;
  }
  return result.plan.models.some((model) => model.stage === "failed") ? 1 : 0;
}

/** Whether nothing of a stack is made in AWS or by a chart: all it makes is taken over where it exists. */
function isKubernetesOnly({ platform: { cluster } }: Stack): boolean {
  return cluster.kind !== "eks" && cluster.kind !== "platform";
}

function roundTitle(round: number, { models }: Plan): string {
  const stages = models.map(({ name, stage }) => `${name} ${stage}`).join(", ");
  return `pulumi up, round ${round}${stages === "" ? "" : `: ${stages}`}`;
}

function upReport(stack: string, { settled, changes, rounds }: LoopResult, seconds: number): UpReport {
  const { created, updated, replaced, deleted, drift } = changes;
  return { stack, settled, changes: { created, updated, replaced, deleted }, drift, rounds, seconds };
}

function changeLine({ created, updated, replaced, deleted }: Changes): string {
  const counts = { created, updated, replaced, deleted };
  return Object.entries(counts)
    .map(([what, names]) => `${names.length} ${what}`)
    .join(", ");
}

await runMain(main);

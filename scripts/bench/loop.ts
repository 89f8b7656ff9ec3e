import { CASES, tryDestruction, tryFinalizer } from "../../tests/conformance/loop/destruction.ts";
import { tryAbsence, tryFaults, tryHidden } from "../../tests/conformance/loop/faults.ts";
import { describeKill, type Kill, tryKill } from "../../tests/conformance/loop/kills.ts";
import type { Destructive } from "../../tests/conformance/loop/program/objects.ts";
import type { FaultKind, Faults } from "../../tests/conformance/loop/proxy.ts";
import { RACES, tryRace } from "../../tests/conformance/loop/races.ts";
import { createTrial, startWorld, type World } from "../../tests/conformance/loop/world.ts";
import { Failure } from "../lib/failure.ts";
import type { Report } from "../lib/report.ts";
import { ensureTools } from "../toolchain/ensure.ts";
import { markdownTable } from "./markdown.ts";
import type { Part } from "./part.ts";

/** One table: what was tried and what came of it. */
interface Table {
  readonly titles: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const TABLES: Readonly<Record<string, (world: World, report: Report) => Promise<Table>>> = {
  kills,
  faults,
  races,
  destruction,
};

/**
 * All of what the tests of the loop take a sample of; an hour and more. Subsets by the environment:
 * LOOP_TABLES=kills,faults,races,destruction; LOOP_WRITES=1,20,40 the writes to kill at; LOOP_FAULTS=500,reset,lost;
 * LOOP_RATES=0.05,0.2; LOOP_RUNS=3 runs until a fault counts as not got through; LOOP_CHANGES=rename,role-ref.
 */
export const loop: Part = {
  name: "loop",
  measures:
    "what kills at every write, faults, races and destructive changes do to npm run up; see LOOP_* in its source",
  async run(_options, report) {
    await ensureTools(["pulumi", "kubernetes", "etcd"], report);
    const names = chosen("LOOP_TABLES", Object.keys(TABLES));
    const world = await report.step("control plane", () => startWorld());
    try {
      const tables: Record<string, Table> = {};
      for (const name of names) {
        const table = TABLES[name];
        if (table === undefined) {
          throw new Failure(`There is no table ${name}`, `name some of: ${Object.keys(TABLES).join(", ")}`);
        }
        tables[name] = await table(world, report);
      }
      const text = Object.values(tables).map(({ titles, rows }) => markdownTable(titles, rows));
      return { text: text.join("\n\n"), json: tables };
    } finally {
      await world.stop();
    }
  },
};

async function kills(world: World, report: Report): Promise<Table> {
  const writes = process.env["LOOP_WRITES"]?.split(",").map(Number) ?? range(await countWrites(world));
  const rows: string[][] = [];
  for (const [index, write] of writes.entries()) {
    for (const who of ["all", "engine"] as const) {
      const moment = index % 2 === 0 ? "applied" : "answered";
      const kill: Kill = { write, moment, who, next: (index >> 1) % 2 === 0 ? "smaller" : "full" };
      const wrong = await report.step(`kill of ${describeKill(kill)}`, () => tryKill(world, kill));
      rows.push([describeKill(kill), verdict(wrong)]);
    }
  }
  return { titles: ["killed", "outcome"], rows };
}

async function faults(world: World, report: Report): Promise<Table> {
  const most = Number(process.env["LOOP_RUNS"] ?? "3");
  const rows: string[][] = [];
  for (const kind of chosen("LOOP_FAULTS", ["409", "429", "500", "503", "reset", "lost", "silent"])) {
    for (const rate of chosen("LOOP_RATES", ["0.01", "0.05"]).map(Number)) {
      for (const phase of ["create", "change"] as const) {
        const fault: Faults = {
          kind: (/^\d+$/.test(kind) ? Number(kind) : kind) as FaultKind,
          rate,
          seed: 1,
          reads: kind !== "409",
          ...(kind === "silent" ? { most: 3 } : {}),
        };
        const title = `${kind} at ${rate * 100} %, ${phase}`;
        const struck = await report.step(title, () => tryFaults(world, fault, phase, most));
        const runs = struck.runs === undefined ? `not in ${most}` : String(struck.runs);
        rows.push([title, String(struck.requests), runs, struck.seconds.toFixed(1), verdict(struck.wrong)]);
      }
    }
  }
  const others = {
    "no server for 5 s": () => tryAbsence(world, 20, 5),
    "no server for 60 s": () => tryAbsence(world, 20, 60),
    "discovery denies apps": () => tryHidden(world, "apps"),
  };
  for (const [title, attempt] of Object.entries(others)) {
    rows.push([title, "", "", "", verdict(await report.step(title, attempt))]);
  }
  return { titles: ["fault", "requests struck", "runs", "seconds", "outcome"], rows };
}

async function races(world: World, report: Report): Promise<Table> {
  const rows: string[][] = [];
  for (const race of Object.keys(RACES)) {
    rows.push([race, verdict(await report.step(race, () => tryRace(world, race)))]);
  }
  return { titles: ["race or lock", "outcome"], rows };
}

async function destruction(world: World, report: Report): Promise<Table> {
  const rows: string[][] = [];
  for (const change of chosen("LOOP_CHANGES", Object.keys(CASES)) as Destructive[]) {
    const { code, object, absentSeconds, said, wrong } = await report.step(change, () => tryDestruction(world, change));
    rows.push([change, String(code), object, absentSeconds.toFixed(1), verdict(wrong), said]);
  }
  const finalizer = await report.step("finalizer", () => tryFinalizer(world));
  rows.push(["finalizer that never goes", "", "", "", verdict(finalizer), ""]);
  return { titles: ["change", "exit code", "object", "absent, s", "outcome", "said"], rows };
}

/** How many writes an undisturbed first run makes. */
async function countWrites(world: World): Promise<number> {
  const trial = await createTrial(world);
  try {
    world.proxy.forget();
    await trial.up();
    return world.proxy.writes.length;
  } finally {
    await trial.dispose();
  }
}

function chosen(variable: string, all: readonly string[]): readonly string[] {
  return process.env[variable]?.split(",") ?? all;
}

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

/** One cell of a table. */
function verdict(wrong: readonly string[]): string {
  return wrong.length === 0 ? "as promised" : wrong.join("; ").replaceAll("\n", " ").replaceAll("|", "/").slice(0, 300);
}

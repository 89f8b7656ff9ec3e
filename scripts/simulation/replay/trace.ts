import { Failure } from "../../lib/failure.ts";
import { type CsvRow, type CsvTable, readCsv, writeCsv } from "./csv.ts";

/** A machine of a trace. */
export interface TraceNode {
  readonly name: string;
  /** Cores, in thousandths. */
  readonly cpuMilli: number;
  readonly memoryMiB: number;
  readonly gpus: number;
  /** Model of its GPUs; empty where it has none. */
  readonly gpuModel: string;
}

/** A pod of a trace: what it asks for, when it comes, and how long it runs once it was placed. */
export interface TracePod {
  readonly name: string;
  readonly cpuMilli: number;
  readonly memoryMiB: number;
  /** Thousandths of a GPU: of one device if below 1000, else whole devices. */
  readonly gpuMilli: number;
  /** Models it may run on; any where it is empty. */
  readonly gpuModels: readonly string[];
  readonly arrivalSeconds: number;
  readonly durationSeconds: number;
}

export interface Trace {
  readonly nodes: readonly TraceNode[];
  /** In the order of their arrival; of one moment, in the order of the file. */
  readonly pods: readonly TracePod[];
}

/** One thing wrong with a file. */
export interface RowProblem {
  readonly file: string;
  readonly line: number;
  /** What is wrong, with the value and what is allowed. */
  readonly message: string;
}

export const NODE_COLUMNS = ["name", "cpu", "memoryGiB", "gpus", "gpuModel"] as const;
const COUNT_COLUMN = "count";
export const POD_COLUMNS = [
  "name",
  "cpu",
  "memoryGiB",
  "gpus",
  "gpuFraction",
  "gpuModel",
  "arrivalSeconds",
  "durationSeconds",
] as const;

/** A Kubernetes object's name; shorter than 253 so that a node's number fits behind it. */
const NAME = /^[a-z0-9]([-a-z0-9.]{0,230}[a-z0-9])?$/;
const MODEL = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;

const MAX_NODES = 20_000;
const MAX_PODS = 1_000_000;
const MAX_SHOWN = 20;

/**
 * Reads a trace from the text of its two files, whose columns docs/simulation.md describes.
 *
 * @throws Failure that names every problem by file and line, the first 20 in full
 */
export function readTrace(nodes: NamedText, pods: NamedText): Trace {
  const problems: RowProblem[] = [];
  const trace = {
    nodes: readNodes(nodes, problems),
    pods: readPods(pods, problems),
  };
  if (problems.length > 0) throw problemsFailure(problems);
  return { ...trace, pods: inOrder(trace.pods) };
}

/** Pods by the time of their arrival; those of one moment stay as they were. */
export function inOrder(pods: readonly TracePod[]): TracePod[] {
  return [...pods].sort((a, b) => a.arrivalSeconds - b.arrivalSeconds);
}

export interface NamedText {
  /** As the user named it. */
  readonly file: string;
  readonly text: string;
}

function problemsFailure(problems: readonly RowProblem[]): Failure {
  const shown = problems.slice(0, MAX_SHOWN).map(({ file, line, message }) => `  ${file}:${line}: ${message}`);
  const more = problems.length > MAX_SHOWN ? [`  and ${problems.length - MAX_SHOWN} more`] : [];
  const noun = problems.length === 1 ? "1 row" : `${problems.length} rows`;
  return new Failure(
    `The trace has ${noun} that cannot be read:\n${[...shown, ...more].join("\n")}`,
    "mend these rows; docs/simulation.md describes each column",
  );
}

function readNodes(source: NamedText, problems: RowProblem[]): TraceNode[] {
  const table = tableOf(source, NODE_COLUMNS, [COUNT_COLUMN], problems);
  const nodes: TraceNode[] = [];
  const names = new Map<string, number>();
  for (const row of table.rows) {
    const read = reader(source.file, row, problems);
    const before = problems.length;
    const name = read.name();
    const cpuMilli = Math.round(1000 * read.number("cpu", { above: 0, most: 4096 }));
    const memoryMiB = Math.round(1024 * read.number("memoryGiB", { above: 0, most: 1_048_576 }));
    const gpus = read.number("gpus", { least: 0, most: 72, whole: true, empty: 0 });
    const gpuModel = gpus > 0 ? read.models(true)[0] : read.noModel();
    const count = read.number(COUNT_COLUMN, { least: 1, most: MAX_NODES, whole: true, empty: 1 });
    if (problems.length > before) continue;
    const own = row.cells[COUNT_COLUMN] === undefined || row.cells[COUNT_COLUMN] === "";
    for (let at = 1; at <= count; at += 1) {
      nodes.push({ name: own ? name : `${name}-${at}`, cpuMilli, memoryMiB, gpus, gpuModel: gpuModel ?? "" });
    }
    unique(nodes.slice(-count), names, row.line, source.file, problems);
  }
  limit(nodes.length, MAX_NODES, "nodes", source.file, problems);
  return nodes;
}

function readPods(source: NamedText, problems: RowProblem[]): TracePod[] {
  const table = tableOf(source, POD_COLUMNS, [], problems);
  const pods: TracePod[] = [];
  const names = new Map<string, number>();
  for (const row of table.rows) {
    const read = reader(source.file, row, problems);
    const before = problems.length;
    const name = read.name();
    const cpuMilli = Math.round(1000 * read.number("cpu", { least: 0, most: 4096, empty: 0 }));
    const memoryMiB = Math.round(1024 * read.number("memoryGiB", { least: 0, most: 1_048_576, empty: 0 }));
    const gpus = read.number("gpus", { least: 0, most: 72, whole: true, empty: 0 });
    const fraction = read.number("gpuFraction", { least: 0, most: 1, empty: 0 });
    if (fraction === 1) {
      read.problem("gpuFraction", "must be below 1: a whole GPU is gpus 1");
    } else if (fraction > 0 && fraction < 0.001) {
      read.problem("gpuFraction", "must be at least 0.001: GPUs are counted in thousandths");
    } else if (fraction > 0 && gpus > 0) {
      read.problem("gpuFraction", `must be empty or 0 beside gpus ${gpus}: a pod has whole GPUs or a part of one`);
    }
    const gpuMilli = gpus > 0 ? 1000 * gpus : Math.round(1000 * fraction);
    const gpuModels = gpuMilli > 0 ? read.models(false) : read.noModels();
    const arrivalSeconds = read.number("arrivalSeconds", { least: 0, most: 1e10 });
    const durationSeconds = read.number("durationSeconds", { above: 0, most: 1e10 });
    if (problems.length > before) continue;
    const pod = { name, cpuMilli, memoryMiB, gpuMilli, gpuModels, arrivalSeconds, durationSeconds };
    unique([pod], names, row.line, source.file, problems);
    pods.push(pod);
  }
  limit(pods.length, MAX_PODS, "pods", source.file, problems);
  return pods;
}

function tableOf(
  { file, text }: NamedText,
  required: readonly string[],
  optional: readonly string[],
  problems: RowProblem[],
): CsvTable {
  let table: CsvTable;
  try {
    table = readCsv(text);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new Failure(`${file} is not CSV: ${error.message}`, "close the quote, or double the ones inside a cell");
  }
  const missing = required.filter((name) => !table.columns.includes(name));
  const unknown = table.columns.filter((name) => ![...required, ...optional].includes(name));
  const twice = table.columns.filter((name, at) => table.columns.indexOf(name) !== at);
  if (missing.length > 0 || unknown.length > 0 || twice.length > 0) {
    const wrong = [
      missing.length > 0 ? `lacks ${missing.join(", ")}` : "",
      unknown.length > 0 ? `has ${unknown.map((name) => JSON.stringify(name)).join(", ")}, which it may not` : "",
      twice.length > 0 ? `has ${twice.join(", ")} twice` : "",
    ].filter((part) => part !== "");
    const allowed = `${required.join(",")}${optional.map((name) => ` and, where wanted, ${name}`).join("")}`;
    throw new Failure(`The first line of ${file} ${wrong.join(", and ")}`, `let it name the columns ${allowed}`);
  }
  if (table.rows.length === 0) problems.push({ file, line: 1, message: "must be followed by at least one row" });
  return table;
}

function limit(count: number, most: number, what: string, file: string, problems: RowProblem[]): void {
  if (count > most) problems.push({ file, line: 1, message: `has ${count} ${what}; ${most} are the most` });
}

function unique(
  entries: readonly { readonly name: string }[],
  names: Map<string, number>,
  line: number,
  file: string,
  problems: RowProblem[],
): void {
  for (const { name } of entries) {
    const first = names.get(name);
    if (first !== undefined) {
      problems.push({ file, line, message: `name: must be unique, and line ${first} has it too (found "${name}")` });
      return;
    }
    names.set(name, line);
  }
}

interface NumberRule {
  readonly least?: number;
  readonly above?: number;
  readonly most: number;
  readonly whole?: boolean;
  /** What an empty cell stands for. @default it must not be empty */
  readonly empty?: number;
}

function reader(file: string, row: CsvRow, problems: RowProblem[]) {
  const width = Object.keys(row.cells).length;
  if (row.width !== width) {
    const message = `must have ${width} cells like the first line, and has ${row.width}`;
    problems.push({ file, line: row.line, message });
  }
  const cell = (column: string) => row.cells[column] ?? "";
  const problem = (column: string, message: string) => {
    problems.push({ file, line: row.line, message: `${column}: ${message} (found ${JSON.stringify(cell(column))})` });
  };
  return {
    problem,
    name(): string {
      if (!NAME.test(cell("name"))) {
        problem("name", "must be up to 232 of a-z, 0-9, '-' and '.', beginning and ending with a letter or digit");
      }
      return cell("name");
    },
    number(column: string, { least, above, most, whole = false, empty }: NumberRule): number {
      const text = cell(column);
      if (text === "" && empty !== undefined) return empty;
      const value = Number(text);
      const low = above === undefined ? value >= (least ?? Number.NEGATIVE_INFINITY) : value > above;
      if (text === "" || !Number.isFinite(value) || !low || value > most || (whole && !Number.isInteger(value))) {
        const from = above === undefined ? `from ${least}` : `above ${above}`;
        problem(column, `must be a ${whole ? "whole number" : "number"} ${from} to ${most}`);
        return Number.NaN;
      }
      return value;
    },
    models(one: boolean): string[] {
      const names = cell("gpuModel") === "" ? [] : cell("gpuModel").split("|");
      const wanted = one ? "one model of GPU, such as H100" : "models of GPUs with | in between, such as H100|H200";
      if (names.some((name) => !MODEL.test(name)) || (one && names.length !== 1)) {
        problem("gpuModel", `must be ${wanted}`);
      }
      return names;
    },
    noModel(): undefined {
      if (cell("gpuModel") !== "") problem("gpuModel", "must be empty where gpus is 0");
    },
    noModels(): string[] {
      if (cell("gpuModel") !== "") problem("gpuModel", "must be empty for a pod without GPUs");
      return [];
    },
  };
}

/** The two files of a trace, as {@link readTrace} reads them. */
export function writeTrace({ nodes, pods }: Trace): { readonly nodes: string; readonly pods: string } {
  return {
    nodes: writeCsv(
      NODE_COLUMNS,
      nodes.map((node) => [node.name, node.cpuMilli / 1000, node.memoryMiB / 1024, node.gpus, node.gpuModel]),
    ),
    pods: writeCsv(
      POD_COLUMNS,
      pods.map((pod) => [
        pod.name,
        pod.cpuMilli / 1000,
        pod.memoryMiB / 1024,
        pod.gpuMilli >= 1000 ? pod.gpuMilli / 1000 : 0,
        pod.gpuMilli < 1000 ? pod.gpuMilli / 1000 : 0,
        pod.gpuModels.join("|"),
        pod.arrivalSeconds,
        pod.durationSeconds,
      ]),
    ),
  };
}

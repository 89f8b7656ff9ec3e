import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Failure } from "../lib/failure.ts";
import { freePort } from "../lib/port.ts";
import { CommandError, run } from "../lib/process.ts";
import type { Report } from "../lib/report.ts";
import { ensureDebianPackages } from "../toolchain/debian.ts";
import { imagePython, PYTHON_PACKAGES, WORKLOADS } from "../toolchain/python.ts";

/** A run of one of the trainer's stages, as its pods would see it; see workloads/CONTRACT.md. */
export interface StageRun {
  readonly stage: "dataset" | "search" | "training" | "compression";
  readonly run: string;
  readonly spec: unknown;
  /** The raw data, for a dataset that is read from files. */
  readonly source?: string;
  /** The dataset run whose splits it reads. */
  readonly dataset?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** @default 1 */
  readonly workers?: number;
}

/** Runs the trainer's stages outside of any container, in one folder, on the packages its image has. */
export class Trainer {
  readonly #python: string;
  readonly #root: string;

  private constructor(python: string, root: string) {
    this.#python = python;
    this.#root = root;
  }

  /** @param root a folder that exists; what the stages leave is below it, and it is the caller's to remove */
  static async in(root: string, report: Report): Promise<Trainer> {
    await ensureDebianPackages(PYTHON_PACKAGES, report);
    const python = await report.step("the trainer's Python packages", () => imagePython("trainer"));
    return new Trainer(python, root);
  }

  /** Where a run's artifacts lie. */
  folderOf(run: string): string {
    return path.join(this.#root, run, "output");
  }

  /** Runs a stage to its end and gives back its result. Every worker has one thread, so that results do not depend on cores. */
  async run<Result>(wanted: StageRun): Promise<Result> {
    const folder = path.join(this.#root, wanted.run);
    mkdirSync(folder, { recursive: true });
    const specFile = path.join(folder, "spec.json");
    writeFileSync(specFile, JSON.stringify(wanted.spec));
    const workers = wanted.workers ?? 1;
    const rendezvous = `127.0.0.1:${await freePort()}`;
    const resultOf = (worker: number) => path.join(folder, `result-${worker}.json`);
    const work = (worker: number) =>
      run(this.#python, ["-m", "millwright_workloads.launch"], {
        env: {
          PYTHONPATH: path.join(WORKLOADS, "trainer"),
          PYTHONDONTWRITEBYTECODE: "1",
          OMP_NUM_THREADS: "1",
          MILLWRIGHT_STAGE: wanted.stage,
          MILLWRIGHT_MODEL: "bench",
          MILLWRIGHT_RUN: wanted.run,
          MILLWRIGHT_SPEC: specFile,
          MILLWRIGHT_INPUT: wanted.dataset === undefined ? folder : this.folderOf(wanted.dataset),
          MILLWRIGHT_OUTPUT: this.folderOf(wanted.run),
          MILLWRIGHT_CHECKPOINT: path.join(folder, "checkpoint"),
          MILLWRIGHT_RESULT: resultOf(worker),
          MILLWRIGHT_PROGRESS: path.join(folder, `progress-${worker}.json`),
          MILLWRIGHT_TERMINATION_LOG: path.join(folder, `termination-${worker}`),
          MILLWRIGHT_WORKERS: String(workers),
          MILLWRIGHT_WORKER_INDEX: String(worker),
          MILLWRIGHT_RENDEZVOUS: rendezvous,
          ...(wanted.source === undefined ? {} : { MILLWRIGHT_SOURCE: wanted.source }),
          ...wanted.env,
        },
      });
    try {
      await Promise.all(Array.from({ length: workers }, (_, worker) => work(worker)));
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      throw new Failure(`The ${wanted.stage} stage failed: ${error.message}`, "mend what the last lines name", {
        cause: error,
      });
    }
    return JSON.parse(readFileSync(resultOf(0), "utf8")) as Result;
  }
}

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Report } from "../lib/report.ts";
import { curveOf, type Trial } from "./curves.ts";
import type { BenchOptions, Part } from "./part.ts";
import { renderPlot } from "./plot.ts";
import { startPostgres } from "./postgres.ts";
import { type Comparison, compare, plotOf, renderComparison } from "./search-comparison.ts";
import { gridOf, type Space } from "./search-space.ts";
import { sideBySide } from "./side-by-side.ts";
import { Trainer } from "./stage.ts";

/** scikit-learn's digits, of which more than usual are for validation: the value that is searched for is measured there. */
const DATASET = { format: "digits", split: { train: 0.6, validation: 0.2, test: 0.2, seed: 17 } };
const LABELS = Array.from({ length: 10 }, (_, digit) => String(digit));
const EPOCHS = 6;

const NETWORK = { kind: "image-cnn", channels: 16, deepChannels: 32, dropout: 0.3 };

const SPACE: Space = {
  learningRate: { kind: "float", low: 0.0001, high: 1, log: true },
  batchSize: { kind: "categorical", choices: [16, 32, 64, 128] },
  "network.channels": { kind: "integer", low: 2, high: 32, log: true },
  "network.deepChannels": { kind: "integer", low: 2, high: 64, log: true },
  "network.dropout": { kind: "float", low: 0, high: 0.8 },
};

/** 48 points: all of them in the default number of trials. */
const GRID = gridOf(SPACE, {
  learningRate: 3,
  batchSize: 2,
  "network.channels": 2,
  "network.deepChannels": 2,
  "network.dropout": 2,
});

/** In the order of their curves. Only `tpe` stops trials early: the others would not learn from it where to look. */
const ALGORITHMS = [
  { algorithm: "tpe", pruner: "median", space: SPACE },
  { algorithm: "random", pruner: "none", space: SPACE },
  { algorithm: "grid", pruner: "none", space: GRID },
] as const;

export const search: Part = {
  name: "search",
  measures: "best validation loss against trials: tpe with the median pruner, random and grid, over several seeds",
  async run(options, report) {
    const curves = await searchAll(options, report);
    const comparison = compare(curves, "random");
    const file = path.join(options.figures, "search.svg");
    mkdirSync(options.figures, { recursive: true });
    writeFileSync(file, renderPlot(plotOf(comparison)));
    report.line(`wrote ${file}`);
    return { text: renderComparison(comparison), json: { space: SPACE, grid: GRID, epochs: EPOCHS, ...comparison } };
  },
};

/** Searches at a time: what each finds depends on its seed alone, so more only take more memory, 300 MiB each. */
const SIDE_BY_SIDE = 8;

/** Searches as the search stage's Jobs do: its own process, with the studies in a real PostgreSQL. */
async function searchAll({ trials, seeds }: BenchOptions, report: Report): Promise<Comparison["searches"]> {
  const root = mkdtempSync(path.join(tmpdir(), "millwright-bench-"));
  try {
    const trainer = await Trainer.in(root, report);
    await report.step("dataset", () => trainer.run({ stage: "dataset", run: "dataset", spec: DATASET }));
    const postgres = await report.step("PostgreSQL", startPostgres);
    try {
      const wanted = Array.from({ length: seeds }, (_, at) => at + 1).flatMap((seed) =>
        ALGORITHMS.map((each) => ({ ...each, seed })),
      );
      const curves = await sideBySide(SIDE_BY_SIDE, wanted, ({ algorithm, pruner, space, seed }) =>
        report.step(`${algorithm}, seed ${seed} of ${seeds}`, async () => {
          const run = `search-${algorithm}-${seed}`;
          const drawing = { algorithm, pruner, trials, seed, space, objectives: [OBJECTIVE] };
          // The seed of the training, too: a grid draws nothing else.
          const training = { epochs: EPOCHS, batchSize: 32, learningRate: 0.01, seed, network: NETWORK };
          await trainer.run({
            stage: "search",
            run,
            spec: { search: drawing, training, task: "image-classification", labels: LABELS },
            dataset: "dataset",
            env: { ...postgres.env, MILLWRIGHT_STUDY: run },
          });
          const file = path.join(trainer.folderOf(run), "trials.json");
          return curveOf((JSON.parse(readFileSync(file, "utf8")) as { trials: Trial[] }).trials);
        }),
      );
      return ALGORITHMS.map(({ algorithm, pruner }) => ({
        algorithm,
        pruner,
        curves: curves.filter((_, at) => wanted[at]!.algorithm === algorithm),
      }));
    } finally {
      await postgres.stop();
    }
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

const OBJECTIVE = { metric: "validationLoss", direction: "minimize" } as const;

import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Failure } from "../lib/failure.ts";
import type { Part } from "./part.ts";
import { type Plot, renderPlot } from "./plot.ts";

/** When the number of servers became what it was from then on. */
export type Step = readonly [seconds: number, servers: number];

export const autoscaling: Part = {
  name: "autoscaling",
  measures: "nothing: draws the servers over time that tests/integration/autoscaling.test.ts prints, from --steps",
  async run({ steps, figures }, report) {
    if (steps === undefined) {
      throw new Failure(
        "There is nothing to draw",
        `give --steps "0 s: 0, 2 s: 1, ..." as npm test -- integration --grep autoscaling prints it`,
      );
    }
    const found = parseSteps(steps);
    const file = path.join(figures, "autoscaling.svg");
    mkdirSync(figures, { recursive: true });
    writeFileSync(file, renderPlot(plotOf(found)));
    report.line(`wrote ${file}`);
    return { text: `${file}: ${found.length} steps`, json: { steps: found } };
  },
};

/** Reads `0 s: 0, 4 s: 1, ...`. */
export function parseSteps(text: string): Step[] {
  const steps = text.split(",").map((part): Step => {
    const [, seconds, servers] = /^\s*(\d+(?:\.\d+)?) s: (\d+)\s*$/.exec(part) ?? [];
    if (seconds === undefined || servers === undefined) {
      throw new Failure(`--steps has "${part.trim()}", which is no time with a number of servers`, 'write "4 s: 1"');
    }
    return [Number(seconds), Number(servers)];
  });
  const backward = steps.find(([seconds], at) => seconds <= (steps[at - 1]?.[0] ?? -1));
  if (backward !== undefined) {
    throw new Failure(`--steps goes back in time at "${backward[0]} s"`, "give the steps in their order");
  }
  return steps;
}

export function plotOf(steps: readonly Step[]): Plot {
  return {
    title: "Autoscaling: servers under a load that comes and goes",
    xLabel: "seconds since the load began",
    yLabel: "servers",
    shape: "steps",
    yFrom: 0,
    series: [{ name: "servers", points: steps }],
  };
}

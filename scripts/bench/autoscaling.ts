import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Failure } from "../lib/failure.ts";
import { StackCopy } from "../lib/stack-copy.ts";
import { withStackCopy } from "./copied-stack.ts";
import type { Part } from "./part.ts";
import { type Plot, renderPanels } from "./plot.ts";
import {
  becomeScaled,
  describeSteps,
  IDLE_SECONDS,
  isPodless,
  LOAD_PER_SECOND,
  type Sample,
  SCALED_MODEL,
  stepLoad,
} from "./scaled-model.ts";

export const autoscaling: Part = {
  name: "autoscaling",
  measures: "servers and requests under way over time, of a sleeping model under a load that begins and ends at once",
  run: ({ figures }, report) =>
    withStackCopy(new StackCopy({ name: "bench", tracking: false }), report, async (stack) => {
      await becomeScaled(stack);
      await report.step("bring the model up", () => stack.up());
      const model = (await stack.status()).models.find(({ name }) => name === SCALED_MODEL);
      const endpoint = model?.endpoint;
      if (endpoint == null) throw new Failure(`The model does not serve: ${model?.reason}`, "see npm run status");
      await report.step("wait until it sleeps", async () => {
        for (const end = Date.now() + (IDLE_SECONDS + 180) * 1000; !(await isPodless(stack)); await sleep(1000)) {
          if (Date.now() > end) throw new Failure("The model does not fall asleep", "see npm run status");
        }
      });
      const { samples, requests, failures } = await report.step("the load", () => stepLoad(stack, endpoint));
      const file = path.join(figures, "autoscaling.svg");
      mkdirSync(figures, { recursive: true });
      writeFileSync(file, renderPanels(plotsOf(samples)));
      report.line(`wrote ${file}`);
      const most = Math.max(...samples.map(({ underWay }) => underWay));
      const text =
        `${LOAD_PER_SECOND} requests/s, ${requests} in all, ${failures.length} failed; most under way at once: ${most}. ` +
        `Servers: ${describeSteps(samples)}`;
      return { text, json: { requestsPerSecond: LOAD_PER_SECOND, requests, failures, samples } };
    }),
};

/** The servers above, the requests below. */
export function plotsOf(samples: readonly Sample[]): Plot[] {
  const points = (of: (sample: Sample) => number) => samples.map((sample) => [sample.seconds, of(sample)] as const);
  const common = { xLabel: "seconds since the load began", shape: "steps", yFrom: 0 } as const;
  return [
    {
      ...common,
      title: "Autoscaling: a load that begins and ends at once",
      yLabel: "servers",
      series: [
        { name: "wanted", points: points(({ wanted }) => wanted) },
        { name: "ready", points: points(({ ready }) => ready) },
      ],
    },
    {
      ...common,
      title: "Requests under way",
      yLabel: "requests under way",
      series: [{ name: "requests", points: points(({ underWay }) => underWay) }],
    },
  ];
}

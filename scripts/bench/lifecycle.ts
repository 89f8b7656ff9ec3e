import { mkdirSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { RUN_LABEL } from "../../components/core/labels.ts";
import { type ClusterConnection, clusterConnection, kubeconfigOf } from "../../components/lifecycle/cluster.ts";
import type { Report } from "../lib/report.ts";
import { StackCopy } from "../lib/stack-copy.ts";
import { LOCAL, recordsOf, withStackCopy } from "./copied-stack.ts";
import { renderGantt } from "./gantt.ts";
import type { Part } from "./part.ts";
import { renderTimeline, type Seen, timelineOf } from "./timeline.ts";

const POLL_MS = 1000;

const jobTimes = z.object({
  kind: z.literal("JobList"),
  items: z.array(
    z.object({
      metadata: z.object({ labels: z.looseObject({ [RUN_LABEL]: z.string() }), creationTimestamp: z.iso.datetime() }),
    }),
  ),
});

export const lifecycle: Part = {
  name: "lifecycle",
  measures: "one `npm run up` of a copy of stack local, from nothing to stable: what every stage of every model took",
  run: ({ figures }, report) =>
    withStackCopy(new StackCopy({ name: "bench" }), report, async (stack) => {
      const timeline = timelineOf(await watched(stack, report));
      const file = path.join(figures, "lifecycle.svg");
      mkdirSync(figures, { recursive: true });
      writeFileSync(file, renderGantt("One npm run up, from nothing to stable", timeline));
      report.line(`wrote ${file}`);
      return { text: renderTimeline(timeline), json: timeline };
    }),
};

/** One `up` of a stack, its progress and the Jobs it made, which are gone at its end. */
async function watched(stack: StackCopy, report: Report): Promise<Seen> {
  const lines: { at: number; text: string }[] = [];
  const jobs = new Map<string, number>();
  const ended = new AbortController();
  const watch = watchJobs(stack, jobs, report, ended.signal, () =>
    lines.some(({ text }) => text.includes("pulumi up, round")),
  );
  const began = Date.now();
  try {
    await report.step("npm run up", (note) =>
      stack.up([], (text) => {
        lines.push({ at: Date.now(), text });
        if (text.startsWith("✓ ")) note(text.slice(2, 70));
      }),
    );
  } finally {
    ended.abort();
  }
  const end = Date.now();
  report.line(
    `load average ${os
      .loadavg()
      .map((load) => load.toFixed(1))
      .join(", ")}`,
  );
  await watch;
  return { began, ended: end, lines, jobs, records: await recordsOf(stack), models: stack.models() };
}

/** Notes when each Job was made, from when the datacenter runs until it is told to end. */
async function watchJobs(
  stack: StackCopy,
  jobs: Map<string, number>,
  report: Report,
  ended: AbortSignal,
  datacenterRuns: () => boolean,
): Promise<void> {
  const jobsPath = `/apis/batch/v1/namespaces/${stack.namespace}/jobs`;
  let connection: ClusterConnection | undefined;
  while (!ended.aborted) {
    await sleep(POLL_MS, undefined, { signal: ended }).catch(() => {});
    if (!datacenterRuns()) continue;
    try {
      connection ??= await clusterConnection(kubeconfigOf(LOCAL));
      const list = jobTimes.parse(await connection.get(`${jobsPath}?labelSelector=${RUN_LABEL}`));
      for (const { metadata } of list.items) {
        jobs.set(metadata.labels[RUN_LABEL], Date.parse(metadata.creationTimestamp));
      }
    } catch (error) {
      // The next look makes up for it; a Job that none of them saw is missed where its record is read.
      report.line(`the Jobs could not be read: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  connection?.close();
}

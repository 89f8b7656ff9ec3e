import { startControlPlane } from "../cluster/control-plane.ts";
import type { Report } from "../lib/report.ts";
import { ensureTools } from "../toolchain/ensure.ts";
import { countRequests, linesSince, logEnd } from "./audit.ts";
import { configMaps } from "./objects.ts";
import type { Part } from "./part.ts";
import { type Measurement, renderTable } from "./pulumi-table.ts";
import { createBenchStack, createKubectl } from "./stack.ts";

/**
 * Ways to run the engine: how it keeps its state decides its speed. The first is how `npm run up` runs it for a stack of
 * Kubernetes alone; with the whole state written at each step, more than some hundred objects take minutes.
 */
const PULUMI = [
  {
    tool: "pulumi up --refresh, no checkpoints",
    checkpoints: false,
    flags: ["--refresh"],
    most: Number.POSITIVE_INFINITY,
  },
  { tool: "pulumi up --refresh", checkpoints: true, flags: ["--refresh"], most: 500 },
] as const;

/**
 * Steps: cold (nothing is there yet), no-op (nothing has changed), one field (one value of one object has changed). Requests
 * are counted from the API server's audit log.
 */
export const pulumi: Part = {
  name: "pulumi",
  measures: "how long plain objects take to converge, by Pulumi with the official provider and by kubectl",
  async run({ objects }, report) {
    await ensureTools(["pulumi", "pulumi-kubernetes", "kubernetes", "etcd"], report);
    const sizes: { objects: number; measurements: Measurement[] }[] = [];
    for (const count of objects) sizes.push({ objects: count, measurements: await measureAll(count, report) });
    const text = sizes.map((size) => `${size.objects} objects\n\n${renderTable(size.measurements)}`).join("\n\n");
    return { text, json: sizes };
  },
};

async function measureAll(count: number, report: Report): Promise<Measurement[]> {
  const plane = await report.step("control plane", () => startControlPlane());
  const measurements: Measurement[] = [];
  const measure = async (step: string, tool: string, namespace: string, work: () => Promise<unknown>) => {
    const position = logEnd(plane.auditLogPath);
    const started = performance.now();
    await report.step(`${tool}: ${step}`, work);
    const seconds = (performance.now() - started) / 1000;
    measurements.push({
      step,
      tool,
      seconds,
      requests: countRequests(linesSince(plane.auditLogPath, position), namespace),
    });
  };
  try {
    const kubectl = createKubectl(plane.kubeconfigPath);
    await kubectl.createNamespace("by-kubectl");
    const wanted = (changed: boolean) => configMaps({ namespace: "by-kubectl", count, changed });
    await measure("cold", "kubectl apply", "by-kubectl", () => kubectl.apply(wanted(false)));
    await measure("no-op", "kubectl apply", "by-kubectl", () => kubectl.apply(wanted(false)));
    await measure("no-op", "kubectl diff", "by-kubectl", () => kubectl.diff(wanted(false)));
    await measure("one field", "kubectl diff", "by-kubectl", () => kubectl.diff(wanted(true)));
    await measure("one field", "kubectl apply", "by-kubectl", () => kubectl.apply(wanted(true)));

    for (const [index, { tool, checkpoints, flags }] of PULUMI.filter(({ most }) => count <= most).entries()) {
      const namespace = `by-pulumi-${index}`;
      await kubectl.createNamespace(namespace);
      const stack = await createBenchStack(plane.kubeconfigPath, checkpoints);
      try {
        const up = (changed: boolean) => stack.up(configMaps({ namespace, count, changed }), flags);
        await measure("cold", tool, namespace, () => up(false));
        await measure("no-op", tool, namespace, () => up(false));
        await measure("one field", tool, namespace, () => up(true));
      } finally {
        await stack.dispose();
      }
    }
  } finally {
    await plane.stop();
  }
  const order = ["cold", "no-op", "one field"];
  return measurements.sort((left, right) => order.indexOf(left.step) - order.indexOf(right.step));
}

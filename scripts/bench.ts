import { parseArgs } from "node:util";
import { countRequests, linesSince, logEnd } from "./bench/audit.ts";
import { configMaps } from "./bench/objects.ts";
import { createBenchStack, createKubectl } from "./bench/stack.ts";
import { type Measurement, renderTable } from "./bench/table.ts";
import { startControlPlane } from "./cluster/control-plane.ts";
import { Failure, runMain } from "./lib/failure.ts";
import { report } from "./lib/report.ts";
import { ensureTools } from "./toolchain/ensure.ts";

const HELP = `Measures how long plain objects take to converge, by Pulumi with this repository's plugins and by kubectl, side by
side against a control plane of its own (free ports, a temporary folder; the local datacenter is left alone).

  npm run bench                     500 ConfigMaps in one namespace
  npm run bench -- --objects N      N of them, 1 to 10000
  npm run -s bench -- --json        one JSON object on stdout, progress on stderr

Steps: cold (nothing is there yet), no-op (nothing has changed), one field (one value of one object has changed).
Requests are counted from the API server's audit log.
`;

/** Ways to run the engine: how it keeps its state decides its speed. */
const PULUMI = [
  { tool: "pulumi up", checkpoints: true, flags: [] },
  { tool: "pulumi up --refresh", checkpoints: true, flags: ["--refresh"] },
  { tool: "pulumi up, no checkpoints", checkpoints: false, flags: [] },
] as const;

await runMain(async () => {
  const { objects, json, help } = readOptions();
  if (help) {
    process.stdout.write(HELP);
    return 0;
  }
  await ensureTools(["pulumi", "kubernetes", "etcd"], report);
  const measurements = await measureAll(objects);
  process.stdout.write(json ? `${JSON.stringify({ objects, measurements })}\n` : `${renderTable(measurements)}\n`);
  return 0;
});

async function measureAll(count: number): Promise<Measurement[]> {
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

    for (const [index, { tool, checkpoints, flags }] of PULUMI.entries()) {
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

function readOptions(): { objects: number; json: boolean; help: boolean } {
  const values = parse();
  const text = values.objects ?? "500";
  const objects = Number(text);
  if (!Number.isInteger(objects) || objects < 1 || objects > 10_000) {
    throw new Failure(`--objects ${text} is not a whole number from 1 to 10000`, "name one, e.g. --objects 500");
  }
  return { objects, json: values.json === true, help: values.help === true };
}

function parse() {
  try {
    return parseArgs({
      options: { objects: { type: "string" }, json: { type: "boolean" }, help: { type: "boolean", short: "h" } },
    }).values;
  } catch (error) {
    throw new Failure(error instanceof Error ? error.message : String(error), "see npm run bench -- --help");
  }
}

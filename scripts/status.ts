import { plan as planFor } from "../components/lifecycle/plan.ts";
import { datacenterEnvironment } from "./cluster/environment.ts";
import { clusterReferenceOf } from "./converge/cluster-reference.ts";
import { loadStackFile, parseOptions, STACK_HELP, STACK_OPTIONS, stackArguments } from "./lib/command-line.ts";
import { runMain } from "./lib/failure.ts";
import { Observer } from "./status/observer.ts";
import { renderStatus } from "./status/report.ts";
import { readSimulatedStatus, renderSimulatedStatus } from "./status/simulated.ts";

const HELP = `Shows the nodes, the stage of each model, its test metrics and its endpoint; of a simulated cluster its pools, jobs and
interruptions. Reads only.

  npm run status                the stack "local"
  npm run status -- <stack>     another stack
${STACK_HELP}

Exit code 0: the cluster was read; 1: it could not be, or the stack file is wrong.
`;

async function main(): Promise<number> {
  const { values, positionals } = parseOptions({ allowPositionals: true, options: STACK_OPTIONS });
  if (values.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  const stack = await loadStackFile(stackArguments(positionals, values["stack-file"]));
  if (stack.platform.cluster.kind === "simulated") {
    const status = await readSimulatedStatus(stack);
    process.stdout.write(values.json === true ? `${JSON.stringify(status)}\n` : renderSimulatedStatus(status));
    return 0;
  }
  const observer = new Observer(stack, () =>
    clusterReferenceOf(stack, () => ({ ...process.env, ...datacenterEnvironment() })),
  );
  const report = await observer.status(planFor(stack, await observer.observe()));
  process.stdout.write(values.json === true ? `${JSON.stringify(report)}\n` : renderStatus(report));
  return 0;
}

await runMain(main);

import { parseArgs } from "node:util";
import { stopSimulated } from "./cluster/simulated.ts";
import { stopCluster } from "./cluster/stop.ts";
import { Failure, runMain } from "./lib/failure.ts";
import { formatElapsed, report } from "./lib/report.ts";
import { cacheRoot, stateRoot } from "./lib/roots.ts";

const HELP = `Stops the local datacenter: pods, processes, mounts, interfaces and firewall chains; and the simulated cluster.

  npm run down               the next start goes on with the same state
  npm run down -- --purge    also removes the state: ${stateRoot()}

What was built (${cacheRoot()}) stays. Stopping what does not run is no error.
`;

async function main(): Promise<number> {
  const { help, purge } = readOptions();
  if (help) {
    process.stdout.write(HELP);
    return 0;
  }
  const started = Date.now();
  const simulated = await stopSimulated(report, { purge });
  const { stopped, purged } = await stopCluster(report, { purge });
  const state = purged ? `${stateRoot()} is removed` : `the state stays in ${stateRoot()}`;
  if (simulated.length > 0) {
    report.line(`Stopped ${simulated.join(", ")} of the simulated cluster.`);
  }
  report.line(
    stopped.length === 0
      ? `The local datacenter was not running; ${state}.`
      : `Stopped ${stopped.join(", ")} in ${formatElapsed(Date.now() - started)}; ${state}.`,
  );
  return 0;
}

function readOptions(): { help: boolean; purge: boolean } {
  try {
    const { values } = parseArgs({ options: { help: { type: "boolean", short: "h" }, purge: { type: "boolean" } } });
    return { help: values.help === true, purge: values.purge === true };
  } catch (error) {
    throw new Failure(error instanceof Error ? error.message : String(error), "see --help");
  }
}

await runMain(main);

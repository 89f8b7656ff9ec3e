import { parseArgs } from "node:util";
import { datacenterEnvironment, renderExports } from "./cluster/environment.ts";
import { Failure, runMain } from "./lib/failure.ts";

const HELP = `Prints the variables by which plain pulumi, kubectl and docker mean the local datacenter.

  eval "$(npm run -s env)"

Pulumi asks for no passphrase then: the local stack holds no secrets, so its is empty.
`;

await runMain(async () => {
  const { help } = readOptions();
  process.stdout.write(help ? HELP : renderExports(datacenterEnvironment()));
  return 0;
});

function readOptions(): { help: boolean } {
  try {
    const { values } = parseArgs({ options: { help: { type: "boolean", short: "h" } } });
    return { help: values.help === true };
  } catch (error) {
    throw new Failure(error instanceof Error ? error.message : String(error), "see --help");
  }
}

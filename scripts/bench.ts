import path from "node:path";
import { autoscaling } from "./bench/autoscaling.ts";
import { canary } from "./bench/canary.ts";
import { compression } from "./bench/compression.ts";
import { lifecycle } from "./bench/lifecycle.ts";
import { loop } from "./bench/loop.ts";
import type { BenchOptions, Part, PartResult } from "./bench/part.ts";
import { pulumi } from "./bench/pulumi.ts";
import { search } from "./bench/search.ts";
import { simulated } from "./bench/simulated.ts";
import { parseOptions, REPOSITORY_ROOT } from "./lib/command-line.ts";
import { Failure, runMain } from "./lib/failure.ts";
import { report } from "./lib/report.ts";

/** Those that run when none is named. */
const MEASURED: readonly Part[] = [pulumi, search, compression];
/** Those that use the machine's local datacenter, and bring it up where it does not run. */
const ON_THE_DATACENTER: readonly Part[] = [lifecycle, autoscaling, canary];
const PARTS: readonly Part[] = [...MEASURED, simulated, loop, ...ON_THE_DATACENTER];

const HELP = `Measures parts of this repository. The parts ${listed(MEASURED)} have servers of their own on free ports and in a
temporary folder; ${listed(ON_THE_DATACENTER)} use the machine's local datacenter, with a stack of their own that they remove.

  npm run bench                       those that leave the datacenter alone: ${listed(MEASURED)}
  npm run bench -- search             only these parts, one after the other
  npm run -s bench -- pulumi --json   one JSON object on stdout; progress is on stderr anyway

Parts:
${PARTS.map(({ name, measures }) => `  ${name.padEnd(12)} ${measures}`).join("\n")}

  --objects N,...  pulumi: numbers of ConfigMaps in one namespace, 1 to 10000 each; 500 by default
  --trials N       search: trials of each search, 2 to 1000; 48 by default, which is all of the grid
  --seeds N        search: searches by each algorithm, 1 to 100; 5 by default
  --steps TEXT     autoscaling: such as "0 s: 0, 2 s: 1", from npm test -- integration --grep autoscaling
  --stacks NAMES   simulated: stacks with simulated clusters; simulated,simulated-large by default
  --figures DIR    where plots are written; docs/figures by default
  --json           one JSON object, a member a part
  --help           this text
`;

await runMain(async () => {
  const { positionals, values } = parseOptions({
    allowPositionals: true,
    options: {
      objects: { type: "string" },
      trials: { type: "string" },
      seeds: { type: "string" },
      stacks: { type: "string" },
      figures: { type: "string" },
      json: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  const parts = chosen(positionals);
  const options: BenchOptions = {
    objects: (values.objects ?? "500").split(",").map((text) => wholeNumber("objects", text, 1, 10_000)),
    trials: wholeNumber("trials", values.trials ?? "48", 2, 1000),
    seeds: wholeNumber("seeds", values.seeds ?? "5", 1, 100),
    stacks: (values.stacks ?? "simulated,simulated-large").split(","),
    figures: path.resolve(values.figures ?? path.join(REPOSITORY_ROOT, "docs/figures")),
  };
  const results: [Part, PartResult][] = [];
  for (const part of parts) {
    const result = await part.run(options, report);
    results.push([part, result]);
    if (values.json !== true) {
      process.stdout.write(`${parts.length > 1 ? `\n${part.name}\n\n` : ""}${result.text}\n`);
    }
  }
  if (values.json === true) {
    const all = Object.fromEntries(results.map(([{ name }, { json }]) => [name, json]));
    process.stdout.write(`${JSON.stringify(all)}\n`);
  }
  return 0;
});

function listed(parts: readonly Part[]): string {
  return parts.map(({ name }) => name).join(", ");
}

function chosen(names: readonly string[]): readonly Part[] {
  const unknown = names.filter((name) => !PARTS.some((part) => part.name === name));
  if (unknown.length > 0) {
    throw new Failure(
      `There is no part ${unknown.join(", ")}`,
      `name some of: ${PARTS.map(({ name }) => name).join(", ")}`,
    );
  }
  return names.length === 0 ? MEASURED : PARTS.filter(({ name }) => names.includes(name));
}

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const number = Number(text);
  if (text.trim() === "" || !Number.isInteger(number) || number < least || number > most) {
    throw new Failure(
      `--${name} ${text} is not a whole number from ${least} to ${most}`,
      `name one, e.g. --${name} ${most}`,
    );
  }
  return number;
}

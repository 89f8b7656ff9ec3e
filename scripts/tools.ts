import { parseArgs } from "node:util";
import { Failure, runMain } from "./lib/failure.ts";
import { cacheRoot } from "./lib/roots.ts";
import { DEBIAN_PACKAGES, type DebianPackageName, missingPackages } from "./toolchain/debian.ts";
import { ensureTools, isPresent, originOf } from "./toolchain/ensure.ts";
import { TOOL_NAMES, TOOLS, type ToolName } from "./toolchain/tools.ts";

const HELP = `Lists the tools that the scripts use, or installs some of them.

  npm run tools                      versions, and which are here
  npm run tools -- kubernetes etcd   installs these, if they are not here

Tools: ${TOOL_NAMES.join(", ")}. They are kept in ${cacheRoot()}/tools.
A tool is taken from PATH where its version fits, else from its project's own download where that answers, else built.
`;

async function list(): Promise<string> {
  const rows = await Promise.all(
    TOOL_NAMES.map(async (name) => {
      const place = (await isPresent(name)) ? (originOf(name) ?? "") : "not here";
      return [name, TOOLS[name].version, place, TOOLS[name].purpose] as const;
    }),
  );
  const names = Object.keys(DEBIAN_PACKAGES) as DebianPackageName[];
  const missing = missingPackages(names);
  const debian = names.map((name) => (missing.includes(name) ? `${name} (not here)` : name));
  const columns = (row: readonly string[]) =>
    `${row[0]?.padEnd(12)} ${row[1]?.padEnd(9)} ${row[2]?.padEnd(9)} ${row[3]}`;
  return [
    columns(["tool", "version", "from", "for"]),
    ...rows.map(columns),
    "",
    `Debian packages: ${debian.join(", ")}`,
    "",
  ].join("\n");
}

await runMain(async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { help: { type: "boolean", short: "h" } },
  });
  if (values.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  const unknown = positionals.filter((name) => !TOOL_NAMES.includes(name as ToolName));
  if (unknown.length > 0) {
    throw new Failure(`There is no tool ${unknown.join(", ")}`, `name some of: ${TOOL_NAMES.join(", ")}`);
  }
  await ensureTools(positionals as ToolName[]);
  process.stdout.write(await list());
  return 0;
});

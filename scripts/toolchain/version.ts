import { run } from "../lib/process.ts";
import { toolPath } from "../lib/roots.ts";
import { TOOLS, type ToolName } from "./tools.ts";

/** The first dotted number in a text, such as `1.26.8` in "go version go1.26.8 linux/amd64". */
export function versionIn(text: string): string | undefined {
  return /\d+\.\d+(\.\d+)?/.exec(text)?.[0];
}

/** Whether version `a` is `b` or newer; both are dotted numbers. */
export function atLeast(a: string, b: string): boolean {
  const [left, right] = [a, b].map((version) => version.split(".").map(Number)) as [number[], number[]];
  for (let place = 0; place < Math.max(left.length, right.length); place++) {
    const difference = (left[place] ?? 0) - (right[place] ?? 0);
    if (difference !== 0) {
      return difference > 0;
    }
  }
  return true;
}

/** The version of a module in what `go version -m` says of a binary built from it. */
export function moduleVersionIn(text: string, module: string): string | undefined {
  const line = text.split("\n").find((each) => each.trim().split("\t")[1] === module);
  return line === undefined ? undefined : versionIn(line.slice(line.indexOf(module) + module.length));
}

/** What a tool's binary says its version is. Rejects with a CommandError when it cannot be run. */
export async function askVersion(name: ToolName, binary: string): Promise<string | undefined> {
  const { check } = TOOLS[name];
  if ("module" in check) {
    const { stdout } = await run(toolPath("go"), ["version", "-m", binary], { timeoutSeconds: 60 });
    return moduleVersionIn(stdout, check.module);
  }
  const { args } = check;
  const env = { PULUMI_SKIP_UPDATE_CHECK: "true", GOTOOLCHAIN: "local" };
  const { stdout, stderr } = await run(binary, args, { timeoutSeconds: 60, env });
  return versionIn(stdout) ?? versionIn(stderr);
}

/** Whether a version found on PATH serves instead of the pinned one. */
export function serves(name: ToolName, version: string | undefined): boolean {
  const { onPath, version: pinned } = TOOLS[name];
  if (onPath === undefined || version === undefined) {
    return false;
  }
  return onPath === "exact" ? version === pinned : atLeast(version, onPath.atLeast);
}

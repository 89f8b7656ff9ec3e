import type { PlacementKind } from "../../../components/compute/scheduler-profile.ts";
import { Failure } from "../../lib/failure.ts";
import { SYNTHETIC_DEFAULTS, type SyntheticOptions } from "./synthetic.ts";

/** Names of scheduler profiles on the command line, and what each is in a stack file. */
export const PROFILES: Readonly<Record<string, PlacementKind>> = { default: "spread", pack: "pack" };

/** The profiles that `--profile`, given any number of times, names; `all` is all. @default all */
export function profilesOf(names: readonly string[] | undefined): string[] {
  const known = Object.keys(PROFILES);
  const wanted = names === undefined || names.length === 0 ? ["all"] : names.flatMap((name) => name.split(","));
  const unknown = wanted.filter((name) => name !== "all" && !known.includes(name));
  if (unknown.length > 0) {
    throw new Failure(`There is no profile ${unknown.join(", ")}`, `name some of: ${known.join(", ")}, all`);
  }
  return known.filter((name) => wanted.includes("all") || wanted.includes(name));
}

const RULES: Readonly<Record<keyof SyntheticOptions, { least: number; most: number; whole: boolean }>> = {
  nodes: { least: 1, most: 20_000, whole: true },
  pods: { least: 1, most: 1_000_000, whole: true },
  seed: { least: 0, most: Number.MAX_SAFE_INTEGER, whole: true },
  load: { least: 0.01, most: 10, whole: false },
  constrained: { least: 0, most: 1, whole: false },
  partial: { least: 0, most: 0.99, whole: false },
  multiGpu: { least: 0, most: 0.99, whole: false },
};

/**
 * `nodes=300,pods=5000,seed=17` and the like; what is left out is as in {@link SYNTHETIC_DEFAULTS}.
 *
 * @throws Failure that names every part that is wrong
 */
export function syntheticOptions(text: string): SyntheticOptions {
  const options = { ...SYNTHETIC_DEFAULTS };
  const problems: string[] = [];
  for (const part of text.split(",").filter((each) => each.trim() !== "")) {
    const [name = "", value = ""] = part.split("=").map((each) => each.trim());
    if (!Object.hasOwn(RULES, name)) {
      problems.push(`${part}: must be one of ${Object.keys(RULES).join(", ")}, with = and a number`);
      continue;
    }
    const key = name as keyof SyntheticOptions;
    const { least, most, whole } = RULES[key];
    const number = Number(value);
    if (value === "" || !(number >= least && number <= most) || (whole && !Number.isInteger(number))) {
      problems.push(`${part}: must be a ${whole ? "whole number" : "number"} from ${least} to ${most}`);
    } else {
      options[key] = number;
    }
  }
  if (problems.length > 0) {
    throw new Failure(`--synthetic ${text} cannot be read:\n  ${problems.join("\n  ")}`, "mend it; see --help");
  }
  return options;
}

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { getProject, getStack, Output, type Resource, type ResourceTransformation, runtime } from "@pulumi/pulumi";
import { identityOf, type ObjectIdentity } from "./identity.ts";
import { aliasOf, type DeclaredResource, judge, type Known, type KnownResource, knownOf, UNKNOWN } from "./judge.ts";
import { type RunObject, readRunObjects, writeRunObjects } from "./objects.ts";
import { GUARD_VARIABLES } from "./variables.ts";

/** Compares what the program declares with the state, as its resources are made. */
export interface Guard {
  /**
   * Called when all is declared, in the same turn of the event loop: nothing has been sent to the engine by then. Ends the
   * process where the run would lose something.
   */
  check(): void;
}

/**
 * Stands between the program and the engine: a resource that declares the object of a resource that is gone becomes its
 * alias, and a program whose run would delete what serves, runs or holds data is ended before its first resource is sent.
 */
export function guardStack(env: NodeJS.ProcessEnv = process.env): Guard {
  const known = knownOf(readState(env));
  const declared: DeclaredResource[] = [];
  const madeOnce: ObjectIdentity[] = [];
  const transformation: ResourceTransformation = ({ type, name, props, opts }) => {
    if (!type.startsWith("kubernetes:")) return undefined;
    const inputs = plain(props);
    const identity = identityOf(type, inputs);
    if (identity === undefined) return undefined;
    const ignoreChanges = (opts as { ignoreChanges?: string[] }).ignoreChanges ?? [];
    const resource = { urn: urnOf(type, name, opts.parent), type, inputs, ignoreChanges };
    declared.push(resource);
    if (identity.kind === "Secret" && ignoreChanges.includes("data")) madeOnce.push(identity);
    const alias = aliasOf(resource, known);
    return alias === undefined ? undefined : { props, opts: { ...opts, aliases: [...(opts.aliases ?? []), alias] } };
  };
  runtime.registerStackTransformation(transformation);
  return { check: () => settle(declared, madeOnce, known, env) };
}

function settle(
  declared: readonly DeclaredResource[],
  madeOnce: readonly ObjectIdentity[],
  known: Known,
  env: NodeJS.ProcessEnv,
): void {
  const allowed = new Set((env[GUARD_VARIABLES.replace] ?? "").split("\n").filter((line) => line !== ""));
  const problems = judge(declared, known, allowed);
  if (problems.length > 0) refuse(problems, env[GUARD_VARIABLES.refusal]);
  const file = env[GUARD_VARIABLES.objects];
  if (file === undefined || runtime.isDryRun()) return;
  const once = new Set(madeOnce);
  const objects = declared.flatMap(({ type, inputs }): RunObject[] => {
    const identity = identityOf(type, inputs);
    return identity === undefined ? [] : [{ ...identity, ...(hasIdentity(once, identity) ? { madeOnce: true } : {}) }];
  });
  const before = readRunObjects(file);
  writeRunObjects(file, { open: true, objects: [...(before?.objects ?? []), ...objects] });
}

function hasIdentity(set: ReadonlySet<ObjectIdentity>, { kind, namespace, name }: ObjectIdentity): boolean {
  return [...set].some((each) => each.kind === kind && each.namespace === namespace && each.name === name);
}

/** Not thrown: what was declared would be sent to the engine while the error is being reported. */
function refuse(problems: readonly string[], file: string | undefined): never {
  if (file === undefined) {
    process.stderr.write(`Nothing was changed, because something would be lost:\n${problems.join("\n")}\n`);
  } else {
    writeFileSync(file, JSON.stringify(problems));
  }
  process.exit(1);
}

/** @returns nothing where there is no state yet, or none that can be read without asking the engine */
function readState(env: NodeJS.ProcessEnv): readonly KnownResource[] {
  const file = env[GUARD_VARIABLES.state] ?? stateFileOf(env["PULUMI_BACKEND_URL"]);
  if (file === undefined || !existsSync(file)) return [];
  const state = JSON.parse(readFileSync(file, "utf8")) as {
    readonly deployment?: { readonly resources?: KnownResource[] };
    readonly checkpoint?: { readonly latest?: { readonly resources?: KnownResource[] } | null };
  };
  return state.deployment?.resources ?? state.checkpoint?.latest?.resources ?? [];
}

function stateFileOf(backend: string | undefined): string | undefined {
  if (backend === undefined || !backend.startsWith("file://")) return undefined;
  const folder = fileURLToPath(backend.replace(/\?.*$/, ""));
  return join(folder, ".pulumi", "stacks", getProject(), `${getStack()}.json`);
}

/** As the engine will name it. */
function urnOf(type: string, name: string, parent: Resource | undefined): string {
  const types = [type];
  for (let each = parent as Inner | undefined; each !== undefined; each = each.__parentResource) {
    if (each.__pulumiType !== "pulumi:pulumi:Stack") types.unshift(each.__pulumiType);
  }
  return `urn:pulumi:${getStack()}::${getProject()}::${types.join("$")}::${name}`;
}

/** Members of the SDK's resources that its types keep to themselves. */
type Inner = Resource & { readonly __pulumiType: string; readonly __parentResource?: Inner };

/** Inputs as far as they are known now. */
function plain(value: unknown): unknown {
  if (Output.isInstance(value) || value instanceof Promise) return UNKNOWN;
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, plain(member)]));
}

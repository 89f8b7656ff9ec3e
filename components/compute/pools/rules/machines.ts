import type { PoolSpec } from "../../../../stacks/pools.ts";
import { ACCELERATORS } from "../../../catalog/accelerators.ts";
import { INSTANCE_TYPES, type InstanceType, isInstanceTypeName } from "../../../catalog/instance-types.ts";
import type { Problem } from "../../../core/problem.ts";
import { DEVICES_PER_NODE, NODE_GROUP_INSTANCE_TYPES } from "../defaults.ts";
import { instanceTypesOf, isAcceleratorName } from "../machines.ts";
import { listed, orNearest, repeated } from "./words.ts";

/** What is wrong with a pool's machines: types that are not known or not alike, and figures that nobody can have meant. */
export function machineProblems(pool: PoolSpec): Problem[] {
  return [...typeProblems(pool), ...writtenProblems(pool)];
}

function typeProblems(pool: PoolSpec): Problem[] {
  const types = instanceTypesOf(pool);
  const list = "provisioning.instanceTypes";
  const isSimulated = pool.provisioning.kind === "simulated";
  const pathOf = (index: number) => (isSimulated ? "provisioning.instanceType" : `${list}[${index}]`);
  const unknown = types.flatMap((value, index) =>
    isInstanceTypeName(value)
      ? []
      : [
          {
            path: pathOf(index),
            message: orNearest(
              "must be an instance type of components/catalog/instance-types.ts",
              value,
              Object.keys(INSTANCE_TYPES),
            ),
            value,
          },
        ],
  );
  const twice = repeated(types, (a, b) => a === b).map(({ index, first }) => ({
    path: pathOf(index),
    message: `must not be named twice: ${list}[${first}] is the same.`,
    value: types[index],
  }));
  return [...unknown, ...twice, ...alikeProblems(pool, list)];
}

/** One pool is one kind of machine to whoever places pods: they ask for a device, not for one of several kinds. */
function alikeProblems(pool: PoolSpec, path: string): Problem[] {
  const types = instanceTypesOf(pool);
  const known = types.filter(isInstanceTypeName).map((name) => ({ name, ...(INSTANCE_TYPES[name] as InstanceType) }));
  const value = types;
  const problems: Problem[] = [];
  const accelerators = new Set(known.map(({ accelerator }) => accelerator?.name ?? "none"));
  if (accelerators.size > 1) {
    const each = known.map(({ name, accelerator }) => `${name} has ${accelerator?.name ?? "none"}`);
    problems.push({ path, message: `must all have the same accelerator: ${listed(each)}.`, value });
  }
  if (new Set(known.map(({ architecture }) => architecture)).size > 1) {
    const each = known.map(({ name, architecture }) => `${name} is ${architecture}`);
    problems.push({
      path,
      message: `must all be of one architecture, since they share images: ${listed(each)}.`,
      value,
    });
  }
  if (pool.provisioning.kind !== "nodeGroup") {
    return problems;
  }
  if (accelerators.size === 1 && new Set(known.map(({ accelerator }) => accelerator?.count ?? 0)).size > 1) {
    const each = known.map(({ name, accelerator }) => `${name} has ${accelerator?.count ?? 0}`);
    const message = `must all have as many accelerators in a node group, which counts machines and not devices: ${listed(each)}.`;
    problems.push({ path, message, value });
  }
  if (types.length > NODE_GROUP_INSTANCE_TYPES) {
    const message = `must be at most ${NODE_GROUP_INSTANCE_TYPES} in a node group; these are ${types.length}. Karpenter takes more.`;
    problems.push({ path, message, value });
  }
  return problems;
}

function writtenProblems(pool: PoolSpec): Problem[] {
  const { machine } = pool;
  const types = instanceTypesOf(pool);
  if (machine === undefined) {
    return types.length > 0
      ? []
      : [
          {
            path: "machine",
            message:
              "is required where no instance type says what a node has: {cpu, memoryGiB} and, with devices, {accelerator, accelerators}.",
          },
        ];
  }
  if (types.length > 0) {
    const message = `must be left out: ${listed(types)} ${types.length === 1 ? "says" : "say"} what a node has.`;
    return [{ path: "machine", message, value: machine }];
  }
  const { accelerator, accelerators } = machine;
  const problems: Problem[] = [];
  if (accelerator === undefined && accelerators !== undefined) {
    const message = "must be left out where machine.accelerator names none.";
    problems.push({ path: "machine.accelerators", message, value: accelerators });
  }
  if (accelerator !== undefined && !isAcceleratorName(accelerator)) {
    problems.push({
      path: "machine.accelerator",
      message: orNearest(
        `must be an accelerator of components/catalog/accelerators.ts: ${Object.keys(ACCELERATORS).join(", ")}`,
        accelerator,
        Object.keys(ACCELERATORS),
      ),
      value: accelerator,
    });
  }
  if (accelerators !== undefined && accelerators > DEVICES_PER_NODE) {
    const message =
      `must be at most ${DEVICES_PER_NODE}: no machine has more devices. ` +
      "What one rack joins, as GB200 NVL72 does its 72, is 18 nodes of 4.";
    problems.push({ path: "machine.accelerators", message, value: accelerators });
  }
  return problems;
}

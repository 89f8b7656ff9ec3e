import type { PoolSpec } from "../../../../stacks/pools.ts";
import { migProfile } from "../../../catalog/accelerators.ts";
import type { Problem } from "../../../core/problem.ts";
import { acceleratorOf } from "../machines.ts";
import { orNearest } from "./words.ts";

/** What is wrong with how a pool's devices are divided. */
export function deviceProblems(pool: PoolSpec): Problem[] {
  const { devices, provisioning, size } = pool;
  if (devices.kind === "whole") {
    return [];
  }
  const accelerator = acceleratorOf(pool);
  const path = "devices.kind";
  if (accelerator === undefined) {
    return [{ path, message: "must be whole: its nodes have no accelerator to divide.", value: devices.kind }];
  }
  const { name, device } = accelerator;
  const problems: Problem[] = [];
  if (provisioning.kind === "karpenter" && size.kind === "auto") {
    const message =
      "must be whole in a pool that Karpenter sizes by pods: it knows a machine's whole devices alone, so a pod that asks " +
      "for a part would call for none. Make the size fixed, or use a node group.";
    problems.push({ path, message, value: devices.kind });
  }
  if (devices.kind === "timeSlicing") {
    if (!device.timeSlicing) {
      const message = `must be whole: the device plugin of ${device.title} offers no turns of a device.`;
      problems.push({ path, message, value: devices.kind });
    }
    return problems;
  }
  const profiles = Object.keys(device.mig?.profiles ?? {});
  if (profiles.length === 0) {
    const others = device.timeSlicing ? "whole or timeSlicing" : "whole";
    const message = `must be ${others}: ${device.title} has no MIG profiles.`;
    problems.push({ path, message, value: devices.kind });
  } else if (migProfile(name, devices.profile) === undefined) {
    const allowed = `must be a profile of ${device.title}: ${profiles.join(", ")}`;
    const message = orNearest(allowed, devices.profile, profiles);
    problems.push({ path: "devices.profile", message, value: devices.profile });
  }
  return problems;
}

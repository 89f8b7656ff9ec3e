import { type RunResult, run } from "../lib/process.ts";
import type { ClusterLayout } from "./layout.ts";

/** containerd's own client, on the datacenter's containerd and the namespace the kubelet uses. */
export function containerd(layout: ClusterLayout, ...args: string[]): Promise<RunResult> {
  return run("ctr", ["--address", layout.containerdSocket, "--namespace", "k8s.io", ...args], { timeoutSeconds: 60 });
}

/** Ids of the containers that run, from the output of `ctr tasks list`. */
export function runningContainers(table: string): string[] {
  return table
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter((columns) => columns[2] === "RUNNING")
    .map((columns) => columns[0]!);
}

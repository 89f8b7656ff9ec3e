import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { CommandError, run } from "../lib/process.ts";
import { BRIDGE, BRIDGE_MAC, NODE_ADDRESS, NODE_PREFIX_LENGTH } from "./constants.ts";
import { PASSAGE_RULES, PASSAGES, removalRules } from "./iptables.ts";

/**
 * Makes the node's bridge, lets the kernel forward and lets pods' packets pass; what is there already stays.
 *
 * Forwarding stays on after `removeNetwork`: whether something else has come to need it cannot be known.
 */
export async function ensureNetwork(mtu: number): Promise<void> {
  if (!existsSync("/proc/sys/net/bridge/bridge-nf-call-iptables")) {
    await run("modprobe", ["br_netfilter"]);
  }
  setSysctl("/proc/sys/net/bridge/bridge-nf-call-iptables");
  setSysctl("/proc/sys/net/ipv4/ip_forward");
  if (!existsSync(`/sys/class/net/${BRIDGE}`)) {
    await run("ip", ["link", "add", BRIDGE, "address", BRIDGE_MAC, "type", "bridge"]);
  }
  await run("ip", ["address", "replace", `${NODE_ADDRESS}/${NODE_PREFIX_LENGTH}`, "dev", BRIDGE]);
  await run("ip", ["link", "set", BRIDGE, "mtu", String(mtu), "up"]);
  await run("iptables-restore", ["--wait", "--noflush"], { input: PASSAGE_RULES });
  for (const [chain, ours] of Object.entries(PASSAGES)) {
    if (!(await succeeds("iptables", ["--wait", "--check", chain, "--jump", ours]))) {
      await run("iptables", ["--wait", "--insert", chain, "--jump", ours]);
    }
  }
}

function setSysctl(file: string): void {
  if (readFileSync(file, "utf8").trim() !== "1") {
    writeFileSync(file, "1");
  }
}

/** Removes the bridge and every chain of the cluster; where there is none, nothing happens. */
export async function removeNetwork(): Promise<void> {
  const families = existsSync("/proc/sys/net/ipv6") ? ["iptables", "ip6tables"] : ["iptables"];
  for (const family of families) {
    const { stdout } = await run(`${family}-save`, []);
    const removal = removalRules(stdout);
    if (removal !== undefined) {
      await run(`${family}-restore`, ["--wait", "--noflush"], { input: removal });
    }
  }
  if (existsSync(`/sys/class/net/${BRIDGE}`)) {
    await run("ip", ["link", "delete", BRIDGE]);
  }
}

async function succeeds(command: string, args: readonly string[]): Promise<boolean> {
  try {
    await run(command, args);
    return true;
  } catch (error) {
    if (error instanceof CommandError && error.exitCode !== undefined) {
      return false;
    }
    throw error;
  }
}

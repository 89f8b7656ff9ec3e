import type { PoolSpec } from "../../../stacks/pools.ts";
import type { InstanceType } from "../../catalog/instance-types.ts";
import { knownInstanceTypes } from "./machines.ts";

/** One network interface of a machine: a place, by network card and device on it, and what it is. */
export interface NetworkInterface {
  readonly networkCardIndex: number;
  readonly deviceIndex: number;
  /** `interface` has an address and no EFA; `efa-only` has EFA and no address. */
  readonly interfaceType: "interface" | "efa-only";
}

/**
 * Whether the places of a type's EFA interfaces follow from their number: one on each network card, or on each but the first.
 * Those of p6e-gb200 do not: four interfaces on cards that share adapters.
 */
export function hasRegularEfa({ efaInterfaces, networkCards }: InstanceType): boolean {
  return efaInterfaces > 0 && (efaInterfaces === networkCards || efaInterfaces === networkCards - 1);
}

/**
 * The interfaces of a machine with all its EFA: one with the node's address on the first card, and EFA without an address on
 * every card that has it, so that a node takes one address of the subnet and not one a card.
 *
 * A first card that has EFA has it beside the node's own interface, as the second device; every other card has it as its
 * first. docs.aws.amazon.com/AWSEC2/latest/UserGuide/efa-acc-inst-types.html, read on 2026-11-25. Karpenter's EC2NodeClass
 * takes no other first interface either.
 */
export function networkInterfacesOf(type: InstanceType): NetworkInterface[] {
  const primary = { networkCardIndex: 0, deviceIndex: 0, interfaceType: "interface" } as const;
  const cards = Array.from({ length: type.networkCards }, (_, card) => card);
  const withEfa = type.efaInterfaces === type.networkCards ? cards : cards.slice(1);
  return [
    primary,
    ...withEfa.map((card) => ({
      networkCardIndex: card,
      deviceIndex: card === 0 ? 1 : 0,
      interfaceType: "efa-only" as const,
    })),
  ];
}

/** The interfaces of a pool's machines; undefined without EFA, where AWS makes the one there is. */
export function poolInterfacesOf(pool: PoolSpec): NetworkInterface[] | undefined {
  const [type] = knownInstanceTypes(pool);
  return pool.network.efa === "all" && type !== undefined ? networkInterfacesOf(type) : undefined;
}

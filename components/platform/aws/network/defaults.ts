import { type Block, knownBlock, sizeOf, subBlock } from "./addresses.ts";

/** Addresses of the cluster's Services; nothing outside the cluster ever sees them. */
export const SERVICE_BLOCK: Block = knownBlock("172.20.0.0/16");

/** A network is divided into eighths: one for the private subnet of each zone, six at most, and the last for the public ones. */
const ZONE_BITS = 3;
const PUBLIC_EIGHTH = 7;
const PUBLIC_BITS = 3;

/** Largest and smallest network and subnet (Amazon VPC User Guide, "VPC CIDR blocks"). */
export const LARGEST_NETWORK_PREFIX = 16;
const SMALLEST_SUBNET_PREFIX = 28;
/** So small that the public subnets are the smallest there are. */
export const SMALLEST_NETWORK_PREFIX = SMALLEST_SUBNET_PREFIX - ZONE_BITS - PUBLIC_BITS;

/** Addresses of each subnet that AWS keeps (Amazon VPC User Guide, "Subnet CIDR blocks"). */
const RESERVED_ADDRESSES = 5;

/**
 * Addresses one node takes: its own, and blocks of sixteen for its pods, of which the VPC CNI plugin keeps one more than
 * are used (WARM_PREFIX_TARGET=1). A node of accelerators runs a dozen pods with an address of their own: one block.
 */
export const ADDRESSES_A_NODE = 1 + 2 * 16;

/** The private subnet of the n-th zone. A zone added at the end moves none of the others. */
export function privateBlock(network: Block, zone: number): Block {
  return subBlock(network, network.prefix + ZONE_BITS, zone);
}

/** The public subnet of the n-th zone: for NAT gateways and load balancers, so an eighth of the private one's size. */
export function publicBlock(network: Block, zone: number): Block {
  const eighth = subBlock(network, network.prefix + ZONE_BITS, PUBLIC_EIGHTH);
  return subBlock(eighth, eighth.prefix + PUBLIC_BITS, zone);
}

/** Addresses of a zone's private subnet that are free for nodes and pods. */
export function usableAddresses(network: Block): number {
  return sizeOf(network.prefix + ZONE_BITS) - RESERVED_ADDRESSES;
}

/**
 * Services of AWS that nodes and pods reach without leaving the network: what a node needs to join, to pull images and to
 * write logs, and what the controllers call.
 */
export const INTERFACE_ENDPOINTS = [
  "autoscaling",
  "ec2",
  "ecr.api",
  "ecr.dkr",
  "eks",
  "eks-auth",
  "logs",
  "sqs",
  "ssm",
  "sts",
] as const;

/** Seconds over which flow logs sum up packets; the shorter of the two that AWS offers. */
export const FLOW_LOG_SECONDS = 60;

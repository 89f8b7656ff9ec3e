import type { EksSpec } from "../../../stacks/aws.ts";
import type { Problem } from "../../core/problem.ts";
import { KUBERNETES_VERSIONS } from "./cluster/addons.ts";
import { LUSTRE_SMALLEST_GIB, LUSTRE_STEP_GIB, LUSTRE_THROUGHPUTS, RETENTION_DAYS } from "./defaults.ts";
import { type Block, formatBlock, overlaps, PRIVATE_BLOCKS, parseBlock } from "./network/addresses.ts";
import {
  ADDRESSES_A_NODE,
  LARGEST_NETWORK_PREFIX,
  privateBlock,
  SERVICE_BLOCK,
  SMALLEST_NETWORK_PREFIX,
  usableAddresses,
} from "./network/defaults.ts";

/** How many nodes a pool may have, and where. */
export interface PoolExtent {
  readonly name: string;
  /** Nodes at its largest. */
  readonly nodes: number;
  /** @default every zone of the cluster */
  readonly zones?: readonly string[];
}

/**
 * What is wrong with a platform on AWS that one value cannot show alone. Paths start at the cluster's specification, those of
 * pools aside. Judged are the parts that are there, so that a misspelt field hides nothing of the others.
 */
export function validateAws(spec: Partial<EksSpec>, pools: readonly PoolExtent[] = []): Problem[] {
  return [
    ...zoneProblems(spec),
    ...networkProblems(spec, pools),
    ...versionProblems(spec),
    ...accessProblems(spec),
    ...retentionProblems(spec),
    ...lustreProblems(spec),
    ...systemNodeProblems(spec),
  ];
}

function zoneProblems({ zones = [], region }: Partial<EksSpec>): Problem[] {
  return zones.flatMap((value, index) => {
    const path = `zones[${index}]`;
    if (zones.indexOf(value) < index) {
      return [{ path, message: "must not be named twice: each zone has one subnet of each kind.", value }];
    }
    return region === undefined || (value.startsWith(region) && value.length === region.length + 1)
      ? []
      : [{ path, message: `must be a zone of the region ${region}, such as "${region}a".`, value }];
  });
}

function networkProblems(spec: Partial<EksSpec>, pools: readonly PoolExtent[]): Problem[] {
  const { cidr } = spec;
  if (cidr === undefined) {
    return [];
  }
  const path = "cidr";
  const network = parseBlock(cidr);
  if (network === undefined) {
    const message = 'must be a block of addresses that begins at its first one, such as "10.20.0.0/16".';
    return [{ path, message, value: cidr }];
  }
  if (network.prefix < LARGEST_NETWORK_PREFIX || network.prefix > SMALLEST_NETWORK_PREFIX) {
    const message =
      `must be from /${LARGEST_NETWORK_PREFIX}, the largest network of AWS, to /${SMALLEST_NETWORK_PREFIX}: public subnets ` +
      `are 6 bits smaller, and /28 is the smallest subnet of AWS.`;
    return [{ path, message, value: cidr }];
  }
  const problems: Problem[] = [];
  if (!PRIVATE_BLOCKS.some((block) => block.prefix <= network.prefix && overlaps(block, network))) {
    const message = `must be within ${PRIVATE_BLOCKS.map(formatBlock).join(", ")} (RFC 1918): other addresses belong to somebody.`;
    problems.push({ path, message, value: cidr });
  }
  if (overlaps(network, SERVICE_BLOCK)) {
    const message = `must not overlap ${formatBlock(SERVICE_BLOCK)}, which the cluster's Services have.`;
    problems.push({ path, message, value: cidr });
  }
  return [...problems, ...addressProblems(spec, network, pools)];
}

/** Nodes of a pool may all be in one of its zones, as spot capacity and reservations are; so each zone has to hold them. */
function addressProblems(spec: Partial<EksSpec>, network: Block, pools: readonly PoolExtent[]): Problem[] {
  const { zones = [], systemNodes } = spec;
  const each = usableAddresses(network);
  const subnet = `/${privateBlock(network, 0).prefix}`;
  const system = systemNodes?.nodes ?? 0;
  const all = pools.reduce((sum, { nodes }) => sum + nodes, system);
  const problems: Problem[] = [];
  if (zones.length > 0 && all * ADDRESSES_A_NODE > zones.length * each) {
    const message =
      `must have more addresses: ${all} nodes at most, ${system} of the system among them, take ${ADDRESSES_A_NODE} each, ` +
      `${all * ADDRESSES_A_NODE}; ${zones.length} private subnets of ${subnet} have ${zones.length * each}.`;
    problems.push({ path: "cidr", message, value: spec.cidr });
  }
  for (const zone of zones) {
    const bound = pools.filter((pool) => pool.zones?.length === 1 && pool.zones[0] === zone);
    const nodes = bound.reduce((sum, pool) => sum + pool.nodes, 0);
    if (nodes * ADDRESSES_A_NODE > each) {
      const message =
        `must have more addresses in ${zone}: ${bound.map((pool) => `${pool.name} (${pool.nodes})`).join(", ")} may be ` +
        `nowhere else, ${nodes} nodes take ${ADDRESSES_A_NODE} each, ${nodes * ADDRESSES_A_NODE}; its private subnet of ` +
        `${subnet} has ${each}.`;
      problems.push({ path: "cidr", message, value: spec.cidr });
    }
  }
  return problems;
}

function versionProblems({ version }: Partial<EksSpec>): Problem[] {
  return version === undefined || KUBERNETES_VERSIONS.some((known) => known === version)
    ? []
    : [
        {
          path: "version",
          message: `must be one of ${KUBERNETES_VERSIONS.map((known) => `"${known}"`).join(", ")}, for which versions of the add-ons are pinned.`,
          value: version,
        },
      ];
}

function accessProblems({ publicAccess = [], administrators = [] }: Partial<EksSpec>): Problem[] {
  const blocks = publicAccess.flatMap((value, index) => {
    const path = `publicAccess[${index}]`;
    const block = parseBlock(value);
    if (block === undefined) {
      const message = 'must be a block of addresses that begins at its first one, such as "203.0.113.0/24".';
      return [{ path, message, value }];
    }
    if (block.prefix === 0) {
      return [{ path, message: "must not be everybody: name the addresses of an office or of a gateway.", value }];
    }
    if (PRIVATE_BLOCKS.some((own) => overlaps(own, block))) {
      const message =
        "must be public: a private address is not seen outside, and the network reaches the API server anyway.";
      return [{ path, message, value }];
    }
    return publicAccess.indexOf(value) < index ? [{ path, message: "must not be named twice.", value }] : [];
  });
  const people = administrators.flatMap((value, index) =>
    administrators.indexOf(value) < index
      ? [{ path: `administrators[${index}]`, message: "must not be named twice.", value }]
      : [],
  );
  return [...blocks, ...people];
}

function retentionProblems({ logRetentionDays }: Partial<EksSpec>): Problem[] {
  return logRetentionDays === undefined || RETENTION_DAYS.some((days) => days === logRetentionDays)
    ? []
    : [
        {
          path: "logRetentionDays",
          message: `must be one of ${RETENTION_DAYS.join(", ")}, which CloudWatch offers.`,
          value: logRetentionDays,
        },
      ];
}

function lustreProblems({ lustre, zones }: Partial<EksSpec>): Problem[] {
  if (lustre === undefined) {
    return [];
  }
  const { sizeGiB, throughputPerTiB, zone } = lustre;
  const problems: Problem[] = [];
  if (sizeGiB !== LUSTRE_SMALLEST_GIB && sizeGiB % LUSTRE_STEP_GIB !== 0) {
    const nearest = Math.ceil(sizeGiB / LUSTRE_STEP_GIB) * LUSTRE_STEP_GIB;
    const message = `must be ${LUSTRE_SMALLEST_GIB} or a multiple of ${LUSTRE_STEP_GIB}, the next of which is ${nearest}.`;
    problems.push({ path: "lustre.sizeGiB", message, value: sizeGiB });
  }
  if (!LUSTRE_THROUGHPUTS.some((offered) => offered === throughputPerTiB)) {
    const message = `must be one of ${LUSTRE_THROUGHPUTS.join(", ")}.`;
    problems.push({ path: "lustre.throughputPerTiB", message, value: throughputPerTiB });
  }
  if (zones !== undefined && !zones.includes(zone)) {
    const message = `must be one of the cluster's zones, ${zones.join(", ")}.`;
    problems.push({ path: "lustre.zone", message, value: zone });
  }
  return problems;
}

/** Families whose letters behind the number hold a `g` have Graviton processors, which need images of their own. */
function systemNodeProblems({ systemNodes }: Partial<EksSpec>): Problem[] {
  if (systemNodes === undefined) {
    return [];
  }
  const { instanceType } = systemNodes;
  const path = "systemNodes.instanceType";
  const [, series = "", options = ""] = /^([a-z]+)\d+([a-z-]*)/.exec(instanceType) ?? [];
  if (options.includes("g") && series !== "g") {
    return [{ path, message: "must have x86 processors, as the image of these nodes has.", value: instanceType }];
  }
  return ["dl", "f", "g", "gr", "inf", "p", "trn", "vt"].includes(series)
    ? [{ path, message: "must be without accelerators: nothing on these nodes uses any.", value: instanceType }]
    : [];
}

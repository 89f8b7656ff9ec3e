import type { PoolSpec } from "../../../../stacks/pools.ts";
import type { Problem } from "../../../core/problem.ts";
import { repeated } from "./words.ts";

/** Whose labels and taints they are, by the domain of the key. */
const RESERVED: Readonly<Record<string, string>> = {
  "kubernetes.io": "Kubernetes",
  "k8s.io": "Kubernetes",
  "karpenter.sh": "Karpenter",
  "karpenter.k8s.aws": "Karpenter",
  "eks.amazonaws.com": "EKS",
  "millwright.dev": "Millwright",
};

/** Where cluster administrators put labels that a node cannot give itself: KEP-279. */
const FREE = "node-restriction.kubernetes.io";

/** What `devices` writes. */
const DEVICE_LABELS = ["nvidia.com/mig.config", "nvidia.com/device-plugin.config"];

/** What is wrong with the labels and taints of a pool's nodes. */
export function labelProblems(pool: PoolSpec): Problem[] {
  const labels = Object.entries(pool.labels).flatMap(([key, value]) => {
    const path = `labels.${key}`;
    const owner = ownerOf(key);
    if (owner !== undefined) {
      return [{ path, message: `must be of another domain: ${domainOf(key)} is ${owner}'s own.`, value }];
    }
    return DEVICE_LABELS.includes(key)
      ? [{ path, message: "must be left out: it is what devices says, which divides them in one way.", value }]
      : [];
  });
  const taints = pool.taints ?? [];
  const owned = taints.flatMap(({ key }, index) => {
    const owner = ownerOf(key);
    const path = `taints[${index}].key`;
    return owner === undefined
      ? []
      : [{ path, message: `must be of another domain: ${domainOf(key)} is ${owner}'s own.`, value: key }];
  });
  const twice = repeated(taints, (a, b) => a.key === b.key && a.effect === b.effect).map(({ index, first }) => ({
    path: `taints[${index}]`,
    message: `must not be there twice: taints[${first}] has this key and effect, and a node one value of both.`,
    value: taints[index],
  }));
  return [...labels, ...owned, ...twice];
}

function domainOf(key: string): string {
  return key.includes("/") ? key.slice(0, key.indexOf("/")) : "";
}

function ownerOf(key: string): string | undefined {
  const domain = domainOf(key);
  if (domain === FREE || domain.endsWith(`.${FREE}`)) {
    return undefined;
  }
  return Object.entries(RESERVED).find(([reserved]) => domain === reserved || domain.endsWith(`.${reserved}`))?.[1];
}

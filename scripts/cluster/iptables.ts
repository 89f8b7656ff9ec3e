import { BRIDGE, SERVICE_CIDR } from "./constants.ts";
import { CNI_NETWORK } from "./node-config.ts";

const PREFIX = "MILLWRIGHT-";

/**
 * The kernel's chains and ours that they jump to: they let pods' packets pass where something else (dockerd, a firewall)
 * drops what it does not know, and refuse what nothing answers.
 */
export const PASSAGES = {
  /** Between pods, and from pods to the world. */
  FORWARD: `${PREFIX}FORWARD`,
  /** From pods to the node: its API server and its name server. */
  INPUT: `${PREFIX}INPUT`,
  /** From the node itself. */
  OUTPUT: `${PREFIX}OUTPUT`,
} as const;

/**
 * What is still for a Service's address after kube-proxy's rules is for one that is gone. It is refused at once, as from a server
 * that is down; sent on, it would leave the machine, and whatever is there would answer.
 */
const REFUSALS = [PASSAGES.FORWARD, PASSAGES.OUTPUT].flatMap((chain) => [
  `-A ${chain} -d ${SERVICE_CIDR} -p tcp -j REJECT --reject-with tcp-reset`,
  `-A ${chain} -d ${SERVICE_CIDR} -j REJECT`,
]);

/** Input of `iptables-restore --noflush` that makes our chains; applying it again changes nothing. */
export const PASSAGE_RULES = [
  "*filter",
  ...Object.values(PASSAGES).map((chain) => `:${chain} - [0:0]`),
  ...REFUSALS,
  ...[PASSAGES.FORWARD, PASSAGES.INPUT].map((chain) => `-A ${chain} -i ${BRIDGE} -j ACCEPT`),
  `-A ${PASSAGES.FORWARD} -o ${BRIDGE} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`,
  "COMMIT",
  "",
].join("\n");

/**
 * What to feed to `iptables-restore --noflush` so that nothing of the local datacenter remains, given the output of
 * `iptables-save`: its rules in others' chains, then its chains. Undefined where there is nothing of ours. Others' rules
 * are never rewritten, so a change they make at the same moment is not lost.
 */
export function removalRules(saved: string): string | undefined {
  const tables = saved
    .split(/^(?=\*)/m)
    .map((table) => removalOfTable(table.split("\n")))
    .filter((table) => table !== undefined);
  return tables.length === 0 ? undefined : tables.join("");
}

function removalOfTable(lines: readonly string[]): string | undefined {
  const name = lines.find((line) => line.startsWith("*"));
  const chains = lines.filter((line) => line.startsWith(":")).map((line) => line.slice(1).split(" ")[0]!);
  const rules = lines.filter((line) => line.startsWith("-A "));
  const ours = ownChains(chains, rules);
  if (name === undefined || ours.size === 0) {
    return undefined;
  }
  const deletions = rules
    .filter((rule) => !ours.has(chainOf(rule)) && ours.has(targetOf(rule) ?? ""))
    .map((rule) => rule.replace(/^-A/, "-D"));
  const sorted = [...ours].sort();
  return [
    name,
    ...sorted.map((chain) => `:${chain} - [0:0]`),
    ...deletions,
    ...sorted.map((chain) => `-X ${chain}`),
    "COMMIT",
    "",
  ].join("\n");
}

/** Kubernetes' programs' chains, ours, CNI's for our network, and those CNI's networks share when there is no other. */
function ownChains(chains: readonly string[], rules: readonly string[]): Set<string> {
  const cni = chains.filter((chain) => chain.startsWith("CNI-"));
  const shared = cni.filter((chain) => chain.startsWith("CNI-HOSTPORT-"));
  const single = cni.filter((chain) => !shared.includes(chain));
  const singleOurs = single.filter((chain) => isOfOurNetwork(chain, rules));
  return new Set([
    ...chains.filter((chain) => chain.startsWith("KUBE-") || chain.startsWith(PREFIX)),
    ...singleOurs,
    ...(singleOurs.length === single.length ? shared : []),
  ]);
}

/** CNI's chains are named by hashes; the comments of the rules in them and to them carry the network's name. */
const isOfOurNetwork = (chain: string, rules: readonly string[]) =>
  rules.some(
    (rule) => (chainOf(rule) === chain || targetOf(rule) === chain) && rule.includes(`name: \\"${CNI_NETWORK}\\"`),
  );

const chainOf = (rule: string) => rule.split(" ")[1]!;
const targetOf = (rule: string) => / -[jg] (\S+)/.exec(rule)?.[1];

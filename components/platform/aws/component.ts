import { all, ComponentResource, type ComponentResourceOptions, type Output } from "@pulumi/pulumi";
import type { EksSpec } from "../../../stacks/aws.ts";
import type { SchedulingSpec } from "../../../stacks/scheduling.ts";
import type { EksPoolCluster } from "../../compute/pools/types.ts";
import { throwProblems } from "../problems.ts";
import { clusterArn } from "./arns.ts";
import { AwsCluster } from "./cluster/component.ts";
import { AwsDatabase } from "./database/component.ts";
import { POSTGRES_PORT, POSTGRES_USER } from "./database/defaults.ts";
import { KARPENTER, KEDA, PLATFORM_IMAGES } from "./defaults.ts";
import { AwsEncryption } from "./encryption/component.ts";
import { AwsIdentity } from "./identity/component.ts";
import type { ServiceAccountRef } from "./identity/types.ts";
import { AwsInterruption } from "./interruption/component.ts";
import { renderKubeconfig } from "./kubeconfig.ts";
import { AwsMetrics } from "./metrics/component.ts";
import { stackNameProblem } from "./names.ts";
import { AwsNetwork } from "./network/component.ts";
import type { Outputs, PlatformOutputs } from "./outputs.ts";
import { AwsRegistry } from "./registry/component.ts";
import { AwsLustre, AwsStorage } from "./storage/component.ts";
import type { LustreClassArgs } from "./storage-classes/render.ts";
import { tagsFor } from "./tags.ts";
import type { AwsContext } from "./types.ts";
import { validateAws } from "./validate.ts";

export interface AwsPlatformArgs {
  /** Name of the Pulumi stack, e.g. `production`. */
  readonly stack: string;
  /** `platform.cluster` of the stack file. */
  readonly spec: EksSpec;
  /** Which of the nodes with room a pod gets; see `scheduling.placement`. @default "spread", as EKS does by itself */
  readonly placement?: SchedulingSpec["placement"]["kind"];
  /** Files of Prometheus' rules by name, for managed metrics. @default none */
  readonly rules?: Readonly<Record<string, string>>;
  /** The account of Karpenter's controller. @default `karpenter` in `kube-system` */
  readonly karpenter?: ServiceAccountRef;
  /** The account of KEDA's operator. @default `keda-operator` in `keda` */
  readonly keda?: ServiceAccountRef;
  /** The account of the Cluster Autoscaler. @default no pool is a node group whose size changes, and it has no role */
  readonly clusterAutoscaler?: ServiceAccountRef;
}

/**
 * A datacenter's ground on AWS: network, EKS cluster, encryption, storage, registry, database, metrics, identities. Pools of
 * nodes are beside it, since they change far more often, and are made with {@link poolCluster}.
 *
 * Nothing here asks AWS anything at a preview: zones, names and ARNs come from the stack file, so that what is planned is
 * what is checked. Needs an AWS provider made by `providerArgs`.
 *
 * Awaited: everything; the first time it takes some forty minutes.
 */
export class AwsPlatform extends ComponentResource {
  static readonly __pulumiType = "millwright:platform:AwsPlatform";

  /** Without a secret; needs the AWS command line. */
  readonly kubeconfig: Output<string>;
  /** `host/path`, below which images are pushed. */
  readonly registry: string;
  /** What pools of nodes take from the cluster. */
  readonly poolCluster: EksPoolCluster;
  /** What stacks on this platform read; the program exports it as `platform`. */
  readonly outputs: Outputs<PlatformOutputs>;
  /** What storage-classes/component.ts makes its classes of, by the cluster's own provider. @default the stack has no FSx for Lustre */
  readonly lustreClass: LustreClassArgs | undefined;
  /** Name of the queue that Karpenter is told of interruptions by. */
  readonly interruptionQueue: Output<string>;
  readonly nodes: {
    readonly network: AwsNetwork;
    readonly encryption: AwsEncryption;
    readonly cluster: AwsCluster;
    readonly storage: AwsStorage;
    readonly identity: AwsIdentity;
    /** @default the stack has none */
    readonly lustre: AwsLustre | undefined;
    /** @default the stack has none */
    readonly database: AwsDatabase | undefined;
    /** @default the metrics are in the cluster */
    readonly metrics: AwsMetrics | undefined;
  };

  constructor(name: string, args: AwsPlatformArgs, opts?: ComponentResourceOptions) {
    const { stack, spec, rules = {}, ...plain } = args;
    super(AwsPlatform.__pulumiType, name, { stack, ...plain, spec, rules: Object.keys(rules) }, opts);
    const wrongName = stackNameProblem(stack);
    throwProblems(this, "The platform on AWS", [
      ...(wrongName === undefined ? [] : [{ path: "stack", message: `${wrongName}.`, value: stack }]),
      ...validateAws(spec),
    ]);

    const { accountId, region, logRetentionDays } = spec;
    const context: AwsContext = { stack, accountId, region };
    const parent = { parent: this };
    const encryption = new AwsEncryption(`${name}-encryption`, context, parent);
    const key = encryption.keys.data;
    const network = new AwsNetwork(`${name}-network`, { ...context, ...networkOf(spec), logKey: key }, parent);
    const subnetIds = Object.values(network.subnetIds);
    const cluster = new AwsCluster(
      `${name}-cluster`,
      {
        ...context,
        ...clusterOf(spec),
        vpcId: network.vpcId,
        subnetIds,
        keys: encryption.keys,
        placement: args.placement ?? "spread",
        lustre: spec.lustre !== undefined,
      },
      // Nodes that start before the way out and the endpoints are there come to nothing.
      { parent: this, dependsOn: network },
    );
    const storage = new AwsStorage(`${name}-storage`, { ...context, logRetentionDays, key }, parent);
    const inside = {
      ...context,
      logRetentionDays,
      key,
      vpcId: network.vpcId,
      clientGroupId: cluster.nodeSecurityGroupId,
    };
    const lustre = this.#declareLustre(name, spec, network, inside, storage);
    const database =
      spec.database === undefined
        ? undefined
        : new AwsDatabase(`${name}-database`, { ...inside, database: spec.database, subnetIds }, parent);
    const metrics =
      spec.metrics === "inCluster"
        ? undefined
        : new AwsMetrics(
            `${name}-metrics`,
            {
              ...context,
              logRetentionDays,
              key,
              clusterArn: clusterArn(context),
              subnetIds,
              securityGroupIds: cluster.securityGroupIds,
              rules,
            },
            { parent: this, dependsOn: cluster },
          );
    const registry = new AwsRegistry(`${name}-registry`, { ...context, images: PLATFORM_IMAGES, key }, parent);
    const interruption = new AwsInterruption(`${name}-interruption`, context, parent);
    const identity = new AwsIdentity(
      `${name}-identity`,
      {
        ...context,
        key,
        clusterName: cluster.name,
        karpenter: args.karpenter ?? KARPENTER,
        keda: args.keda ?? KEDA,
        ...(args.clusterAutoscaler === undefined ? {} : { clusterAutoscaler: args.clusterAutoscaler }),
        ...(metrics === undefined ? {} : { workspaceArn: metrics.workspaceArn }),
      },
      parent,
    );

    this.nodes = { network, encryption, cluster, storage, identity, lustre, database, metrics };
    this.registry = registry.registry;
    this.interruptionQueue = interruption.queueName;
    const lustreSubnet = spec.lustre === undefined ? undefined : network.subnetIds[spec.lustre.zone];
    this.lustreClass =
      spec.lustre === undefined || lustre === undefined || lustreSubnet === undefined
        ? undefined
        : {
            stack,
            throughputPerTiB: spec.lustre.throughputPerTiB,
            subnetId: lustreSubnet,
            securityGroupId: lustre.securityGroupId,
            key,
          };
    this.kubeconfig = all([cluster.name, cluster.endpoint, cluster.certificateAuthority]).apply(
      ([clusterName, endpoint, certificateAuthority]) =>
        renderKubeconfig({ clusterName, region, endpoint, certificateAuthority }),
    );
    this.poolCluster = {
      kind: "eks",
      name: cluster.name,
      region,
      subnets: network.subnetIds,
      securityGroupIds: cluster.securityGroupIds,
      nodeRole: cluster.nodeRole,
      volumeKey: key,
      tags: tagsFor(stack, "nodes"),
    };
    this.outputs = {
      accountId,
      region,
      clusterName: cluster.name,
      kubeconfig: this.kubeconfig,
      registry: registry.registry,
      key,
      buckets: storage.buckets,
      roles: identity.roles,
      ...(database === undefined
        ? {}
        : { database: { host: database.host, port: POSTGRES_PORT, user: POSTGRES_USER, password: database.password } }),
      ...(metrics === undefined ? {} : { metrics: { url: metrics.url, workspaceId: metrics.workspaceId } }),
    };
    this.registerOutputs({ kubeconfig: this.kubeconfig, registry: this.registry });
  }

  #declareLustre(
    name: string,
    { lustre }: EksSpec,
    network: AwsNetwork,
    inside: AwsContext & Pick<EksSpec, "logRetentionDays"> & Record<"key" | "vpcId" | "clientGroupId", Output<string>>,
    storage: AwsStorage,
  ): AwsLustre | undefined {
    const subnetId = lustre === undefined ? undefined : network.subnetIds[lustre.zone];
    return lustre === undefined || subnetId === undefined
      ? undefined
      : new AwsLustre(
          `${name}-lustre`,
          { ...inside, lustre, subnetId, datasets: storage.buckets.datasets },
          { parent: this, dependsOn: storage },
        );
  }
}

/** What the network is made of; of AWS's services inside it those that the stack uses. */
function networkOf({ cidr, zones, natGateways, logRetentionDays, lustre, metrics }: EksSpec) {
  const endpoints = [...(lustre === undefined ? [] : ["fsx"]), ...(metrics === "managed" ? ["aps-workspaces"] : [])];
  return { cidr, zones, natGateways, logRetentionDays, endpoints };
}

function clusterOf({ version, publicAccess, administrators, logRetentionDays, systemNodes, cidr }: EksSpec) {
  return { version, publicAccess, administrators, logRetentionDays, systemNodes, cidr };
}

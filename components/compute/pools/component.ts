import { Tag } from "@pulumi/aws/autoscaling/tag.js";
import { LaunchTemplate } from "@pulumi/aws/ec2/launchTemplate.js";
import { PlacementGroup } from "@pulumi/aws/ec2/placementGroup.js";
import { NodeGroup } from "@pulumi/aws/eks/nodeGroup.js";
import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource.js";
import { NodePatch } from "@pulumi/kubernetes/core/v1/nodePatch.js";
import { ComponentResource, type ComponentResourceOptions, type Output } from "@pulumi/pulumi";
import type { PoolSpec } from "../../../stacks/pools.ts";
import { throwProblems } from "../../platform/problems.ts";
import { renderNodePatch } from "./existing.ts";
import { renderNodeClass, renderNodePool } from "./karpenter.ts";
import {
  DESIRED_SIZE,
  renderLaunchTemplate,
  renderNodeGroup,
  renderPlacementGroup,
  renderScalingTags,
} from "./node-group.ts";
import { type Placement, placementOf } from "./placement.ts";
import { renderSimulatedPool } from "./simulated.ts";
import type { EksPoolCluster, GpuNodePoolArgs, PoolCluster, PoolClusterArgs, PoolOf } from "./types.ts";
import { validatePool } from "./validate.ts";

/**
 * A pool of nodes, with accelerators or without, wherever they come from: an EKS managed node group, Karpenter, nodes that
 * exist, or the simulation.
 *
 * Awaited: a node group, until EKS has its nodes, which is what `up` waits for longest here (a capacity block's nodes come when
 * the block begins, so its pool is declared from then on). Nothing else is: Karpenter, the simulation and whoever owns nodes
 * that exist bring them in their own time, and what is declared for them holds either way.
 *
 * It needs what acts on it, and depends on it by `opts.dependsOn`: Karpenter with its definitions, the Cluster Autoscaler for
 * node groups of the size `auto`, the definition and controller of simulated pools.
 */
export class GpuNodePool extends ComponentResource {
  static readonly __pulumiType = "millwright:compute:GpuNodePool";

  /** What puts pods onto its nodes. */
  readonly placement: Placement;

  constructor(name: string, args: GpuNodePoolArgs, opts?: ComponentResourceOptions) {
    const { pool, cluster } = args;
    super(GpuNodePool.__pulumiType, name, { pool, cluster: cluster.kind }, opts);
    throwProblems(this, `The pool ${pool.name}`, validatePool(pool, plainClusterOf(cluster)));

    // The cluster's kind has been judged by now: what is left is to tell the compiler.
    if (isOf(pool, "nodeGroup")) this.#nodeGroup(name, pool, cluster as EksPoolCluster);
    if (isOf(pool, "karpenter")) this.#karpenter(name, pool, cluster as EksPoolCluster);
    if (isOf(pool, "existing")) this.#existing(name, pool);
    if (isOf(pool, "simulated")) new CustomResource(`${name}-pool`, renderSimulatedPool(pool), { parent: this });

    this.placement = placementOf(pool);
    this.registerOutputs({ placement: this.placement });
  }

  #nodeGroup(name: string, pool: PoolOf<"nodeGroup">, cluster: EksPoolCluster): void {
    const template = new LaunchTemplate(
      `${name}-template`,
      renderLaunchTemplate(pool, cluster, this.#placementGroup(name, pool, cluster)),
      { parent: this },
    );
    const version = template.latestVersion.apply(String);
    const group = new NodeGroup(`${name}-nodes`, renderNodeGroup(pool, cluster, { id: template.id, version }), {
      parent: this,
      ...(pool.size.kind === "auto" ? { ignoreChanges: [DESIRED_SIZE] } : {}),
    });
    const autoScalingGroup = group.resources.apply((resources) => resources[0]!.autoscalingGroups[0]!.name);
    for (const tag of renderScalingTags(pool, autoScalingGroup)) {
      new Tag(`${name}-tag-${tag.tag.key.split("/").at(-1)}`, tag, { parent: this });
    }
  }

  #karpenter(name: string, pool: PoolOf<"karpenter">, cluster: EksPoolCluster): void {
    const placementGroup = this.#placementGroup(name, pool, cluster);
    const nodeClass = new CustomResource(`${name}-class`, renderNodeClass(pool, cluster, placementGroup), {
      parent: this,
    });
    // Karpenter would find a pool without its class not ready, and a class goes only after its nodes.
    const nodePool = renderNodePool(pool, cluster);
    new CustomResource(`${name}-${pool.size.kind}-pool`, nodePool, { parent: this, dependsOn: nodeClass });
  }

  #existing(name: string, pool: PoolOf<"existing">): void {
    for (const node of pool.provisioning.nodes) {
      new NodePatch(`${name}-node-${node}`, renderNodePatch(pool, node), { parent: this });
    }
  }

  #placementGroup(
    name: string,
    pool: PoolOf<"nodeGroup"> | PoolOf<"karpenter">,
    cluster: EksPoolCluster,
  ): Output<string> | undefined {
    const { placementGroup } = pool.network;
    return placementGroup === "none"
      ? undefined
      : new PlacementGroup(`${name}-placement`, renderPlacementGroup(pool, placementGroup, cluster), { parent: this })
          .name;
  }
}

/** What is judged of a cluster. */
function plainClusterOf(cluster: PoolClusterArgs): PoolCluster {
  return cluster.kind === "eks"
    ? { kind: cluster.kind, zones: Object.keys(cluster.subnets), region: cluster.region }
    : { kind: cluster.kind };
}

function isOf<K extends PoolSpec["provisioning"]["kind"]>(pool: PoolSpec, kind: K): pool is PoolOf<K> {
  return pool.provisioning.kind === kind;
}

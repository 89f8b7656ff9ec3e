import { LogGroup } from "@pulumi/aws/cloudwatch/logGroup.js";
import { LaunchTemplate } from "@pulumi/aws/ec2/launchTemplate.js";
import { SecurityGroup } from "@pulumi/aws/ec2/securityGroup.js";
import { AccessEntry } from "@pulumi/aws/eks/accessEntry.js";
import { AccessPolicyAssociation } from "@pulumi/aws/eks/accessPolicyAssociation.js";
import { Addon } from "@pulumi/aws/eks/addon.js";
import { Cluster } from "@pulumi/aws/eks/cluster.js";
import { NodeGroup } from "@pulumi/aws/eks/nodeGroup.js";
import { Role } from "@pulumi/aws/iam/role.js";
import { RolePolicy } from "@pulumi/aws/iam/rolePolicy.js";
import { RolePolicyAttachment } from "@pulumi/aws/iam/rolePolicyAttachment.js";
import { SecurityGroupEgressRule } from "@pulumi/aws/vpc/securityGroupEgressRule.js";
import { SecurityGroupIngressRule } from "@pulumi/aws/vpc/securityGroupIngressRule.js";
import { ComponentResource, type ComponentResourceOptions, type Output, type Resource } from "@pulumi/pulumi";
import { shortHash } from "../../../core/hash.ts";
import { managedPolicyArn } from "../arns.ts";
import { lustreDriverPolicy } from "../identity/policies.ts";
import { awsName } from "../names.ts";
import { ADDONS, type AddonSpec } from "./addons.ts";
import { ADDON_POLICIES, NODE_POLICIES } from "./defaults.ts";
import {
  administratorPolicy,
  renderAddon,
  renderAddonRole,
  renderAdministrator,
  renderCluster,
  renderClusterRole,
  renderLogGroup,
  renderNodeAccess,
  renderNodeEgress,
  renderNodeGroupFirewall,
  renderNodeIngress,
  renderNodeRole,
  renderSystemNodes,
  renderSystemTemplate,
  renderWayOut,
} from "./render.ts";
import type { ClusterArgs } from "./types.ts";

/**
 * An EKS cluster: its control plane with encrypted Secrets and every log, who may do what in it, the add-ons without which
 * no node works, and a few nodes for what runs the cluster itself.
 *
 * `@pulumi/eks` is not used: its Cluster brings an OIDC provider, roles with AWS's broad policies, a default node group, a
 * ConfigMap for access and calls of the API at preview, each of which would have to be switched off here; and what mocks
 * cannot see cannot be proven.
 *
 * Awaited: everything. A control plane takes some ten minutes, nodes three more, each add-on until its pods are ready.
 */
export class AwsCluster extends ComponentResource {
  static readonly __pulumiType = "millwright:platform:AwsCluster";

  readonly name: Output<string>;
  readonly endpoint: Output<string>;
  /** In base64. */
  readonly certificateAuthority: Output<string>;
  /** Of every node, with its ARN and its name. */
  readonly nodeRole: { readonly arn: Output<string>; readonly name: Output<string> };
  /** What every node has: EKS's own group, and the one that lets nodes talk to each other. */
  readonly securityGroupIds: readonly Output<string>[];
  /** The group of the nodes alone: what databases and file systems let in. */
  readonly nodeSecurityGroupId: Output<string>;

  readonly #name: string;
  readonly #args: ClusterArgs;

  constructor(name: string, args: ClusterArgs, opts?: ComponentResourceOptions) {
    const { vpcId: _, subnetIds: __, keys: ___, ...plain } = args;
    super(AwsCluster.__pulumiType, name, plain, opts);
    this.#name = name;
    this.#args = args;

    const cluster = this.#declareControlPlane();
    const nodeRole = new Role(`${name}-nodes`, renderNodeRole(args), { parent: this });
    const granted = NODE_POLICIES.map((policy) => this.#attach(`${name}-nodes`, nodeRole, policy));
    const group = this.#declareFirewall();
    const mayJoin = new AccessEntry(
      `${name}-nodes`,
      { clusterName: cluster.name, ...renderNodeAccess(args, nodeRole.arn) },
      { parent: this },
    );
    this.#declareAdministrators(cluster);

    const before = this.#declareAddons(cluster, "network", [mayJoin]);
    this.securityGroupIds = [cluster.vpcConfig.apply((vpc) => vpc.clusterSecurityGroupId), group.id];
    const nodes = this.#declareSystemNodes(cluster, nodeRole, [...before, ...granted, mayJoin]);
    this.#declareAddons(cluster, "nodes", [nodes]);

    this.name = cluster.name;
    this.endpoint = cluster.endpoint;
    this.certificateAuthority = cluster.certificateAuthority.apply(({ data }) => data);
    this.nodeRole = { arn: nodeRole.arn, name: nodeRole.name };
    this.nodeSecurityGroupId = group.id;
    this.registerOutputs({ name: this.name, endpoint: this.endpoint, nodeRole: this.nodeRole });
  }

  #declareControlPlane(): Cluster {
    const [name, args] = [this.#name, this.#args];
    const role = new Role(name, renderClusterRole(args), { parent: this });
    const dependsOn = [
      this.#attach(name, role, "AmazonEKSClusterPolicy"),
      new LogGroup(name, renderLogGroup(args), { parent: this }),
    ];
    return new Cluster(name, renderCluster(args, role.arn), { parent: this, dependsOn });
  }

  #attach(name: string, role: Role, policy: string): RolePolicyAttachment {
    const args = { role: role.name, policyArn: managedPolicyArn(this.#args, policy) };
    return new RolePolicyAttachment(`${name}-${policy.replace(/^.*\//, "")}`, args, { parent: this });
  }

  #declareFirewall(): SecurityGroup {
    const [name, args] = [this.#name, this.#args];
    const group = new SecurityGroup(`${name}-nodes`, renderNodeGroupFirewall(args), { parent: this });
    new SecurityGroupIngressRule(`${name}-nodes-in`, renderNodeIngress(args, group.id), { parent: this });
    new SecurityGroupEgressRule(`${name}-nodes-among`, renderNodeEgress(args, group.id), { parent: this });
    new SecurityGroupEgressRule(`${name}-nodes-out`, renderWayOut(args, group.id), { parent: this });
    return group;
  }

  #declareAdministrators(cluster: Cluster): void {
    for (const principalArn of this.#args.administrators) {
      const name = `${this.#name}-administrator-${shortHash(principalArn)}`;
      const entry = new AccessEntry(
        name,
        { clusterName: cluster.name, ...renderAdministrator(this.#args, principalArn) },
        { parent: this },
      );
      const association = {
        clusterName: cluster.name,
        principalArn,
        policyArn: administratorPolicy(this.#args),
        accessScope: { type: "cluster" },
      };
      new AccessPolicyAssociation(name, association, { parent: this, dependsOn: entry });
    }
  }

  #declareAddons(cluster: Cluster, stage: AddonSpec["stage"], dependsOn: readonly Resource[]): Addon[] {
    const { lustre = false } = this.#args;
    return ADDONS.filter((addon) => addon.stage === stage && (addon.lustre !== true || lustre)).map((addon) => {
      const roleArn = addon.serviceAccount === undefined ? undefined : this.#addonRole(addon);
      const args = renderAddon(this.#args, addon, {
        clusterName: cluster.name,
        ...(roleArn === undefined ? {} : { roleArn }),
      });
      return new Addon(`${this.#name}-${addon.name}`, args, { parent: this, dependsOn: [...dependsOn] });
    });
  }

  #addonRole(addon: AddonSpec): Output<string> {
    const name = `${this.#name}-${addon.name}`;
    const role = new Role(name, renderAddonRole(this.#args, addon), { parent: this });
    const policy = ADDON_POLICIES[addon.name];
    if (policy === undefined) {
      // AWS keeps no policy for the Lustre driver but one that allows everything FSx can do.
      const args = { name: awsName("role", this.#args.stack, addon.name), role: role.name };
      new RolePolicy(name, { ...args, policy: lustreDriverPolicy(this.#args) }, { parent: this });
    } else {
      this.#attach(name, role, policy);
    }
    return role.arn;
  }

  #declareSystemNodes(cluster: Cluster, role: Role, dependsOn: readonly Resource[]): NodeGroup {
    const name = `${this.#name}-system`;
    const template = new LaunchTemplate(name, renderSystemTemplate(this.#args, this.securityGroupIds), {
      parent: this,
    });
    const args = renderSystemNodes(this.#args, {
      clusterName: cluster.name,
      nodeRoleArn: role.arn,
      template: { id: template.id, version: template.latestVersion.apply(String) },
    });
    return new NodeGroup(name, args, { parent: this, dependsOn: [...dependsOn] });
  }
}

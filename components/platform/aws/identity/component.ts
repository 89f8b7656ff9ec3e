import { PodIdentityAssociation } from "@pulumi/aws/eks/podIdentityAssociation.js";
import { Role } from "@pulumi/aws/iam/role.js";
import { RolePolicy } from "@pulumi/aws/iam/rolePolicy.js";
import { ComponentResource, type ComponentResourceOptions, type Input, type Output, output } from "@pulumi/pulumi";
import { clusterArn } from "../arns.ts";
import { queueArn } from "../interruption/render.ts";
import { awsName } from "../names.ts";
import { tagsFor } from "../tags.ts";
import { policyDocument, trustPods } from "./document.ts";
import {
  clusterAutoscalerPolicy,
  karpenterPolicy,
  metricsReaderPolicy,
  servingPolicy,
  trackingPolicy,
  trainingPolicy,
} from "./policies.ts";
import type { IdentityArgs, ServiceAccountRef, WorkloadIdentityArgs, WorkloadKind } from "./types.ts";

/**
 * A role for each kind of workload, with what it does and nothing else. Pods take them by EKS Pod Identity, which marks each
 * session with the pod's namespace; policies allow the folder of that name. So a team is added without touching IAM, and no
 * team can reach another's data. What ties an account to a role is a {@link WorkloadIdentity} in the stack of the models.
 */
export class AwsIdentity extends ComponentResource {
  static readonly __pulumiType = "millwright:platform:AwsIdentity";

  /** ARNs of the roles of workloads. */
  readonly roles: Readonly<Record<WorkloadKind, Output<string>>>;

  readonly #args: IdentityArgs;

  constructor(name: string, args: IdentityArgs, opts?: ComponentResourceOptions) {
    const { key, workspaceArn, clusterName, ...plain } = args;
    super(AwsIdentity.__pulumiType, name, plain, opts);
    this.#args = args;
    const withKey = (policy: (context: IdentityArgs, key: string) => Parameters<typeof policyDocument>[0]) =>
      output(key).apply((arn) => policyDocument(policy(args, arn)));

    this.roles = {
      training: this.#role(name, "training", withKey(trainingPolicy)),
      tracking: this.#role(name, "tracking", withKey(trackingPolicy)),
      serving: this.#role(name, "serving", withKey(servingPolicy)),
    };
    if (workspaceArn !== undefined) {
      const policy = output(workspaceArn).apply((arn) => policyDocument(metricsReaderPolicy(arn)));
      this.#associate(name, "keda", args.keda, policy, clusterName);
    }
    const karpenter = policyDocument(karpenterPolicy(args, { queueArn: queueArn(args) }));
    this.#associate(name, "karpenter", args.karpenter, karpenter, clusterName);
    if (args.clusterAutoscaler !== undefined) {
      const policy = policyDocument(clusterAutoscalerPolicy(args));
      this.#associate(name, "cluster-autoscaler", args.clusterAutoscaler, policy, clusterName);
    }
    this.registerOutputs({ roles: this.roles });
  }

  /** A role for one account of the cluster's own, and what ties the two together. */
  #associate(
    name: string,
    part: string,
    account: ServiceAccountRef,
    policy: Input<string>,
    clusterName: Input<string>,
  ): void {
    const roleArn = this.#role(name, part, policy, account.namespace);
    const { stack } = this.#args;
    new WorkloadIdentity(`${name}-${part}`, { ...account, clusterName, roleArn, stack }, { parent: this });
  }

  #role(name: string, part: string, policy: Input<string>, namespace?: string): Output<string> {
    const { stack } = this.#args;
    const roleName = awsName("role", stack, part);
    const role = new Role(
      `${name}-${part}`,
      {
        name: roleName,
        description: `Pods of the cluster: ${part}`,
        assumeRolePolicy: trustPods(clusterArn(this.#args), namespace),
        tags: tagsFor(stack, "identity"),
      },
      { parent: this },
    );
    new RolePolicy(`${name}-${part}`, { name: roleName, role: role.name, policy }, { parent: this });
    return role.arn;
  }
}

/** Lets the pods of one service account take a role. In effect for pods that start after it. */
export class WorkloadIdentity extends ComponentResource {
  static readonly __pulumiType = "millwright:platform:WorkloadIdentity";

  constructor(name: string, args: WorkloadIdentityArgs, opts?: ComponentResourceOptions) {
    const { clusterName, roleArn, namespace, serviceAccount, stack } = args;
    super(WorkloadIdentity.__pulumiType, name, { namespace, serviceAccount, stack }, opts);
    const tags = tagsFor(stack, "identity");
    new PodIdentityAssociation(name, { clusterName, namespace, serviceAccount, roleArn, tags }, { parent: this });
    this.registerOutputs({ namespace, serviceAccount });
  }
}

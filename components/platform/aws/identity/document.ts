import { all, type Input, type Output } from "@pulumi/pulumi";
import { canonicalJson } from "../../../core/hash.ts";

/** Conditions of a statement: operator, key, values. */
export type Conditions = Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;

/** One statement of a policy of IAM. Only such as this program writes: nothing is granted by what is left out. */
export interface Statement {
  /** Letters and digits; unique in the document. */
  readonly sid: string;
  /** @default "Allow" */
  readonly effect?: "Allow" | "Deny";
  /** Services, accounts or `"*"`; only in policies that are attached to a resource or say who may take a role. */
  readonly principal?: "*" | { readonly Service: string } | { readonly AWS: string };
  /** `service:Operation`, never with a wildcard. */
  readonly actions: readonly string[];
  /** ARNs. @default none, as in the policies that say who may take a role */
  readonly resources?: readonly string[];
  readonly conditions?: Conditions;
}

/** The language's one version that knows policy variables. */
const VERSION = "2012-10-17";

/** A policy document as JSON with sorted keys, so that equal policies have equal text. Pure. */
export function policyDocument(statements: readonly Statement[]): string {
  return canonicalJson({ Version: VERSION, Statement: statements.map(renderStatement) });
}

function renderStatement({ sid, effect = "Allow", principal, actions, resources, conditions }: Statement) {
  return {
    Sid: sid,
    Effect: effect,
    ...(principal === undefined ? {} : { Principal: principal }),
    Action: actions,
    ...(resources === undefined ? {} : { Resource: resources }),
    ...(conditions === undefined ? {} : { Condition: conditions }),
  };
}

/** {@link policyDocument} of what is known only when it has been made, such as the ARN of a key. */
export function policyDocumentOf<T extends Readonly<Record<string, Input<string>>>>(
  inputs: T,
  statements: (known: { readonly [K in keyof T]: string }) => readonly Statement[],
): Output<string> {
  return all(inputs as Record<string, Input<string>>).apply((known) =>
    policyDocument(statements(known as { readonly [K in keyof T]: string })),
  );
}

/** Who may take a role: a service of AWS, for this account alone, so that nobody can lead the service to it from another. */
export function trustService(service: string, accountId: string): string {
  return policyDocument([
    {
      sid: "Service",
      principal: { Service: service },
      actions: ["sts:AssumeRole"],
      conditions: { StringEquals: { "aws:SourceAccount": accountId } },
    },
  ]);
}

/** The same for the few services that name no source: the control plane of EKS, and machines of EC2. */
export function trustPlainService(service: string, more: readonly string[] = []): string {
  return policyDocument([{ sid: "Service", principal: { Service: service }, actions: ["sts:AssumeRole", ...more] }]);
}

/**
 * Who may take a role: pods of one cluster, in one namespace where that is given, by EKS Pod Identity. Which account of the
 * namespace that is says the association; this keeps an association with another cluster or namespace from working.
 *
 * @param clusterArn `arn:aws:eks:<region>:<account>:cluster/<name>`
 */
export function trustPods(clusterArn: string, namespace?: string): string {
  return policyDocument([
    {
      sid: "Pods",
      principal: { Service: "pods.eks.amazonaws.com" },
      actions: ["sts:AssumeRole", "sts:TagSession"],
      conditions: {
        StringEquals: {
          "aws:RequestTag/eks-cluster-arn": clusterArn,
          ...(namespace === undefined ? {} : { "aws:RequestTag/kubernetes-namespace": namespace }),
        },
      },
    },
  ]);
}

import { type ResourceValidationPolicy, unknownCheckingProxy } from "@pulumi/policy";
import { unknownValue } from "@pulumi/pulumi/runtime/rpc.js";
import { isUnknownValue } from "../../policies/rules/unknown.ts";

/** What stands for a value that is not known at preview, as the engine sends it. */
export const UNKNOWN: string = unknownValue;

export interface Judgement {
  readonly violations: readonly string[];
  /** The value that kept the policy from judging all of it; the engine reports it as an advisory. */
  readonly unknown?: string;
}

/** Judges one resource as the policy server does: unknown values throw when they are read. */
export async function judge(policy: ResourceValidationPolicy, type: string, inputs: object): Promise<Judgement> {
  const { validateResource } = policy;
  if (typeof validateResource !== "function") {
    throw new Error(`${policy.name} has no single validateResource`);
  }
  const violations: string[] = [];
  try {
    await validateResource(
      {
        type,
        name: "example",
        urn: `urn:pulumi:test::millwright::${type}::example`,
        props: unknownCheckingProxy(inputs),
        opts: {
          protect: false,
          ignoreChanges: [],
          aliases: [],
          customTimeouts: NO_TIMEOUTS,
          additionalSecretOutputs: [],
        },
        stackTags: new Map(),
        isType: () => false,
        asType: () => undefined,
        getConfig: () => {
          throw new Error(`${policy.name} reads configuration that it does not declare`);
        },
        notApplicable: () => {
          throw new Error(`${policy.name} called notApplicable`);
        },
      },
      (message) => violations.push(message),
    );
  } catch (error) {
    if (isUnknownValue(error)) {
      return { violations, unknown: error.message };
    }
    throw error;
  }
  return { violations };
}

const NO_TIMEOUTS = { createSeconds: 0, updateSeconds: 0, deleteSeconds: 0 };

/** A container that keeps every rule. */
export const COMPLIANT = {
  name: "main",
  image: `registry.example/app@sha256:${"a".repeat(64)}`,
  resources: { requests: { cpu: "100m", memory: "128Mi" }, limits: { cpu: "1", memory: "128Mi" } },
  securityContext: { privileged: false, capabilities: { drop: ["ALL"] } },
};

type Pod = Readonly<Record<string, unknown>>;

const template = (pod: Pod) => ({ spec: { template: { spec: pod } } });

/** Every kind of object that carries a pod, with the given one in it. */
export const CARRIERS: Readonly<Record<string, (pod: Pod) => object>> = {
  "kubernetes:core/v1:Pod": (pod) => ({ spec: pod }),
  "kubernetes:core/v1:PodTemplate": (pod) => ({ template: { spec: pod } }),
  "kubernetes:apps/v1:Deployment": template,
  "kubernetes:apps/v1:StatefulSet": template,
  "kubernetes:apps/v1:DaemonSet": template,
  "kubernetes:apps/v1:ReplicaSet": template,
  "kubernetes:core/v1:ReplicationController": template,
  "kubernetes:batch/v1:Job": template,
  "kubernetes:batch/v1:CronJob": (pod) => ({ spec: { jobTemplate: template(pod) } }),
  "kubernetes:apps/v1:DeploymentList": (pod) => ({ items: [template(COMPLIANT_POD), template(pod)] }),
  "kubernetes:example.dev/v1:Anything": template,
  "kubernetes:jobset.x-k8s.io/v1alpha2:JobSet": (pod) => ({
    spec: { replicatedJobs: [{ name: "workers", template: template(pod) }] },
  }),
  "kubernetes:leaderworkerset.x-k8s.io/v1:LeaderWorkerSet": (pod) => ({
    spec: { leaderWorkerTemplate: { leaderTemplate: { spec: COMPLIANT_POD }, workerTemplate: { spec: pod } } },
  }),
};

const COMPLIANT_POD = { containers: [COMPLIANT] };

export const DEPLOYMENT = "kubernetes:apps/v1:Deployment";

/** A Deployment of the compliant container with something changed. */
export function deployment(change: object = {}): object {
  return { metadata: { name: "app" }, ...template({ containers: [{ ...COMPLIANT, ...change }] }) };
}

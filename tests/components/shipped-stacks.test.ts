import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { rules } from "../../policies/rules/index.ts";
import { judge } from "../policies/judge.ts";
import { countByType, find, type Registration } from "./engine.ts";
import { REPOSITORY } from "./platform/aws/stacks.ts";
import { restrictedProblems } from "./pod-security.ts";
import { podSpecs } from "./rendered.ts";
import { declareShipped, livesOf, OUTPUTS, SHIPPED } from "./shipped-stacks.ts";

/** What every model's stack declares at its first `up` beside what follows. */
const KUBERNETES: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  local: {
    "apps/v1:Deployment": 2,
    "apps/v1:StatefulSet": 1,
    "batch/v1:Job": 3,
    "core/v1:ConfigMap": 3,
    "core/v1:Namespace": 1,
    "core/v1:PersistentVolume": 1,
    "core/v1:PersistentVolumeClaim": 1,
    "core/v1:Secret": 1,
    "core/v1:Service": 2,
    "core/v1:ServiceAccount": 6,
    "networking.k8s.io/v1:NetworkPolicy": 3,
    "rbac.authorization.k8s.io/v1:Role": 4,
    "rbac.authorization.k8s.io/v1:RoleBinding": 4,
  },
  simulated: simulated(),
  "simulated-large": simulated(),
  staging: onAws({ charts: 8, namespaces: 6, karpenterPools: 4, pools: 4 }),
  production: onAws({ charts: 9, namespaces: 7, karpenterPools: 4, pools: 5 }),
  "staging-models": models({ "apps/v1:Deployment": 3 }),
  "production-models": models({ "apps/v1:Deployment": 2, "leaderworkerset.x-k8s.io/v1:LeaderWorkerSet": 1 }),
};

function simulated() {
  return {
    "apiextensions.k8s.io/v1:CustomResourceDefinition": 1,
    "core/v1:LimitRange": 3,
    "core/v1:Namespace": 3,
    "core/v1:ResourceQuota": 3,
    "millwright.dev/v1:SimulatedNodePool": 5,
    "scheduling.k8s.io/v1:PriorityClass": 7,
  };
}

function onAws(counts: Record<"charts" | "namespaces" | "karpenterPools" | "pools", number>) {
  return {
    "core/v1:Namespace": counts.namespaces,
    "helm.sh/v3:Release": counts.charts,
    "karpenter.k8s.aws/v1:EC2NodeClass": counts.karpenterPools,
    "karpenter.sh/v1:NodePool": counts.karpenterPools,
    "kueue.x-k8s.io/v1beta2:ClusterQueue": 2,
    "kueue.x-k8s.io/v1beta2:Cohort": 1,
    "kueue.x-k8s.io/v1beta2:LocalQueue": 2,
    "kueue.x-k8s.io/v1beta2:ResourceFlavor": counts.pools,
    "kueue.x-k8s.io/v1beta2:WorkloadPriorityClass": 7,
    "scheduling.k8s.io/v1:PriorityClass": 7,
    "storage.k8s.io/v1:StorageClass": 2,
  };
}

function models(workloads: Record<string, number>) {
  return {
    ...workloads,
    "batch/v1:Job": 2,
    "core/v1:ConfigMap": 1,
    "core/v1:PersistentVolumeClaim": 1,
    "core/v1:Secret": 1,
    "core/v1:Service": 2,
    "core/v1:ServiceAccount": 4,
    "keda.sh/v1alpha1:ScaledObject": 1,
    "keda.sh/v1alpha1:TriggerAuthentication": 1,
    "networking.k8s.io/v1:NetworkPolicy": 3,
    "policy/v1:PodDisruptionBudget": 1,
    "rbac.authorization.k8s.io/v1:Role": 2,
    "rbac.authorization.k8s.io/v1:RoleBinding": 2,
  };
}

function kubernetes(registrations: readonly Registration[]): readonly Registration[] {
  return registrations.filter(({ custom, type }) => custom && type.startsWith("kubernetes:"));
}

/** What is declared; what AWS would say of it is in platform/aws, and what an API server says in tests/conformance/objects. */
describe("the stacks that come with the program", () => {
  it("are all looked at here", async () => {
    const files = await readdir(path.join(REPOSITORY, "stacks"));
    const names = files.flatMap((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? []);
    assert.deepEqual(names.sort(), [...SHIPPED].sort());
  });

  for (const name of SHIPPED) {
    describe(name, () => {
      it("declares exactly these objects of Kubernetes at its first up", async () => {
        const { registrations } = await declareShipped(name);
        const counts = countByType(kubernetes(registrations));
        const short = Object.entries(counts).map(([type, count]) => [type.replace(/^kubernetes:/, ""), count]);
        assert.deepEqual(Object.fromEntries(short), KUBERNETES[name]);
      });

      it("declares only pods that keep the restricted standard and every policy, at any time", async () => {
        for (const observations of await livesOf(name)) {
          const { registrations } = await declareShipped(name, observations);
          for (const { name: pod, spec } of podSpecs(kubernetes(registrations))) {
            assert.deepEqual(restrictedProblems(spec), [], pod);
          }
          for (const { type, inputs, name: object } of kubernetes(registrations)) {
            for (const rule of rules) {
              assert.deepEqual((await judge(rule, type, inputs)).violations, [], `${rule.name} of ${object}`);
            }
          }
        }
      });
    });
  }

  it("hands the platform's database to a stack of models as a secret", async () => {
    const { registrations } = await declareShipped("production-models");
    const secret = find(registrations, "kubernetes:core/v1:Secret");
    const marked = JSON.stringify(secret.inputs, (_key, value: unknown) =>
      value !== null && typeof value === "object" && "4dabf18193072939515e22adb298388d" in value ? "[secret]" : value,
    );
    assert.ok(!marked.includes(OUTPUTS.database?.password ?? "?"), marked);
    const clear = JSON.stringify(registrations.filter((each) => each !== secret));
    assert.ok(!clear.includes(OUTPUTS.database?.password ?? "?"), "the password is elsewhere, too");
  });

  it("gives pods their roles in AWS before it makes them", async () => {
    const { registrations } = await declareShipped("production-models");
    const associations = registrations.filter(({ type }) => type.endsWith(":PodIdentityAssociation"));
    const accounts = associations.map(({ inputs }) => inputs["serviceAccount"]).sort();
    const known = registrations
      .filter(({ type }) => type === "kubernetes:core/v1:ServiceAccount")
      .map(({ inputs }) => (inputs["metadata"] as { name: string }).name);
    assert.deepEqual(
      accounts.filter((account) => !known.includes(String(account))),
      [],
      "an account that there is not",
    );
    const first = registrations.findIndex(({ type }) => type === "kubernetes:batch/v1:Job");
    assert.ok(registrations.findIndex(({ type }) => type.endsWith(":PodIdentityAssociation")) < first);
  });
});

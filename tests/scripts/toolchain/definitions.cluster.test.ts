// The definitions of every project in the table, on a real API server. Needs what Go gets modules from, the first time.
import assert from "node:assert/strict";
import { globSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { renderSimulatedPoolDefinition } from "../../../components/compute/pools/simulated.ts";
import { cacheRoot } from "../../../scripts/lib/roots.ts";
import {
  chartValues,
  customResourceDefinitions,
  DEFINITIONS,
  type DefinitionsName,
  definitionsFolder,
} from "../../../scripts/toolchain/definitions.ts";
import { dryRun } from "../../conformance/dry-run.ts";

const SIMULATED_GROUP = renderSimulatedPoolDefinition().spec.group;

const ROOT = path.join(import.meta.dirname, "../../..");

/** What an API server has by itself. */
const CORE_GROUPS = ["networking.k8s.io", "rbac.authorization.k8s.io", "scheduling.k8s.io", "apiextensions.k8s.io"];

/** Groups of what is never applied to an API server, with what reads it instead. */
const NOT_APPLIED: Readonly<Record<string, string>> = {
  "client.authentication.k8s.io": "a kubeconfig, for the command that gets a token",
  "config.kueue.x-k8s.io": "Kueue, from its chart's values",
  "kubescheduler.config.k8s.io": "kube-scheduler, from a file",
  "node.eks.aws": "nodeadm, from a machine's user data",
};

const NAMES = Object.keys(DEFINITIONS) as DefinitionsName[];

/** Kinds that are declared somewhere here, with a version that is served. */
const DECLARED: Readonly<Record<DefinitionsName, readonly string[]>> = {
  karpenter: ["karpenter.sh/v1 NodePool", "karpenter.k8s.aws/v1 EC2NodeClass"],
  kueue: ["ResourceFlavor", "ClusterQueue", "Cohort", "LocalQueue", "Topology"].map(
    (kind) => `kueue.x-k8s.io/v1beta2 ${kind}`,
  ),
  leaderworkerset: ["leaderworkerset.x-k8s.io/v1 LeaderWorkerSet"],
  jobset: ["jobset.x-k8s.io/v1alpha2 JobSet"],
  keda: ["keda.sh/v1alpha1 ScaledObject"],
  "prometheus-operator": ["PodMonitor", "PrometheusRule", "ServiceMonitor"].map(
    (kind) => `monitoring.coreos.com/v1 ${kind}`,
  ),
};

describe("definitions of custom resources", function () {
  this.timeout(600_000);
  this.slow(60_000);

  for (const name of NAMES) {
    it(`of ${name} have the kinds that are declared, served, and the API server takes them`, async () => {
      const served = (await customResourceDefinitions(name)).flatMap(({ spec }) =>
        spec.versions.filter((each) => each.served).map((each) => `${spec.group}/${each.name} ${spec.names.kind}`),
      );
      assert.deepEqual(
        DECLARED[name].filter((kind) => !served.includes(kind)),
        [],
      );
      await (await dryRun()).define(name);
    });
  }

  it("are kept in the cache, with nothing of how they were fetched", async () => {
    const folder = path.join(cacheRoot(), "definitions");
    const kept = NAMES.map((name) => path.basename(definitionsFolder(name)));
    assert.deepEqual(
      readdirSync(folder).filter((entry) => NAMES.some((name) => entry.startsWith(`.${name}.`))),
      [],
    );
    assert.ok(kept.every((entry) => readdirSync(folder).includes(entry)));
  });

  it("are there for every kind of object that the components declare, beside the core's", async () => {
    const sources = globSync("components/**/*.ts", { cwd: ROOT }).map((file) =>
      readFileSync(path.join(ROOT, file), "utf8"),
    );
    const declared = new Set(
      sources.flatMap((text) =>
        [...text.matchAll(/"([a-z0-9-]+(?:\.[a-z0-9-]+)+)\/v\d\w*"/g)].map(([, group]) => group!),
      ),
    );
    const defined = (await Promise.all(NAMES.map((name) => customResourceDefinitions(name))))
      .flat()
      .map(({ spec }) => spec.group);
    const known = new Set([...defined, ...CORE_GROUPS, ...Object.keys(NOT_APPLIED), SIMULATED_GROUP]);
    assert.ok(declared.size > 5, [...declared].join(", "));
    assert.deepEqual(
      [...declared].filter((group) => !known.has(group)),
      [],
    );
  });

  it("come with the values of the chart, where the module has it", async () => {
    for (const name of NAMES.filter((each) => DEFINITIONS[each].chart !== undefined)) {
      assert.ok(Object.keys((await chartValues(name)) as object).length > 0, name);
    }
    await assert.rejects(chartValues("keda"), /the module of keda carries no chart/);
  });

  it("refuse what the kind does not have", async () => {
    const server = await dryRun();
    await server.define("kueue");
    const flavor = { apiVersion: "kueue.x-k8s.io/v1beta2", kind: "ResourceFlavor", metadata: { name: "a" } };
    assert.equal(await server.refusal({ ...flavor, spec: { nodeLabels: { a: "b" } } } as never), undefined);
    assert.match(
      (await server.refusal({ ...flavor, spec: { nodeLabel: { a: "b" } } } as never)) ?? "",
      /spec\.nodeLabel/,
    );
  });
});

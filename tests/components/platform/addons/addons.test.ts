// Which charts a stack's cluster has, with which values, and what is declared of them. Charts are installed by the official
// plugin alone, so nothing here proves that they install; that their values are ones they know is in values.cluster.test.ts,
// for the charts whose modules carry them.
import assert from "node:assert/strict";
import { parse } from "yaml";
import { platformRules } from "../../../../components/monitoring/platform-rules.ts";
import { CHART_NAMES, CHARTS, type ChartName } from "../../../../components/platform/addons/charts.ts";
import { Addons } from "../../../../components/platform/addons/component.ts";
import { countersFile } from "../../../../components/platform/addons/counters.ts";
import { addonsOf } from "../../../../components/platform/addons/needed.ts";
import type { AddonStack, AddonsArgs, GuestStack, Values } from "../../../../components/platform/addons/types.ts";
import { validateAddons } from "../../../../components/platform/addons/validate.ts";
import { AUTOSCALER_VERSIONS } from "../../../../components/platform/addons/values/cluster-autoscaler.ts";
import { kueueConfiguration } from "../../../../components/platform/addons/values/kueue.ts";
import { KUBERNETES_VERSIONS } from "../../../../components/platform/aws/cluster/addons.ts";
import { CLUSTER_AUTOSCALER } from "../../../../components/platform/aws/defaults.ts";
import { DEFINITIONS, type DefinitionsName } from "../../../../scripts/toolchain/definitions.ts";
import { declare, find, type Registration, refusal } from "../../engine.ts";
import { H100_POOL, L40S_POOL } from "../../serving/language/fixtures.ts";
import { CONTEXT, FULL_STACK, GUEST, KUEUE, PLAIN_POOL, SCALED_POOL, stackOf } from "./fixtures.ts";

const chartsOf = (stack: AddonStack, guests: readonly GuestStack[] = []) =>
  addonsOf(stack, CONTEXT, guests).map(({ chart }) => chart);
const valuesOf = (chart: ChartName, stack: AddonStack = FULL_STACK, guests: readonly GuestStack[] = [GUEST]) => {
  const addon = addonsOf(stack, CONTEXT, guests).find((each) => each.chart === chart);
  assert.ok(addon !== undefined, chart);
  return addon.values;
};
/** What {@link FULL_STACK} has, whose metrics are in the cluster. */
const EVERYTHING = CHART_NAMES.filter((chart) => chart !== "kube-state-metrics");
const at = (values: Values, path: string) =>
  path.split(".").reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], values);

describe("the charts of add-ons", () => {
  it("are pinned to one version each, with where that was read", () => {
    for (const [name, { version, appVersion, repository, source, readOn }] of Object.entries(CHARTS)) {
      assert.match(version, /^v?\d+\.\d+\.\d+$/, name);
      assert.match(appVersion, /^v?\d+\.\d+\.\d+$/, name);
      assert.match(repository, /^(oci|https):\/\//, name);
      assert.ok(!repository.startsWith("oci:") || repository.endsWith(`/${name}`), name);
      assert.ok(source !== "" && /^2026-\d\d(-\d\d)?$/.test(readOn), name);
    }
  });

  it("have the versions whose definitions our objects are held against", () => {
    const pairs: readonly [ChartName, DefinitionsName][] = [
      ["karpenter", "karpenter"],
      ["karpenter-crd", "karpenter"],
      ["kueue", "kueue"],
      ["lws", "leaderworkerset"],
      ["jobset", "jobset"],
      ["keda", "keda"],
      ["kube-prometheus-stack", "prometheus-operator"],
    ];
    for (const [chart, definitions] of pairs) {
      assert.equal(`v${CHARTS[chart].appVersion}`, DEFINITIONS[definitions].version, chart);
    }
  });

  it("stand in an order in which each comes after those it waits for", () => {
    for (const [index, name] of CHART_NAMES.entries()) {
      for (const before of CHARTS[name].after) {
        assert.ok(CHART_NAMES.indexOf(before) < index, `${name} after ${before}`);
      }
    }
  });

  it("say what their namespace's pods may do, but for the one that is there", () => {
    for (const [name, { namespace, security }] of Object.entries(CHARTS)) {
      assert.equal(security === undefined, namespace === "kube-system", name);
    }
  });
});

describe("the add-ons of a stack", () => {
  for (const [what, stack, guests, expected] of [
    ["nothing but machines", stackOf({ pools: [PLAIN_POOL] }), [], ["kube-state-metrics"]],
    [
      "a pool of Karpenter's with devices",
      stackOf({ pools: [L40S_POOL] }),
      [],
      ["kube-state-metrics", "gpu-operator", "karpenter-crd", "karpenter"],
    ],
    [
      "a group of nodes with devices and EFA",
      stackOf({ pools: [H100_POOL] }),
      [],
      ["kube-state-metrics", "gpu-operator", "aws-efa-k8s-device-plugin"],
    ],
    [
      "AWS's own devices",
      stackOf({
        pools: [
          { ...PLAIN_POOL, provisioning: { ...PLAIN_POOL.provisioning, instanceTypes: ["trn2.48xlarge"] } as never },
        ],
      }),
      [],
      ["kube-state-metrics"],
    ],
    [
      "queues of Kueue",
      stackOf({ pools: [PLAIN_POOL], scheduling: KUEUE }),
      [],
      ["kube-state-metrics", "jobset", "kueue"],
    ],
    [
      "quotas of the core",
      stackOf({ scheduling: { ...KUEUE, queues: { kind: "resourceQuota" } } }),
      [],
      ["kube-state-metrics"],
    ],
    [
      "a group of nodes whose number changes",
      stackOf({ pools: [PLAIN_POOL, SCALED_POOL] }),
      [],
      ["kube-state-metrics", "cluster-autoscaler"],
    ],
    ["an autoscaler", stackOf({ platform: { autoscaler: { kind: "present" } } }), [], ["kube-state-metrics", "keda"]],
    ["metrics of its own", stackOf({ cluster: { metrics: "inCluster" } }), [], ["kube-prometheus-stack"]],
    [
      "a guest that is scaled",
      stackOf({}),
      [{ ...GUEST, endpoints: GUEST.endpoints.slice(0, 1) }],
      ["kube-state-metrics", "keda"],
    ],
    [
      "a guest of several nodes",
      stackOf({}),
      [{ ...GUEST, endpoints: GUEST.endpoints.slice(1) }],
      ["kube-state-metrics", "lws"],
    ],
    // Which has a kube-state-metrics in kube-prometheus-stack.
    ["everything", FULL_STACK, [GUEST], EVERYTHING],
    [
      "a cluster that exists",
      { ...FULL_STACK, platform: { ...FULL_STACK.platform, cluster: { kind: "existing", context: "lab" } } },
      [GUEST],
      [],
    ],
  ] satisfies [string, AddonStack, readonly GuestStack[], readonly ChartName[]][]) {
    it(`are what it needs and nothing else: ${what}`, () => {
      assert.deepEqual(chartsOf(stack, guests), expected);
    });
  }

  it("say what calls for them", () => {
    const reasons = Object.fromEntries(
      addonsOf(FULL_STACK, CONTEXT, [GUEST]).map(({ chart, because }) => [chart, because]),
    );
    assert.equal(reasons["gpu-operator"], "NVIDIA's devices are in serving, frontier, shared");
    assert.equal(reasons["lws"], "several nodes are one replica of frontier-chat");
    assert.equal(reasons["keda"], "requests scale chat");
    assert.equal(reasons["cluster-autoscaler"], "the Cluster Autoscaler sets the size of batch");
  });
});

describe("values of add-ons", () => {
  it("leave the driver and the toolkit to EKS's images, and name parts of devices by what they are", () => {
    const values = valuesOf("gpu-operator");
    assert.deepEqual(at(values, "driver"), { enabled: false });
    assert.deepEqual(at(values, "toolkit"), { enabled: false });
    assert.equal(at(values, "mig.strategy"), "mixed");
    assert.equal(at(values, "migManager.enabled"), false);
    const mig = stackOf({ pools: [{ ...H100_POOL, devices: { kind: "mig", profile: "1g.10gb" } }] });
    assert.equal(at(valuesOf("gpu-operator", mig), "migManager.enabled"), true);
  });

  it("give the device plugin a configuration for each way devices are shared", () => {
    const config = at(valuesOf("gpu-operator"), "devicePlugin.config") as {
      default: string;
      data: Record<string, string>;
    };
    assert.deepEqual(Object.keys(config.data), ["time-slicing-4", "whole"]);
    assert.ok(config.default in config.data);
    assert.equal(parse(config.data["time-slicing-4"]!).sharing.timeSlicing.resources[0].replicas, 4);
  });

  it("bring agents onto nodes with any of the pools' taints, each said once", () => {
    assert.deepEqual(at(valuesOf("gpu-operator"), "daemonsets.tolerations"), [
      { key: "nvidia.com/gpu", operator: "Exists", effect: "NoSchedule" },
    ]);
    const own = stackOf({ pools: [{ ...H100_POOL, taints: [{ key: "team", value: "a", effect: "NoExecute" }] }] });
    const tolerations = [{ key: "team", operator: "Exists", effect: "NoExecute" }];
    assert.deepEqual(at(valuesOf("gpu-operator", own), "daemonsets.tolerations"), tolerations);
    assert.deepEqual(at(valuesOf("gpu-operator", own), "node-feature-discovery.worker.tolerations"), tolerations);
    assert.deepEqual(at(valuesOf("aws-efa-k8s-device-plugin", own), "tolerations"), tolerations);
  });

  it("have each device tell what failing hardware is known by, one number a line", () => {
    const lines = countersFile().trimEnd().split("\n");
    const fields = lines.map((line) => line.split(", ")[0]!);
    for (const line of lines) {
      assert.match(
        line,
        /^DCGM_(FI|EXP)_[A-Z0-9_]+, (gauge|counter), [^,]+\.$/,
        "the exporter splits a line at its commas",
      );
    }
    assert.equal(new Set(fields).size, fields.length);
    for (const field of ["DCGM_EXP_XID_ERRORS_COUNT", "DCGM_FI_DEV_ECC_DBE_VOL_TOTAL", "DCGM_FI_PROF_SM_ACTIVE"]) {
      assert.ok(fields.includes(field), field);
    }
    assert.equal(at(valuesOf("gpu-operator"), "dcgmExporter.config.data"), countersFile());
  });

  it("take EFA's plugin to the pools' own machines, from the region's own registry", () => {
    const values = valuesOf("aws-efa-k8s-device-plugin");
    assert.deepEqual(at(values, "supportedInstanceLabels.values"), ["p5.48xlarge"]);
    assert.match(String(at(values, "image.repository")), /\.us-east-2\./);
  });

  it("tell Karpenter its cluster, its queue and the gates its pools need", () => {
    const { settings } = valuesOf("karpenter") as { settings: Values };
    assert.deepEqual(settings, {
      clusterName: CONTEXT.clusterName,
      interruptionQueue: CONTEXT.interruptionQueue,
      eksControlPlane: true,
      featureGates: { reservedCapacity: true, staticCapacity: false, nodeRepair: true },
    });
    const fixed = stackOf({ pools: [{ ...L40S_POOL, size: { kind: "fixed", nodes: 2 }, repair: false }] });
    assert.deepEqual(at(valuesOf("karpenter", fixed), "settings.featureGates"), {
      reservedCapacity: true,
      staticCapacity: true,
      nodeRepair: false,
    });
  });

  it("tell the Cluster Autoscaler its cluster and region, and give it the account that has the role", () => {
    const values = valuesOf("cluster-autoscaler");
    assert.equal(at(values, "autoDiscovery.clusterName"), CONTEXT.clusterName);
    assert.equal(at(values, "awsRegion"), CONTEXT.region);
    assert.deepEqual(at(values, "extraArgs"), { expander: "least-waste" });
    const { namespace } = CHARTS["cluster-autoscaler"];
    assert.deepEqual({ namespace, serviceAccount: at(values, "rbac.serviceAccount.name") }, CLUSTER_AUTOSCALER);
    assert.equal(at(values, "serviceMonitor.namespace"), namespace);
  });

  it("run the Cluster Autoscaler of the cluster's own minor version, whichever that is", () => {
    assert.deepEqual(Object.keys(AUTOSCALER_VERSIONS), KUBERNETES_VERSIONS);
    for (const version of KUBERNETES_VERSIONS) {
      const stack = stackOf({ cluster: { version }, pools: [SCALED_POOL] });
      assert.ok(String(at(valuesOf("cluster-autoscaler", stack), "image.tag")).startsWith(`v${version}.`), version);
    }
    const newer = stackOf({ cluster: { version: "1.99" }, pools: [SCALED_POOL] });
    assert.equal(at(valuesOf("cluster-autoscaler", newer), "image.tag"), `v${CHARTS["cluster-autoscaler"].appVersion}`);
  });

  it("have Kueue wait for the slowest endpoint's start, and share by the teams' weights", () => {
    const text = String(at(valuesOf("kueue"), "managerConfig.controllerManagerConfigYaml"));
    const config = parse(text) as ReturnType<typeof kueueConfiguration>;
    assert.deepEqual(config, kueueConfiguration([1800, 3600]));
    assert.equal(config.waitForPodsReady.timeout, "5100s");
    assert.equal(kueueConfiguration([]).waitForPodsReady.timeout, "1800s");
    assert.ok(config.fairSharing.preemptionStrategies.length > 0);
    for (const framework of ["batch/job", "deployment", "leaderworkerset.x-k8s.io/leaderworkerset"]) {
      assert.ok(config.integrations.frameworks.includes(framework), framework);
    }
  });

  it("keep Kueue's webhooks away from everything the cluster itself needs", () => {
    const [rule] = kueueConfiguration([]).managedJobsNamespaceSelector.matchExpressions;
    assert.equal(rule!.operator, "NotIn");
    for (const { namespace } of Object.values(CHARTS)) {
      assert.ok(rule!.values.includes(namespace), namespace);
    }
  });

  it("have everybody tell the Prometheus Operator of themselves where it is, and nobody where not", () => {
    const managed = stackOf({
      pools: [L40S_POOL, H100_POOL, SCALED_POOL],
      scheduling: KUEUE,
      platform: { autoscaler: { kind: "present" } },
    });
    for (const [chart, path] of [
      ["gpu-operator", "dcgmExporter.serviceMonitor.enabled"],
      ["karpenter", "serviceMonitor.enabled"],
      ["cluster-autoscaler", "serviceMonitor.enabled"],
      ["keda", "prometheus.operator.serviceMonitor.enabled"],
      ["kueue", "enablePrometheus"],
    ] as const) {
      assert.equal(at(valuesOf(chart), path), true, chart);
      assert.equal(at(valuesOf(chart, managed, []), path), false, chart);
    }
  });

  it("have the stack's Prometheus look at everybody's monitors and rules", () => {
    const spec = at(valuesOf("kube-prometheus-stack"), "prometheus.prometheusSpec") as Record<string, unknown>;
    for (const kind of ["rule", "serviceMonitor", "podMonitor"]) {
      assert.equal(spec[`${kind}SelectorNilUsesHelmValues`], false);
    }
    assert.deepEqual(at(valuesOf("kube-prometheus-stack"), "grafana"), { enabled: false });
  });

  it("tell the same of a node once, whichever Prometheus asks", () => {
    assert.deepEqual(at(valuesOf("kube-prometheus-stack"), "defaultRules.disabled"), {
      KubeNodeNotReady: true,
      KubeNodePressure: true,
    });
    assert.deepEqual(at(valuesOf("kube-state-metrics", stackOf({}), []), "collectors"), ["nodes"]);
    assert.deepEqual(at(valuesOf("gpu-operator"), "dcgmExporter.serviceMonitor.relabelings"), [
      { sourceLabels: ["__meta_kubernetes_pod_node_name"], targetLabel: "node" },
    ]);
  });
});

describe("Addons", () => {
  const RELEASE = "kubernetes:helm.sh/v3:Release";
  const ARGS: AddonsArgs = { ...CONTEXT, stack: FULL_STACK, guests: [GUEST], kubernetesVersion: "1.34" };
  const registered = async (args: AddonsArgs) => (await declare(() => new Addons("addons", args))).registrations;
  const releases = (registrations: readonly Registration[]) => registrations.filter(({ type }) => type === RELEASE);

  it("declares a release of each chart at its version, and the namespaces that are not there", async () => {
    const registrations = await registered(ARGS);
    assert.deepEqual(
      Object.fromEntries(
        releases(registrations).map(({ name, inputs }) => [
          name,
          [inputs["name"], inputs["version"], inputs["namespace"]],
        ]),
      ),
      Object.fromEntries(
        EVERYTHING.map((chart) => [`addons-${chart}`, [chart, CHARTS[chart].version, CHARTS[chart].namespace]]),
      ),
    );
    const namespaces = registrations.filter(({ type }) => type === "kubernetes:core/v1:Namespace");
    assert.deepEqual(
      namespaces.map(({ inputs }) => (inputs["metadata"] as { name: string }).name),
      ["monitoring", "gpu-operator", "keda", "jobset-system", "lws-system", "kueue-system"],
    );
    assert.ok(registrations.every(({ custom, parent }) => !custom || parent === "addons"));
  });

  it("has a chart from where it is: by its address, or by its name and its repository's", async () => {
    const registrations = await registered(ARGS);
    const { inputs } = find(registrations, RELEASE, "addons-karpenter");
    assert.deepEqual(
      {
        chart: inputs["chart"],
        repositoryOpts: inputs["repositoryOpts"],
        atomic: inputs["atomic"],
        createNamespace: inputs["createNamespace"],
        skipCrds: inputs["skipCrds"],
      },
      {
        chart: "oci://public.ecr.aws/karpenter/karpenter",
        repositoryOpts: undefined,
        atomic: true,
        createNamespace: false,
        skipCrds: true,
      },
    );
    const keda = find(registrations, RELEASE, "addons-keda").inputs;
    assert.equal(keda["chart"], "keda");
    assert.deepEqual(keda["repositoryOpts"], { repo: "https://kedacore.github.io/charts" });
    assert.equal(keda["skipCrds"], false);
  });

  it("hands on the values as they are", async () => {
    const registrations = await registered(ARGS);
    for (const { chart, values } of addonsOf(FULL_STACK, CONTEXT, [GUEST])) {
      assert.deepEqual(find(registrations, RELEASE, `addons-${chart}`).inputs["values"], values, chart);
    }
  });

  it("installs definitions before what uses them, and what stands in the way of others last", async () => {
    const registrations = await registered(ARGS);
    const dependencies = (chart: ChartName) => find(registrations, RELEASE, `addons-${chart}`).dependencies;
    assert.ok(dependencies("karpenter").includes("addons-karpenter-crd"));
    assert.deepEqual(dependencies("kueue").toSorted(), [
      "addons-gpu-operator",
      "addons-jobset",
      "addons-keda",
      "addons-kube-prometheus-stack",
      "addons-kueue-namespace",
      "addons-lws",
    ]);
    const alone = await registered({ ...ARGS, stack: stackOf({ pools: [L40S_POOL] }), guests: [] });
    assert.deepEqual(find(alone, RELEASE, "addons-karpenter").dependencies, ["addons-karpenter-crd"]);
  });

  it("gives the platform's rules to a Prometheus of the cluster's own, once it is there, and to no other", async () => {
    const kind = "kubernetes:monitoring.coreos.com/v1:PrometheusRule";
    const rules = platformRules(FULL_STACK);
    const object = find(await registered({ ...ARGS, rules }), kind, "addons-rules");
    assert.deepEqual(object.dependencies, ["addons-kube-prometheus-stack"]);
    assert.deepEqual(object.inputs["spec"], { groups: rules });
    assert.equal((object.inputs["metadata"] as { namespace: string }).namespace, "monitoring");
    for (const args of [ARGS, { ...ARGS, rules, stack: stackOf({ pools: [L40S_POOL] }) }]) {
      assert.ok((await registered(args)).every(({ type }) => type !== kind));
    }
  });

  it("refuses a Kubernetes that is too old, with what needs a newer one", async () => {
    const error = await refusal(() => new Addons("addons", { ...ARGS, kubernetesVersion: "1.28" }));
    assert.match(error.message, /^The add-ons cannot be made:/);
    assert.match(
      error.message,
      /must be at least 1\.29 for kueue 0\.19\.2, which is needed because scheduling\.queues is kueue/,
    );
    const addons = addonsOf(FULL_STACK, CONTEXT, [GUEST]);
    for (const version of ["1.29", "1.34", "2.0"]) {
      assert.deepEqual(validateAddons({ kubernetesVersion: version }, addons), [], version);
    }
    assert.equal(validateAddons({ kubernetesVersion: "1.9" }, addons).length, 4);
  });
});

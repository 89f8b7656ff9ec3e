// What is declared of Prometheus and the watcher. Not proven: that the rules say what they should (rules.service.test.ts),
// that the watcher decides as it should (workloads/tests/test_watch_decision.py), and that Kubernetes accepts the objects.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { parse } from "yaml";
import { labelsFor, selectorLabelsFor } from "../../../components/core/labels.ts";
import { serversServiceName } from "../../../components/monitoring/addresses.ts";
import { Prometheus, Watcher } from "../../../components/monitoring/component.ts";
import { renderConfigFiles } from "../../../components/monitoring/config.ts";
import {
  renderConfig,
  renderDataClaim,
  renderServersService,
  renderStatefulSet,
  retentionSeconds,
} from "../../../components/monitoring/render.ts";
import { PRIOR } from "../../../components/monitoring/rules.ts";
import { validatePrometheus } from "../../../components/monitoring/validate.ts";
import { renderWatchConfig, renderWatcher, renderWatcherIdentity } from "../../../components/monitoring/watcher.ts";
import { watchSchema } from "../../../stacks/schema.ts";
import { countByType, declare, find, refusal } from "../engine.ts";
import { restrictedProblems } from "../pod-security.ts";
import { ARGS, DIGITS, ON_CLASS, TRIAGE, WATCHER_ARGS } from "./fixtures.ts";

const CONFIG_MAP = "kubernetes:core/v1:ConfigMap";
const SERVICE = "kubernetes:core/v1:Service";
const STATEFUL_SET = "kubernetes:apps/v1:StatefulSet";
const CLAIM = "kubernetes:core/v1:PersistentVolumeClaim";
const WORKLOADS = path.join(import.meta.dirname, "../../../workloads");

interface Scraping {
  readonly rule_files: readonly string[];
  readonly scrape_configs: readonly {
    readonly job_name: string;
    readonly dns_sd_configs?: readonly { readonly names: readonly string[]; readonly port: number }[];
  }[];
}

describe("Prometheus", () => {
  it("is its configuration, an account, a server and its Service, and a Service of each model's servers", async () => {
    const { registrations, result } = await declare(() => new Prometheus("prometheus", ARGS));
    assert.deepEqual(countByType(registrations), {
      "millwright:monitoring:Prometheus": 1,
      [CONFIG_MAP]: 1,
      "kubernetes:core/v1:ServiceAccount": 1,
      "kubernetes:networking.k8s.io/v1:NetworkPolicy": 1,
      [SERVICE]: 3,
      [STATEFUL_SET]: 1,
    });
    for (const { name, parent } of registrations.slice(1)) {
      assert.equal(parent, "prometheus", name);
    }
    assert.deepEqual(find(registrations, STATEFUL_SET).dependencies, [
      "prometheus-config",
      "prometheus-account",
      "prometheus-policy",
    ]);
    assert.deepEqual(find(registrations, SERVICE, "prometheus-service").dependencies, ["prometheus-server"]);
    assert.equal(result.url, "http://prometheus.models.svc.cluster.local:9090");
  });

  it("keeps its data in a folder of the artifact store's node, or in a claim of its own", async () => {
    const { registrations } = await declare(() => new Prometheus("prometheus", ON_CLASS));
    assert.ok(find(registrations, STATEFUL_SET).dependencies.includes("prometheus-claim"));
    assert.deepEqual(find(registrations, CLAIM).inputs["spec"], renderDataClaim(ON_CLASS, "ssd").spec);
    const data = (args: typeof ARGS) => {
      const { volumes, containers } = renderStatefulSet(args, "config").spec.template.spec;
      return [volumes[1], containers[0]!.volumeMounts[1]];
    };
    assert.deepEqual(data(ARGS), [
      { name: "data", persistentVolumeClaim: { claimName: "artifacts" } },
      { name: "data", mountPath: "/millwright/prometheus", subPath: "prometheus" },
    ]);
    assert.deepEqual(data(ON_CLASS), [
      { name: "data", persistentVolumeClaim: { claimName: "prometheus" } },
      { name: "data", mountPath: "/millwright/prometheus" },
    ]);
  });

  it("keeps the restricted standard, without a token and with a read-only root", () => {
    const pod = renderStatefulSet(ARGS, "config").spec.template.spec;
    assert.deepEqual(restrictedProblems(pod), []);
    assert.equal(pod.automountServiceAccountToken, false);
    assert.equal(pod.containers[0]!.securityContext.readOnlyRootFilesystem, true);
  });

  it("is started anew with a changed configuration, and with nothing else", () => {
    const { name } = renderConfig(ARGS).metadata;
    assert.equal(renderConfig({ ...ARGS, image: "prometheus@sha256:2" }).metadata.name, name);
    const changed = { ...DIGITS, watch: watchSchema.parse({ drift: { threshold: 0.3 } }) };
    assert.notEqual(renderConfig({ ...ARGS, models: [TRIAGE, changed] }).metadata.name, name);
    assert.deepEqual(renderStatefulSet(ARGS, name).spec.template.spec.volumes[0], {
      name: "config",
      configMap: { name },
    });
    assert.equal(renderConfig(ARGS).immutable, true);
  });

  it("looks at every router and server of each model by the names of their Services", () => {
    const files = renderConfigFiles(ARGS);
    assert.deepEqual(Object.keys(files).sort(), [
      "digits.rules.yml",
      "mail-triage.rules.yml",
      "own.alerts.yml",
      "prometheus.yml",
    ]);
    const { scrape_configs } = parse(files["prometheus.yml"]!) as Scraping;
    const found = scrape_configs.map(({ job_name, dns_sd_configs }) => [
      job_name,
      dns_sd_configs?.[0]?.names[0]?.replace(/-[0-9a-f]{10}\./, "-HASH."),
      dns_sd_configs?.[0]?.port,
    ]);
    const host = (service: string) => `${service}-HASH.models.svc.cluster.local`;
    assert.deepEqual(found, [
      ["prometheus", undefined, undefined],
      ["routers-mail-triage", host("mail-triage-metrics"), 8404],
      ["servers-mail-triage", host("mail-triage-servers"), 8082],
      ["routers-digits", host("digits-metrics"), 8404],
      ["servers-digits", host("digits-servers"), 8082],
    ]);
  });

  it("finds the servers of all of a model's versions, before they are ready too", () => {
    const { metadata, spec } = renderServersService(TRIAGE, ARGS)!;
    assert.equal(metadata.name, serversServiceName("mail-triage"));
    assert.equal(metadata.annotations["pulumi.com/skipAwait"], "true");
    assert.equal(spec.clusterIP, "None");
    assert.equal(spec.publishNotReadyAddresses, true);
    const server = labelsFor({ component: "serving", model: "mail-triage", version: "v1" });
    assert.deepEqual({ ...server, ...spec.selector }, server, "a server's labels are selected");
    const others = [
      labelsFor({ component: "router", model: "mail-triage" }),
      labelsFor({ component: "serving", model: "x" }),
    ];
    for (const other of others) {
      assert.notDeepEqual({ ...other, ...spec.selector }, other);
    }
  });

  it("keeps data for longer than the longest window", () => {
    assert.equal(retentionSeconds([TRIAGE]), 1.5 * 604_800);
    const short = watchSchema.parse({ quality: { windowSeconds: 600 } });
    assert.equal(retentionSeconds([{ name: "a", watch: short }]), 172_800);
  });

  it("adds to each bucket what the reference adds", () => {
    const features = readFileSync(path.join(WORKLOADS, "trainer/millwright_workloads/features.py"), "utf8");
    assert.match(features, new RegExp(`^PRIOR = ${PRIOR}$`, "m"));
  });

  it("refuses what it cannot look at, all at once", async () => {
    const hasty = { name: "digits", watch: watchSchema.parse({ drift: { windowSeconds: 60 } }) };
    const wrong = { ...ARGS, models: [hasty, TRIAGE, TRIAGE], scrapeSeconds: 20 };
    assert.deepEqual(
      validatePrometheus(wrong).map(({ path: place, value }) => [place, value]),
      [
        ["models[2].name", "mail-triage"],
        ["models[0].watch.drift.windowSeconds", 60],
      ],
    );
    assert.equal(validatePrometheus({ ...ARGS, models: [] }).length, 1);
    assert.equal(validatePrometheus({ ...ARGS, scrapeSeconds: 4 }).length, 1);
    const error = await refusal(() => new Prometheus("prometheus", wrong));
    assert.match(error.message, /^Prometheus cannot be made:\n/);
  });
});

describe("the watcher", () => {
  it("is its configuration, an account that may list and create ConfigMaps, and one pod", async () => {
    const { registrations } = await declare(() => new Watcher("watcher", WATCHER_ARGS));
    assert.deepEqual(countByType(registrations), {
      "millwright:monitoring:Watcher": 1,
      [CONFIG_MAP]: 1,
      "kubernetes:core/v1:ServiceAccount": 1,
      "kubernetes:rbac.authorization.k8s.io/v1:Role": 1,
      "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding": 1,
      "kubernetes:apps/v1:Deployment": 1,
    });
    const { role, binding, serviceAccount } = renderWatcherIdentity(WATCHER_ARGS);
    assert.deepEqual(role.rules, [{ apiGroups: [""], resources: ["configmaps"], verbs: ["list", "create"] }]);
    assert.deepEqual(binding.subjects, [{ kind: "ServiceAccount", name: "watcher", namespace: "models" }]);
    assert.equal(serviceAccount.automountServiceAccountToken, false);
    const { dependencies } = find(registrations, "kubernetes:apps/v1:Deployment");
    assert.deepEqual([...dependencies].sort(), ["watcher-binding", "watcher-config"]);
  });

  it("keeps the restricted standard, and has its token in a projected volume", () => {
    const { replicas, strategy, template, selector } = renderWatcher(WATCHER_ARGS, "config").spec;
    assert.deepEqual([replicas, strategy], [1, { type: "Recreate" }]);
    assert.deepEqual(selector.matchLabels, selectorLabelsFor({ component: "watcher" }));
    assert.deepEqual(restrictedProblems(template.spec), []);
    assert.equal(template.spec.automountServiceAccountToken, false);
    const { containers, volumes } = template.spec;
    assert.equal(containers[0]!.securityContext.readOnlyRootFilesystem, true);
    assert.ok(volumes.some(({ name, projected }) => name === "token" && projected !== undefined));
    assert.deepEqual(Object.fromEntries(containers[0]!.env.map(({ name, value }) => [name, value])), {
      HOME: "/tmp",
      MILLWRIGHT_NAMESPACE: "models",
      MILLWRIGHT_PROMETHEUS: "http://prometheus.models.svc.cluster.local:9090",
      MILLWRIGHT_WATCH: "/millwright/watch/watch.json",
    });
  });

  it("is told what the stack file says, and started anew when it says something else", () => {
    const config = renderWatchConfig(WATCHER_ARGS);
    assert.deepEqual(JSON.parse(config.data["watch.json"]!), { models: [TRIAGE, DIGITS] });
    const other = renderWatchConfig({ ...WATCHER_ARGS, models: [TRIAGE] });
    assert.notEqual(other.metadata.name, config.metadata.name);
  });

  it("refuses to watch nothing", async () => {
    const error = await refusal(() => new Watcher("watcher", { ...WATCHER_ARGS, models: [] }));
    assert.match(error.message, /^The watcher cannot be made:\n {2}models: must name at least one/);
  });
});

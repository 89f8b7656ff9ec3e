// What an endpoint is rendered as and declares. That Kubernetes takes it is in tests/conformance/kubernetes-objects; that vLLM
// serves with these arguments, and that a group's nodes find each other, needs devices and is not proved.
import assert from "node:assert/strict";
import { KEPT_QUEUE_LABELS, place, placementsOf } from "../../../../components/compute/scheduling/queue.ts";
import { MAX_NAME_LENGTH } from "../../../../components/core/names.ts";
import { LanguageEndpoint } from "../../../../components/serving/language/component.ts";
import { hostOf } from "../../../../components/serving/language/host.ts";
import { endpointUrl, workloadName } from "../../../../components/serving/language/names.ts";
import { renderLanguageEndpoint } from "../../../../components/serving/language/render.ts";
import type { LanguageEndpointArgs } from "../../../../components/serving/language/types.ts";
import { renderDeployment, renderGroup } from "../../../../components/serving/language/workload.ts";
import { declare, find, refusal } from "../../engine.ts";
import { restrictedProblems } from "../../pod-security.ts";
import {
  endpointOf,
  H100_POOL,
  L40S_POOL,
  LARGE,
  LARGE_ARGS,
  SCHEDULING,
  SMALL,
  SMALL_ARGS,
  scaledArgs,
} from "./fixtures.ts";

const DEPLOYMENT = renderDeployment(SMALL_ARGS);
const GROUP = renderGroup(LARGE_ARGS);
const [POD] = [DEPLOYMENT.spec.template];
const { leaderTemplate: LEADER, workerTemplate: WORKER } = GROUP.spec.leaderWorkerTemplate;

const placements = placementsOf([L40S_POOL, H100_POOL], SCHEDULING, "research");
const PLACED = place({ part: "serving", pool: L40S_POOL.name }, placements);
const PLACED_GROUP = place({ part: "serving", pool: H100_POOL.name, group: 2 }, placements);

const containerOf = ({ spec }: typeof POD) => spec.containers[0]!;
const changed = (raw: object): LanguageEndpointArgs => ({ ...SMALL_ARGS, endpoint: endpointOf({ ...SMALL, ...raw }) });
const variables = (template: typeof POD) =>
  Object.fromEntries(
    containerOf(template).env.map((each) => [each.name, "value" in each ? each.value : each.valueFrom]),
  );
const selects = (selector: Readonly<Record<string, string>>, labels: Readonly<Record<string, string>>) =>
  Object.entries(selector).every(([name, value]) => labels[name] === value);

describe("a replica of one node", () => {
  it("is told what is served, how far it is divided, and how much at a time", () => {
    assert.deepEqual(containerOf(POD).args, [
      "serve",
      "s3://weights/llama-3.1-8b",
      "--port=8000",
      "--served-model-name=chat",
      "--tensor-parallel-size=1",
      "--max-model-len=8192",
      "--gpu-memory-utilization=0.9",
      "--max-num-seqs=16",
      "--dtype=bfloat16",
      "--load-format=runai_streamer",
    ]);
  });

  it("goes to its pool's nodes, with a device for each part of a layer", () => {
    const four = renderDeployment(changed({ parallelism: { tensor: 4 } })).spec.template;
    assert.deepEqual(four.spec.nodeSelector, { "millwright.dev/pool": "serving" });
    assert.deepEqual(four.spec.tolerations, [{ key: "nvidia.com/gpu", operator: "Equal", effect: "NoSchedule" }]);
    assert.deepEqual(containerOf(four).resources, {
      requests: { cpu: "8", memory: "48Gi" },
      limits: { cpu: "16", memory: "48Gi", "nvidia.com/gpu": "4" },
    });
    const mig = { ...SMALL_ARGS, host: { ...SMALL_ARGS.host, placement: { ...SMALL_ARGS.host.placement } } };
    const resource = "nvidia.com/mig-3g.20gb";
    const part = renderDeployment({
      ...mig,
      host: { ...mig.host, placement: { ...mig.host.placement, resource } },
    }).spec.template;
    assert.equal(containerOf(part).resources.limits[resource], "1");
    assert.ok(!("nvidia.com/gpu" in containerOf(part).resources.limits));
  });

  it("streams weights from a bucket through a quarter of its memory, all processes together", () => {
    const four = renderDeployment(changed({ parallelism: { tensor: 4 } })).spec.template;
    assert.equal(Number(variables(four)["RUNAI_STREAMER_MEMORY_LIMIT"]) * 4, 12 * 2 ** 30);
    assert.equal(variables(four)["HF_HUB_OFFLINE"], "1");
  });

  it("mounts weights of the artifact store, read-only and nothing else of it", () => {
    const args = { ...changed({ model: { ...SMALL.model, weights: "/models/chat" } }), claimName: "artifacts" };
    const { spec } = renderDeployment(args).spec.template;
    const [container] = spec.containers;
    assert.equal(container!.args[1], "/mnt/models");
    assert.ok(!container!.args.some((each) => each.startsWith("--load-format")));
    assert.deepEqual(container!.volumeMounts.at(-1), {
      name: "artifacts",
      mountPath: "/mnt/models",
      subPath: "models/chat",
      readOnly: true,
    });
    assert.deepEqual(spec.volumes.at(-1), {
      name: "artifacts",
      persistentVolumeClaim: { claimName: "artifacts", readOnly: true },
    });
  });

  it("fetches a repository's commit, as whoever the token says", () => {
    const model = {
      architecture: "llama-3.1-8b",
      weights: "meta-llama/Llama-3.1-8B",
      revision: "c".repeat(40),
      token: { secretName: "hub" },
    };
    const template = renderDeployment(changed({ model })).spec.template;
    assert.ok(containerOf(template).args.includes(`--revision=${"c".repeat(40)}`));
    assert.ok(!("HF_HUB_OFFLINE" in variables(template)));
    assert.deepEqual(variables(template)["HF_TOKEN"], { secretKeyRef: { name: "hub", key: "token" } });
  });

  it("leaves the arithmetic of quantised weights to their own description", () => {
    for (const dataType of ["fp8", "int8", "int4"]) {
      const { args } = containerOf(renderDeployment(changed({ model: { ...SMALL.model, dataType } })).spec.template);
      assert.ok(!args.some((each) => /^--(dtype|quantization)/.test(each)), dataType);
    }
  });

  it("has as long to start as the stack says, and drains before it goes", () => {
    const { startupProbe, readinessProbe, livenessProbe, lifecycle } = containerOf(POD);
    assert.equal(startupProbe!.periodSeconds * startupProbe!.failureThreshold, 1800);
    for (const probe of [startupProbe, readinessProbe, livenessProbe]) {
      assert.deepEqual(probe!.httpGet, { path: "/health", port: "http" });
    }
    assert.ok(POD.spec.terminationGracePeriodSeconds > lifecycle!.preStop.sleep.seconds);
    // A machine, an image and the weights: the engine waits for all three.
    assert.equal(DEPLOYMENT.metadata.annotations["pulumi.com/timeoutSeconds"], "3300");
    assert.equal(DEPLOYMENT.spec.progressDeadlineSeconds, 3300);
  });

  it("shares memory among its processes", () => {
    assert.deepEqual(
      POD.spec.volumes.find(({ name }) => name === "shared-memory"),
      { name: "shared-memory", emptyDir: { medium: "Memory", sizeLimit: "6Gi" } },
    );
    assert.ok(containerOf(POD).volumeMounts.some(({ mountPath }) => mountPath === "/dev/shm"));
  });

  it("is replaced by one beside it where there is room, and else by one in its place", () => {
    assert.deepEqual(DEPLOYMENT.spec.strategy.rollingUpdate, { maxSurge: 1, maxUnavailable: 0 });
    const full = changed({ scaling: { kind: "fixed", replicas: 32 } });
    assert.deepEqual(renderDeployment(full).spec.strategy.rollingUpdate, { maxSurge: 0, maxUnavailable: 1 });
  });

  it("waits in its team's queue by labels of its own, which its selector and its pods do not have", () => {
    const { metadata, spec } = renderDeployment({ ...SMALL_ARGS, placed: PLACED });
    const labels: Readonly<Record<string, string>> = metadata.labels;
    assert.equal(labels["kueue.x-k8s.io/queue-name"], "research");
    assert.deepEqual(spec.selector.matchLabels, DEPLOYMENT.spec.selector.matchLabels);
    assert.deepEqual(spec.template.metadata.labels, DEPLOYMENT.spec.template.metadata.labels);
    assert.deepEqual(spec.selector.matchLabels, spec.template.metadata.labels);
    assert.equal(spec.template.spec.priorityClassName, PLACED.pod.priorityClassName);
  });
});

describe("a replica of several nodes", () => {
  it("is a group that lives and dies as a whole, whose leader waits for no order", () => {
    const { spec } = GROUP;
    assert.equal(spec.leaderWorkerTemplate.size, 2);
    assert.equal(spec.leaderWorkerTemplate.restartPolicy, "RecreateGroupOnPodRestart");
    assert.equal(spec.startupPolicy, "LeaderCreated");
    assert.equal(GROUP.metadata.annotations["pulumi.com/waitFor"], "condition=Available");
  });

  it("runs the same program on each node, of which one answers", () => {
    const joined = [
      "--pipeline-parallel-size=2",
      "--distributed-executor-backend=mp",
      "--nnodes=$(LWS_GROUP_SIZE)",
      "--node-rank=$(LWS_WORKER_INDEX)",
      "--master-addr=$(LWS_LEADER_ADDRESS)",
    ];
    assert.deepEqual(containerOf(LEADER).args.slice(-5), joined);
    assert.deepEqual(containerOf(WORKER).args, [...containerOf(LEADER).args, "--headless"]);
    assert.ok(containerOf(LEADER).startupProbe !== undefined);
    for (const field of ["startupProbe", "readinessProbe", "livenessProbe", "ports"] as const) {
      assert.equal(containerOf(WORKER)[field], undefined, `${field}: nobody listens there`);
    }
  });

  it("takes the node's devices and adapters, with huge pages, and tells NCCL of them", () => {
    const { limits } = containerOf(WORKER).resources;
    assert.deepEqual(
      [limits["nvidia.com/gpu"], limits["vpc.amazonaws.com/efa"], limits["hugepages-2Mi"]],
      ["8", "32", "5Gi"],
    );
    assert.equal(variables(WORKER)["FI_PROVIDER"], "efa");
    assert.ok(!("FI_EFA_USE_HUGE_PAGE" in variables(WORKER)));
    const none = renderGroup({ ...LARGE_ARGS, host: { ...LARGE_ARGS.host, hugepagesGiB: 0 } });
    const without = none.spec.leaderWorkerTemplate.workerTemplate;
    assert.ok(!("hugepages-2Mi" in containerOf(without).resources.limits));
    assert.equal(variables(without)["FI_EFA_USE_HUGE_PAGE"], "0");
    const half = renderGroup({
      ...LARGE_ARGS,
      endpoint: endpointOf({ ...LARGE, parallelism: { tensor: 4, pipeline: 2 } }),
    });
    const share = containerOf(half.spec.leaderWorkerTemplate.workerTemplate).resources.limits;
    assert.equal(share["vpc.amazonaws.com/efa"], "16");
    const alone = renderDeployment({ ...LARGE_ARGS, endpoint: endpointOf({ ...LARGE, parallelism: { tensor: 8 } }) });
    assert.ok(!("vpc.amazonaws.com/efa" in containerOf(alone.spec.template).resources.limits));
  });

  it("is admitted near each other, where the queues know the network", () => {
    const { leaderWorkerTemplate } = renderGroup({ ...LARGE_ARGS, placed: PLACED_GROUP }).spec;
    for (const { metadata } of [leaderWorkerTemplate.leaderTemplate, leaderWorkerTemplate.workerTemplate]) {
      const annotations: Readonly<Record<string, string>> = metadata.annotations;
      assert.equal(annotations["kueue.x-k8s.io/podset-preferred-topology"], SCHEDULING.topology[0]);
    }
    const scraped: Readonly<Record<string, string>> = leaderWorkerTemplate.leaderTemplate.metadata.annotations;
    assert.equal(scraped["prometheus.io/scrape"], "true");
  });

  it("is led to by its leader alone, and guarded with all its pods", () => {
    const { service, budget, policy } = renderLanguageEndpoint({
      ...LARGE_ARGS,
      endpoint: endpointOf({ ...LARGE, scaling: { kind: "fixed", replicas: 2 } }),
    });
    assert.ok(selects(service.spec.selector, LEADER.metadata.labels));
    assert.ok(!selects(service.spec.selector, WORKER.metadata.labels));
    const { matchLabels, matchExpressions } = budget!.spec.selector as Selector;
    for (const { metadata } of [LEADER, WORKER]) {
      assert.ok(selects(matchLabels, metadata.labels));
      assert.ok(matchExpressions![0]!.values.includes(metadata.labels["app.kubernetes.io/component"]!));
    }
    assert.deepEqual(policy.spec.podSelector, budget!.spec.selector);
  });

  it("has names that leave room for what the LeaderWorkerSet adds", () => {
    const longest = workloadName("e".repeat(32));
    // A pod's label has the StatefulSet's name, which has the group's number, and the revision's hash of at most 10.
    assert.ok(`${longest}-999-${"h".repeat(10)}`.length <= MAX_NAME_LENGTH, longest);
    assert.notEqual(workloadName("a"), workloadName("a-vllm"));
    // The LeaderWorkerSet makes a Service of its own name.
    assert.notEqual(workloadName("frontier-chat"), "frontier-chat");
  });
});

interface Selector {
  readonly matchLabels: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly { readonly values: readonly string[] }[];
}

describe("an endpoint's pods", () => {
  it("keep the restricted pod security standard, and have no token", () => {
    for (const { spec } of [POD, LEADER, WORKER]) {
      assert.deepEqual(restrictedProblems(spec as never), []);
      assert.equal(spec.automountServiceAccountToken, false);
      assert.equal(containerOf({ spec } as typeof POD).securityContext.readOnlyRootFilesystem, true);
    }
  });

  it("have all labels of the endpoint", () => {
    for (const { metadata } of [POD, LEADER, WORKER]) {
      assert.match(metadata.labels["millwright.dev/model"]!, /^(chat|frontier-chat)$/);
      assert.equal(metadata.labels["app.kubernetes.io/part-of"], "millwright");
    }
  });
});

describe("who reaches an endpoint", () => {
  const { policy } = renderLanguageEndpoint(SMALL_ARGS);

  it("is its own namespace, and those it names", () => {
    assert.deepEqual(policy.spec.ingress, [{ from: [{ podSelector: {} }], ports: [{ port: 8000, protocol: "TCP" }] }]);
    const named = renderLanguageEndpoint({ ...changed({ clients: ["shop"] }), monitored: true }).policy;
    assert.deepEqual(
      named.spec.ingress[0]!.from.slice(1).map((peer) =>
        "namespaceSelector" in peer ? peer.namespaceSelector.matchLabels["kubernetes.io/metadata.name"] : "",
      ),
      ["shop", "monitoring"],
    );
  });

  it("does not reach the machine's credentials by it", () => {
    const blocks = policy.spec.egress.flatMap(({ to }) =>
      to.flatMap((peer) => ("ipBlock" in peer ? [peer.ipBlock] : [])),
    );
    assert.ok(blocks.length > 0);
    assert.ok(
      blocks.every(
        (block) =>
          block.cidr === "169.254.170.23/32" || ("except" in block && block.except.includes("169.254.169.254/32")),
      ),
    );
  });

  it("opens no way out where the weights are in the artifact store", () => {
    const folder = renderLanguageEndpoint({
      ...changed({ model: { ...SMALL.model, weights: "/models/chat" } }),
      claimName: "artifacts",
    }).policy;
    assert.deepEqual(
      folder.spec.egress.flatMap((rule) => ("ports" in rule ? rule.ports.map(({ port }) => port) : [])),
      [53, 53],
    );
  });
});

describe("a scaled endpoint", () => {
  const args = scaledArgs(SMALL_ARGS, { waitingRequests: 5, stabilisationSeconds: 240 });
  const rendered = renderLanguageEndpoint(args);

  it("declares no number of replicas, and is replaced as if all of them ran", () => {
    assert.ok(!("replicas" in rendered.workload.spec));
    assert.ok(!("pulumi.com/patchForce" in rendered.workload.metadata.annotations));
    assert.notEqual(rendered.budget, undefined);
    const group = renderLanguageEndpoint(scaledArgs(LARGE_ARGS));
    assert.ok(!("replicas" in group.workload.spec));
    assert.deepEqual(group.scaledObject!.spec.scaleTargetRef, {
      apiVersion: "leaderworkerset.x-k8s.io/v1",
      kind: "LeaderWorkerSet",
      name: group.workload.metadata.name,
    });
  });

  it("asks for what the requests keep busy, and for what waits no more than as many again", () => {
    const here = '{namespace="models",model_name="chat"}';
    assert.equal(
      rendered.scaledObject!.spec.triggers[0]!.metadata.query,
      `sum(vllm:num_requests_running${here}) / 16 + clamp_max(sum(vllm:num_requests_waiting${here}) / 5, ` +
        `scalar(count(vllm:num_requests_running${here})))`,
    );
  });

  it("asks for no namespace where there is only one", () => {
    const metrics = { url: "http://prometheus.models.svc.cluster.local:9090", labels: {} };
    const { query } = renderLanguageEndpoint({ ...args, metrics }).scaledObject!.spec.triggers[0]!.metadata;
    assert.match(query, /^sum\(vllm:num_requests_running\{model_name="chat"\}\) \/ 16 \+ /);
  });

  it("keeps its replicas where nobody tells of them, and waits before it takes any away", () => {
    const { spec } = rendered.scaledObject!;
    assert.deepEqual(spec.fallback, { failureThreshold: 4, replicas: 1, behavior: "currentReplicasIfHigher" });
    assert.equal(spec.triggers[0]!.metadata.ignoreNullValues, "false");
    assert.equal(spec.triggers[0]!.metadata.threshold, "1");
    const { behavior } = spec.advanced.horizontalPodAutoscalerConfig;
    assert.equal(behavior.scaleDown.stabilizationWindowSeconds, 240);
    assert.deepEqual(behavior.scaleUp.policies, [{ type: "Percent", value: 100, periodSeconds: 15 }]);
  });

  it("has its questions signed where Amazon's Prometheus is asked, and has no identity else", () => {
    assert.equal(rendered.authentication, undefined);
    const managed = renderLanguageEndpoint({
      ...args,
      metrics: { url: "https://aps.example", awsRegion: "us-east-2" },
    });
    const [trigger] = managed.scaledObject!.spec.triggers;
    assert.deepEqual(trigger!.authenticationRef, { name: managed.authentication!.metadata.name });
    assert.equal(trigger!.metadata.awsRegion, "us-east-2");
    assert.deepEqual(managed.authentication!.spec, { podIdentity: { provider: "aws" } });
  });
});

describe("LanguageEndpoint", () => {
  const children = async (args: LanguageEndpointArgs) => {
    const { registrations } = await declare(() => new LanguageEndpoint(args.endpoint.name, args));
    return registrations;
  };
  const kinds = (registrations: Awaited<ReturnType<typeof children>>) =>
    registrations.filter(({ custom }) => custom).map(({ type, name }) => `${type.split(":").at(-1)} ${name}`);

  it("declares the replicas of one node after their account and policy, then their address", async () => {
    const registrations = await children(SMALL_ARGS);
    assert.deepEqual(kinds(registrations), [
      "ServiceAccount chat-account",
      "NetworkPolicy chat-policy",
      "Deployment chat-replicas",
      "Service chat-service",
    ]);
    assert.ok(registrations.every(({ custom, parent }) => !custom || parent === "chat"));
    assert.deepEqual(find(registrations, "kubernetes:apps/v1:Deployment").dependencies.toSorted(), [
      "chat-account",
      "chat-policy",
    ]);
    assert.deepEqual(find(registrations, "kubernetes:core/v1:Service").dependencies, ["chat-replicas"]);
  });

  it("declares groups, scaled, guarded and watched, exactly as they are rendered", async () => {
    const args = {
      ...scaledArgs(LARGE_ARGS),
      monitored: true,
      metrics: { url: "https://aps.example", awsRegion: "us-east-2" },
    };
    const registrations = await children(args);
    assert.deepEqual(kinds(registrations).sort(), [
      "LeaderWorkerSet frontier-chat-replicas",
      "NetworkPolicy frontier-chat-policy",
      "PodDisruptionBudget frontier-chat-budget",
      "ScaledObject frontier-chat-scaler",
      "Service frontier-chat-service",
      "ServiceAccount frontier-chat-account",
      "ServiceMonitor frontier-chat-monitor",
      "TriggerAuthentication frontier-chat-scaler-identity",
    ]);
    const rendered = renderLanguageEndpoint(args);
    for (const [type, object] of [
      ["kubernetes:leaderworkerset.x-k8s.io/v1:LeaderWorkerSet", rendered.workload],
      ["kubernetes:keda.sh/v1alpha1:ScaledObject", rendered.scaledObject],
    ] as const) {
      assert.deepEqual(find(registrations, type).inputs, JSON.parse(JSON.stringify(object)));
    }
    assert.deepEqual(find(registrations, "kubernetes:keda.sh/v1alpha1:ScaledObject").dependencies.toSorted(), [
      "frontier-chat-replicas",
      "frontier-chat-scaler-identity",
    ]);
  });

  it("leaves a queue that it is in as it is", async () => {
    const queued = await children({ ...SMALL_ARGS, placed: PLACED });
    assert.deepEqual(find(queued, "kubernetes:apps/v1:Deployment").ignoreChanges, [...KEPT_QUEUE_LABELS]);
    const free = await children(SMALL_ARGS);
    assert.deepEqual(find(free, "kubernetes:apps/v1:Deployment").ignoreChanges, []);
  });

  it("says where it is reached", async () => {
    const { result } = await declare(() => new LanguageEndpoint("chat", SMALL_ARGS));
    assert.equal(result.url, "http://chat.models.svc.cluster.local:8080");
    assert.equal(endpointUrl("chat", "models"), result.url);
  });

  it("refuses what cannot work, all of it at once", async () => {
    const endpoint = endpointOf({ ...SMALL, parallelism: { tensor: 3 }, startupSeconds: 5 });
    const error = await refusal(() => new LanguageEndpoint("chat", { ...SMALL_ARGS, endpoint }));
    assert.match(error.message, /^The endpoint chat cannot be made:/);
    assert.match(error.message, /parallelism\.tensor: must divide the 32 attention heads/);
    assert.match(error.message, /startupSeconds: must be at least 17/);
    const full = { ...SMALL_ARGS, host: hostOf({ ...L40S_POOL, size: { kind: "fixed", nodes: 1 } }) };
    const many = endpointOf({ ...SMALL, scaling: { kind: "fixed", replicas: 5 } });
    assert.match(
      (await refusal(() => new LanguageEndpoint("chat", { ...full, endpoint: many }))).message,
      /scaling\.replicas: must be at most 4/,
    );
  });
});

import assert from "node:assert/strict";
import { type Placements, placementsOf } from "../../../../components/compute/scheduling/queue.ts";
import { renderScheduling } from "../../../../components/compute/scheduling/render.ts";
import { renderStatefulSet as renderPrometheus } from "../../../../components/monitoring/render.ts";
import { renderWatcher } from "../../../../components/monitoring/watcher.ts";
import { renderStatefulSet as renderDatabase } from "../../../../components/platform/database/render.ts";
import { renderMirror } from "../../../../components/platform/registry/mirror.ts";
import { renderServer } from "../../../../components/platform/registry/server.ts";
import { renderEndpoint } from "../../../../components/serving/render.ts";
import { renderCompression } from "../../../../components/training/compression.ts";
import { renderDataset } from "../../../../components/training/dataset.ts";
import { renderSearch } from "../../../../components/training/search.ts";
import { renderTraining } from "../../../../components/training/training.ts";
import { type ModelSpec, modelSchema, type WorkResources } from "../../../../stacks/schema.ts";
import { DATASET_RUN, MODEL, TRAINING_RUN, VERSION } from "../../fixtures.ts";
import { ARGS as PROMETHEUS_ARGS, WATCHER_ARGS } from "../../monitoring/fixtures.ts";
import { ARGS } from "../../serving/versions.ts";
import { COMPRESSION_RUN, CONTEXT, SEARCH_RUN } from "../../training/fixtures.ts";
import { COUNTED, POOLS, QUEUED } from "./fixtures.ts";

/** What the models' workloads are given by placements, and that they are as they were without any. */

const DATABASE = { host: "database", port: 5432, user: "u", secretName: "s", secretKey: "k" };
const RESOURCES: WorkResources = { cpu: 8, memoryGiB: 64, pool: "training", gpu: 8 };

const queued = placementsOf(POOLS, QUEUED, "vision");

/** The workloads of a model whose parts have these resources. */
function workloads(resources: WorkResources, placements: Placements | undefined) {
  const placed = <M extends ModelSpec>(model: M): M => ({
    ...model,
    training: { ...model.training, resources },
    serving: { ...model.serving, resources },
    ...(model.search === undefined ? {} : { search: { ...model.search, resources } }),
    ...(model.compression === undefined ? {} : { compression: { ...model.compression, resources } }),
  });
  const context = { ...CONTEXT, placements };
  const training = { ...TRAINING_RUN, training: { ...TRAINING_RUN.training, resources } };
  const search = { ...SEARCH_RUN, search: { ...SEARCH_RUN.search, resources } };
  const version = { ...VERSION, model: placed(MODEL) };
  return {
    dataset: renderDataset({ run: DATASET_RUN, ...context }).job,
    training: renderTraining({ run: training, ...context }).job,
    search: renderSearch({ run: search, database: DATABASE, ...context }).job,
    compression: renderCompression({
      run: { ...COMPRESSION_RUN, model: placed(COMPRESSION_RUN.model) },
      ...context,
    }).job,
    serving: renderEndpoint({ ...ARGS, stable: version, placements }).versions[0]!.deployment,
    router: renderEndpoint({ ...ARGS, stable: version, placements }).router.deployment,
  };
}

type Rendered = ReturnType<typeof workloads>[keyof ReturnType<typeof workloads>];

const specOf = ({ spec }: Rendered) => spec.template.spec as Record<string, unknown>;
const labelsOf = ({ metadata }: Rendered) => metadata.labels as Record<string, string>;

describe("the workloads of a stack without pools and scheduling", () => {
  it("are what they are without placements, byte for byte", () => {
    const plain = workloads({ cpu: 1, memoryGiB: 1 }, undefined);
    const none = workloads({ cpu: 1, memoryGiB: 1 }, placementsOf([], undefined, undefined));
    assert.equal(JSON.stringify(none), JSON.stringify(plain));
    for (const word of ["kueue", "nodeSelector", "tolerations", "priorityClassName", "suspend"]) {
      assert.ok(!JSON.stringify(plain).includes(word), word);
    }
  });

  it("keep their shape when a pool is defined that nobody names", () => {
    const plain = workloads({ cpu: 1, memoryGiB: 1 }, undefined);
    const pools = workloads({ cpu: 1, memoryGiB: 1 }, placementsOf(POOLS, undefined, undefined));
    assert.equal(JSON.stringify(pools), JSON.stringify(plain));
  });
});

describe("the workloads of a team whose quotas Kueue keeps", () => {
  const all = workloads(RESOURCES, queued);
  const { dataset, router, ...placed } = all;

  it("go to their pool with a priority of their kind, those without a pool with the priority alone", () => {
    for (const [part, workload] of Object.entries(placed)) {
      const spec = specOf(workload);
      assert.deepEqual(spec["nodeSelector"], { "millwright.dev/pool": "training" }, part);
      assert.equal((spec["tolerations"] as unknown[]).length, 1, part);
      assert.equal(spec["priorityClassName"], `millwright-${part}`);
    }
    assert.equal(specOf(dataset)["priorityClassName"], "millwright-batch");
    assert.equal(specOf(router)["priorityClassName"], "millwright-serving");
    assert.ok(!("nodeSelector" in specOf(dataset)) && !("nodeSelector" in specOf(router)));
  });

  it("name their queue and their place in it, on the object Kueue reads and on no selector", () => {
    for (const [part, workload] of Object.entries(placed)) {
      assert.equal(labelsOf(workload)["kueue.x-k8s.io/queue-name"], "vision", part);
      assert.equal(labelsOf(workload)["kueue.x-k8s.io/priority-class"], `millwright-${part}`);
      assert.ok(!JSON.stringify(workload.spec.template.metadata.labels).includes("kueue"), part);
    }
    assert.ok(!JSON.stringify(all.serving.spec.selector).includes("kueue"));
    assert.ok(!JSON.stringify([dataset, router]).includes("kueue"));
  });

  it("begin suspended where they are Jobs: none of a group's pods is there before all have room", () => {
    for (const part of ["training", "search", "compression"] as const) {
      assert.equal((placed[part].spec as { suspend?: boolean }).suspend, true, part);
      // Kueue admits as many pods as the Job runs at a time; all of them, since it runs all at once.
      assert.equal(placed[part].spec.parallelism, placed[part].spec.completions);
    }
    assert.ok(!("suspend" in dataset.spec) && !("suspend" in placed.serving.spec));
  });

  it("ask to be near each other where they compute together, and nowhere else", () => {
    const level = "topology.k8s.aws/network-node-layer-2";
    assert.deepEqual((placed.training.spec.template.metadata as { annotations?: object }).annotations, {
      "kueue.x-k8s.io/podset-preferred-topology": level,
    });
    for (const part of ["search", "compression", "serving"] as const) {
      assert.ok(!("annotations" in placed[part].spec.template.metadata), part);
    }
  });

  it("ask for devices by the name their pool has for them, unless they say another", () => {
    const requests = (resources: WorkResources) =>
      Object.values(workloads(resources, queued))
        .flatMap((workload) => workload.spec.template.spec.containers.map((container) => container.resources.limits))
        .flatMap((limits) => Object.keys(limits).filter((name) => name.includes("/")));
    assert.deepEqual(new Set(requests({ ...RESOURCES, pool: "parts" })), new Set(["nvidia.com/mig-1g.10gb"]));
    assert.deepEqual(new Set(requests({ ...RESOURCES, gpuResource: "amd.com/gpu" })), new Set(["amd.com/gpu"]));
  });

  it("ask for nothing that their team's ClusterQueue does not cover, in any pool it has", () => {
    const { teams } = renderScheduling({ spec: QUEUED, pools: POOLS });
    const queue = teams.find(({ team }) => team === "vision")!.clusterQueue!;
    const [group] = queue.spec.resourceGroups;
    for (const { name: pool, resources } of group!.flavors) {
      const covered = new Set(group!.coveredResources);
      assert.deepEqual(new Set(resources.map(({ name }) => name)), covered);
      const { dataset: _d, router: _r, ...inPool } = workloads({ ...RESOURCES, pool }, queued);
      for (const [part, workload] of Object.entries(inPool)) {
        for (const { name, resources: asked } of workload.spec.template.spec.containers) {
          for (const resource of Object.keys({ ...asked.requests, ...asked.limits })) {
            assert.ok(covered.has(resource), `${part} ${name} asks for ${resource} of ${pool}`);
          }
        }
      }
    }
  });
});

describe("the workloads of a team whose quotas the core keeps", () => {
  it("go to their pool with their priority, through no queue", () => {
    const all = workloads(RESOURCES, placementsOf(POOLS, COUNTED, "vision"));
    assert.ok(!JSON.stringify(all).includes("kueue") && !JSON.stringify(all).includes("suspend"));
    assert.equal(specOf(all.training)["priorityClassName"], "millwright-training");
    assert.deepEqual(specOf(all.training)["nodeSelector"], { "millwright.dev/pool": "training" });
  });
});

describe("what the models stand on", () => {
  it("is driven out by no server where the stack has priorities, and says nothing of them where it has none", () => {
    const registry = { ...ARGS, image: "mlflow@sha256:1", database: DATABASE };
    const database = {
      ...ARGS,
      storage: { kind: "storageClass", storageClassName: "ssd", sizeGiB: 1 } as const,
      image: "database@sha256:1",
      databases: ["optuna"],
      clients: 1,
    };
    const render = (placements: Placements | undefined) => [
      renderDatabase({ ...database, placements }, "uid"),
      renderServer({ ...registry, placements }, "address"),
      renderMirror({ ...registry, placements }),
      renderPrometheus({ ...PROMETHEUS_ARGS, placements }, "config"),
      renderWatcher({ ...WATCHER_ARGS, placements }, "config"),
    ];
    for (const { metadata, spec } of render(queued)) {
      const pod = spec.template.spec as { priorityClassName?: string };
      assert.equal(pod.priorityClassName, "millwright-platform", metadata.name);
    }
    assert.ok(!JSON.stringify(render(undefined)).includes("priorityClassName"));
  });
});

describe("a language model's compression", () => {
  it("asks for the devices its step says, by its pool's name for them", () => {
    const step = {
      kind: "llm",
      scheme: "fp8",
      image: `example/llm@sha256:${"a".repeat(64)}`,
      gpu: 2,
      evaluation: { tasks: ["arc_easy"] },
    };
    const model = modelSchema.parse({
      ...MODEL,
      compression: { candidates: [{ name: "fp8", steps: [step] }], resources: { cpu: 1, memoryGiB: 8, pool: "parts" } },
    });
    const run = { ...COMPRESSION_RUN, model, candidate: model.compression!.candidates[0]! };
    const { job } = renderCompression({ run, ...CONTEXT, placements: queued });
    const [workload] = job.spec.template.spec.containers;
    assert.equal(workload!.resources.limits["nvidia.com/mig-1g.10gb"], "2");
    assert.equal(workload!.resources.limits["nvidia.com/gpu"], undefined);
  });
});

import assert from "node:assert/strict";
import { Failure } from "../../../../scripts/lib/failure.ts";
import { profilesOf, syntheticOptions } from "../../../../scripts/simulation/replay/options.ts";
import { arrivalWindow, SYNTHETIC_DEFAULTS, syntheticTrace } from "../../../../scripts/simulation/replay/synthetic.ts";
import { readTrace, writeTrace } from "../../../../scripts/simulation/replay/trace.ts";

const share = (part: number, whole: number) => part / whole;

describe("a synthetic trace", () => {
  const trace = syntheticTrace(SYNTHETIC_DEFAULTS);

  it("is the same for the same options, and another for another seed", () => {
    assert.deepEqual(syntheticTrace(SYNTHETIC_DEFAULTS), trace);
    assert.notDeepEqual(syntheticTrace({ ...SYNTHETIC_DEFAULTS, seed: 18 }).pods, trace.pods);
  });

  it("has exactly the nodes and pods that were asked for, and files that can be read", () => {
    for (const nodes of [1, 2, 7, 300]) {
      assert.equal(syntheticTrace({ ...SYNTHETIC_DEFAULTS, nodes }).nodes.length, nodes);
    }
    const files = writeTrace(trace);
    assert.deepEqual(readTrace({ file: "n", text: files.nodes }, { file: "p", text: files.pods }), trace);
  });

  it("has the published proportions", () => {
    const { pods } = trace;
    const withGpus = pods.filter(({ gpuMilli }) => gpuMilli > 0);
    const near = (actual: number, wanted: number, within: number) =>
      assert.ok(Math.abs(actual - wanted) < within, `${actual} is not near ${wanted}`);
    near(share(pods.length - withGpus.length, pods.length), 0.133, 0.02);
    near(share(pods.filter(({ gpuMilli }) => gpuMilli > 0 && gpuMilli < 1000).length, pods.length), 0.378, 0.03);
    near(share(pods.filter(({ gpuMilli }) => gpuMilli === 1000).length, pods.length), 0.48, 0.03);
    near(share(withGpus.filter(({ gpuModels }) => gpuModels.length > 0).length, withGpus.length), 0.33, 0.03);
    const asked = (some: typeof pods) => some.reduce((sum, { gpuMilli }) => sum + gpuMilli, 0);
    near(share(asked(pods.filter(({ gpuMilli }) => gpuMilli > 1000)), asked(pods)), 0.073, 0.03);
  });

  it("has the share of parts and of several GPUs that is asked for", () => {
    const { pods } = syntheticTrace({ ...SYNTHETIC_DEFAULTS, partial: 0, multiGpu: 0.5 });
    assert.equal(pods.filter(({ gpuMilli }) => gpuMilli > 0 && gpuMilli < 1000).length, 0);
    const asked = (some: typeof pods) => some.reduce((sum, { gpuMilli }) => sum + gpuMilli, 0);
    const several = share(asked(pods.filter(({ gpuMilli }) => gpuMilli > 1000)), asked(pods));
    assert.ok(Math.abs(several - 0.5) < 0.05, String(several));
  });

  it("asks for pods that some node can take", () => {
    for (const { name, gpuMilli, gpuModels, cpuMilli, memoryMiB } of trace.pods) {
      const can = trace.nodes.some(
        (node) =>
          node.cpuMilli >= cpuMilli &&
          node.memoryMiB >= memoryMiB &&
          1000 * node.gpus >= gpuMilli &&
          (gpuModels.length === 0 || gpuModels.includes(node.gpuModel)),
      );
      assert.ok(can || gpuModels.length > 0, name);
    }
  });

  it("asks, while pods arrive, for the load", () => {
    for (const load of [0.3, 1]) {
      const { nodes, pods } = syntheticTrace({ ...SYNTHETIC_DEFAULTS, load });
      const end = pods.at(-1)!.arrivalSeconds;
      const asked = pods.reduce(
        (sum, { gpuMilli, arrivalSeconds, durationSeconds }) =>
          sum + gpuMilli * Math.min(durationSeconds, end - arrivalSeconds),
        0,
      );
      const there = 1000 * end * nodes.reduce((sum, { gpus }) => sum + gpus, 0);
      assert.ok(Math.abs(asked / there - load) < 0.1 * load, `${asked / there} for ${load}`);
    }
  });

  it("is refused where its pods are too few for its load, with the arithmetic", () => {
    assert.throws(
      () => arrivalWindow([{ gpuMilli: 1000, durationSeconds: 1e6 }], 8000, 1),
      (error) => error instanceof Failure && /1 pods ask for 1 GPUs, and a load of 1 on 8 GPUs/.test(error.message),
    );
  });

  it("has a window over which pods of one length ask for exactly the load", () => {
    // 100 pods of one GPU for 100 s on 10 GPUs: (100 - 100^2 / 2T) 100 = 10 T load; for load 0.5 T^2 = 2000 T - 100000.
    const pods = Array.from({ length: 100 }, () => ({ gpuMilli: 1000, durationSeconds: 100 }));
    assert.ok(Math.abs(arrivalWindow(pods, 10_000, 0.5) - (1000 + Math.sqrt(1000 ** 2 - 100_000))) < 0.01);
  });
});

describe("options of simulate", () => {
  it("fill what is left out, and name every part that is wrong", () => {
    assert.deepEqual(syntheticOptions("nodes=5, pods=9"), { ...SYNTHETIC_DEFAULTS, nodes: 5, pods: 9 });
    assert.deepEqual(syntheticOptions(""), SYNTHETIC_DEFAULTS);
    assert.throws(
      () => syntheticOptions("nodes=0,pods=1.5,speed=1,load"),
      /nodes=0: must be a whole number from 1[\s\S]*pods=1.5: must be[\s\S]*speed=1: must be one of[\s\S]*load: must be/,
    );
  });

  it("name profiles once each, in one order, and refuse others", () => {
    assert.deepEqual(profilesOf(undefined), ["default", "pack"]);
    assert.deepEqual(profilesOf(["pack", "default", "pack"]), ["default", "pack"]);
    assert.deepEqual(profilesOf(["all"]), ["default", "pack"]);
    assert.deepEqual(profilesOf(["pack"]), ["pack"]);
    assert.throws(() => profilesOf(["fgd"]), /no profile fgd/);
  });
});

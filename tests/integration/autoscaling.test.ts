// A served model that is scaled by its requests on the machine's local datacenter, with the real KEDA: 0 -> 1 -> n -> 0
// servers, and not one request lost. Does not prove several nodes, nor models that take minutes to load.
import assert from "node:assert/strict";
import http from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually, NAMESPACE, TestStack } from "./datacenter.ts";

const MODEL = "digits";
const MAX = 3;
const CONCURRENCY = 4;
const IDLE_SECONDS = 20;
const GROWTH = { replicas: 1, seconds: 20 };

/** A model that is trained in a minute and loaded in seconds. */
const SPEC = {
  name: MODEL,
  task: "image-classification",
  dataset: { source: { kind: "builtin", name: "digits" }, format: "digits" },
  training: { epochs: 2, learningRate: 0.01, network: { kind: "image-cnn", channels: 8, deepChannels: 16 } },
  serving: {
    engine: "mlserver",
    resources: { cpu: 0.1, cpuLimit: 1, memoryGiB: 0.75 },
    startupSeconds: 120,
    canary: { weights: [50], stepSeconds: 5, minRequests: 10, maxAccuracyDrop: 0.9 },
    scaling: {
      kind: "auto",
      min: 0,
      max: MAX,
      concurrency: CONCURRENCY,
      idleSeconds: IDLE_SECONDS,
      stabilisationSeconds: 15,
      growthReplicas: GROWTH.replicas,
      growthSeconds: GROWTH.seconds,
    },
  },
};

/** An answer, or why there is none. */
interface Outcome {
  readonly seconds: number;
  readonly failure?: string;
}

/**
 * One inference request, whose client takes `seconds` to send it: so long it is under way, at the cost of next to
 * nothing of the machine's cores.
 */
function ask(endpoint: string, seconds: number): Promise<Outcome> {
  const data = Array.from({ length: 64 }, (_, i) => (i * 7) % 17);
  const body = JSON.stringify({ inputs: [{ name: "pixels", shape: [1, 8, 8], datatype: "FP32", data }] });
  const half = Math.floor(body.length / 2);
  const started = performance.now();
  return new Promise((resolve) => {
    const end = (failure?: string) =>
      resolve({ seconds: (performance.now() - started) / 1000, ...(failure === undefined ? {} : { failure }) });
    const request = http.request(
      `${endpoint}/v2/models/${MODEL}/infer`,
      {
        method: "POST",
        agent: false,
        headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body) },
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (part: string) => {
          text += part;
        });
        response.once("error", (error) => end(String(error)));
        response.once("end", () => end(response.statusCode === 200 ? undefined : `${response.statusCode}: ${text}`));
      },
    );
    request.once("error", (error) => end(String(error)));
    request.write(body.slice(0, half));
    setTimeout(() => request.end(body.slice(half)), seconds * 1000);
  });
}

/** Clients that each ask again as soon as they have an answer, so that so many requests are always under way. */
function loadOf(endpoint: string, clients: number): { stop(): Promise<Outcome[]> } {
  const outcomes: Outcome[] = [];
  let running = true;
  const loops = Array.from({ length: clients }, async () => {
    while (running) {
      outcomes.push(await ask(endpoint, 1));
    }
  });
  return {
    async stop() {
      running = false;
      await Promise.all(loops);
      return outcomes;
    },
  };
}

interface Sample {
  readonly seconds: number;
  /** Servers wanted, and of them those that answer. */
  readonly wanted: number;
  readonly ready: number;
}

describe("autoscaling", () => {
  let stack: TestStack;
  let endpoint: string;

  before(() => {
    stack = new TestStack();
  });

  after(async () => {
    const result = await stack.destroy();
    assert.equal(result.code, 0, result.stderr + result.stdout);
  });

  async function servers(): Promise<Omit<Sample, "seconds">> {
    const list = JSON.parse(
      await stack.kubectl(
        "-n",
        NAMESPACE,
        "get",
        "deployments",
        "-l",
        `millwright.dev/model=${MODEL},app.kubernetes.io/component=serving`,
        "-o",
        "json",
      ),
    ) as { items: { spec: { replicas: number }; status: { readyReplicas?: number } }[] };
    assert.equal(list.items.length, 1, "one version is live");
    const { spec, status } = list.items[0]!;
    return { wanted: spec.replicas, ready: status.readyReplicas ?? 0 };
  }

  const become = (wanted: number, seconds: number) =>
    eventually(`${wanted} servers`, seconds, async () => {
      const now = await servers();
      return now.wanted === wanted && now.ready === wanted ? now : undefined;
    });

  it("brings a model up that is scaled, with KEDA where the cluster has none", async () => {
    const isThere = await stack
      .kubectl("get", "apiservice", "v1beta1.external.metrics.k8s.io", "-o", "name")
      .then(() => true)
      .catch(() => false);
    stack.rewrite((platform) => {
      platform["autoscaler"] = isThere ? { kind: "present" } : { kind: "install", namespace: "millwright-e2e-keda" };
      return [SPEC];
    });
    const report = await stack.up();
    assert.equal(report.settled, true);
    const model = (await stack.status()).models[0];
    assert.equal(model?.stage, "stable");
    assert.ok(model?.endpoint);
    endpoint = model.endpoint;
  });

  /** A server that is told to go answers for some seconds more, so only then does a request wake the version. */
  const bePodless = () =>
    eventually("the last server to be gone", 90, async () => {
      const selector = `millwright.dev/model=${MODEL},app.kubernetes.io/component=serving`;
      const names = await stack.kubectl("-n", NAMESPACE, "get", "pods", "-l", selector, "-o", "name");
      return names.trim() === "" ? true : undefined;
    });

  it("falls asleep when nobody asks, and is then as declared: another `up` changes nothing", async () => {
    await become(0, IDLE_SECONDS + 90);
    const report = await stack.up();
    assert.deepEqual(report.changes, { created: [], updated: [], replaced: [], deleted: [] });
    assert.deepEqual(report.drift, []);
    assert.deepEqual(await servers(), { wanted: 0, ready: 0 });
  });

  it("wakes at a single request and holds it until it can be answered", async () => {
    await bePodless();
    const { seconds, failure } = await ask(endpoint, 0);
    assert.equal(failure, undefined);
    assert.equal((await servers()).wanted, 1);
    process.stderr.write(`      woke in ${seconds.toFixed(1)} s\n`);
  });

  it("stays awake for rare requests that no look at the router sees under way", async () => {
    const end = Date.now() + (IDLE_SECONDS + 15) * 1000;
    while (Date.now() < end) {
      assert.equal((await ask(endpoint, 0)).failure, undefined);
      assert.equal((await servers()).wanted, 1);
      await sleep(5000);
    }
  });

  it("goes from none to as many as a load calls for and back to none, without losing a request", async () => {
    await become(0, IDLE_SECONDS + 90);
    const started = Date.now();
    const samples: Sample[] = [];
    const sample = async () => {
      const now = await servers();
      samples.push({ seconds: (Date.now() - started) / 1000, ...now });
      return now;
    };
    const load = loadOf(endpoint, MAX * CONCURRENCY);
    await eventually(`${MAX} servers`, 240, async () => ((await sample()).ready === MAX ? true : undefined));
    // What they do when there are enough: no more, and no fewer.
    for (const end = Date.now() + 30_000; Date.now() < end; await sleep(1000)) {
      assert.equal((await sample()).wanted, MAX);
    }
    const outcomes = await load.stop();
    await eventually("no servers", IDLE_SECONDS + 180, async () => ((await sample()).wanted === 0 ? true : undefined));
    process.stderr.write(`      ${outcomes.length} requests; ${describeSteps(samples)}\n`);

    assert.deepEqual(
      outcomes.filter(({ failure }) => failure !== undefined),
      [],
    );
    assert.ok(outcomes.length > 100, `${outcomes.length} requests`);
    assert.ok(samples.every(({ wanted }) => wanted <= MAX));
    const rises = samples.flatMap((each, i) => {
      const before = samples[i - 1]?.wanted ?? 0;
      return each.wanted > before ? [{ seconds: each.seconds, from: before, to: each.wanted }] : [];
    });
    assert.deepEqual(
      rises.map(({ from, to }) => [from, to]),
      Array.from({ length: MAX }, (_, i) => [i, i + 1]),
      "one at a time, as the stack says",
    );
    const [, second, third] = rises;
    // Samples are a second or two apart.
    assert.ok(third!.seconds - second!.seconds > GROWTH.seconds - 3, JSON.stringify(rises));
  });
});

/** When the number of servers changed: `0 s: 0, 4 s: 1, ...`. */
function describeSteps(samples: readonly Sample[]): string {
  return samples
    .filter(({ wanted }, i) => wanted !== samples[i - 1]?.wanted)
    .map(({ seconds, wanted }) => `${seconds.toFixed(0)} s: ${wanted}`)
    .join(", ");
}

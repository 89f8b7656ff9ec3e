import http from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { startLoad } from "../lib/load.ts";
import type { StackCopy } from "../lib/stack-copy.ts";

/** A served model whose servers follow its load, and what is done to it: for the test of the autoscaling and its figure. */

export const SCALED_MODEL = "digits";
export const MAX_SERVERS = 3;
export const IDLE_SECONDS = 20;
export const GROWTH = { replicas: 1, seconds: 20 };

/** Requests under way that one server is to have. */
const CONCURRENCY = 4;

/** A model that is trained in a minute and loaded in seconds. */
const SPEC = {
  name: SCALED_MODEL,
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
      max: MAX_SERVERS,
      concurrency: CONCURRENCY,
      idleSeconds: IDLE_SECONDS,
      stabilisationSeconds: 15,
      growthReplicas: GROWTH.replicas,
      growthSeconds: GROWTH.seconds,
    },
  },
};

/** Makes the scaled model the only one of a stack, with KEDA beside it where the cluster has none. */
export async function becomeScaled(stack: StackCopy): Promise<void> {
  const isThere = await stack
    .kubectl("get", "apiservice", "v1beta1.external.metrics.k8s.io", "-o", "name")
    .then(() => true)
    .catch(() => false);
  stack.rewrite((platform) => {
    platform["autoscaler"] = isThere ? { kind: "present" } : { kind: "install", namespace: `${stack.namespace}-keda` };
    return [SPEC];
  });
}

/** How many servers are wanted, and how many of them answer. */
export interface Servers {
  readonly wanted: number;
  readonly ready: number;
}

export async function serversOf(stack: StackCopy): Promise<Servers> {
  const list = JSON.parse(
    await stack.kubectl("-n", stack.namespace, "get", "deployments", "-l", SERVERS, "-o", "json"),
  ) as { items: { spec: { replicas: number }; status: { readyReplicas?: number } }[] };
  const [only] = list.items;
  if (only === undefined || list.items.length > 1) {
    throw new Error(`${list.items.length} versions are live, not one`);
  }
  return { wanted: only.spec.replicas, ready: only.status.readyReplicas ?? 0 };
}

/** Whether the last server is gone: one that is told to go answers for some seconds more. */
export async function isPodless(stack: StackCopy): Promise<boolean> {
  return (await stack.kubectl("-n", stack.namespace, "get", "pods", "-l", SERVERS, "-o", "name")).trim() === "";
}

const SERVERS = `millwright.dev/model=${SCALED_MODEL},app.kubernetes.io/component=serving`;

/**
 * One inference request, whose client takes `seconds` to send it: so long it is under way, at the cost of next to
 * nothing of the machine's cores.
 *
 * @returns seconds until it was answered; rejects where it was not, or with another status than 200
 */
export function ask(endpoint: string, seconds: number): Promise<number> {
  const data = Array.from({ length: 64 }, (_, i) => (i * 7) % 17);
  const body = JSON.stringify({ inputs: [{ name: "pixels", shape: [1, 8, 8], datatype: "FP32", data }] });
  const half = Math.floor(body.length / 2);
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const request = http.request(
      `${endpoint}/v2/models/${SCALED_MODEL}/infer`,
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
        response.once("error", reject);
        response.once("end", () =>
          response.statusCode === 200
            ? resolve((performance.now() - started) / 1000)
            : reject(new Error(`${response.statusCode}: ${text}`)),
        );
      },
    );
    request.once("error", reject);
    request.write(body.slice(0, half));
    setTimeout(() => request.end(body.slice(half)), seconds * 1000);
  });
}

/** So many requests a second, each under way for a second, keep all the servers there may be busy, and no more. */
export const LOAD_PER_SECOND = MAX_SERVERS * CONCURRENCY;

/** What was seen at one moment of a load. */
export interface Sample extends Servers {
  /** Since the load began. */
  readonly seconds: number;
  /** Requests that were sent and not answered yet: by a server, or held until there is one. */
  readonly underWay: number;
}

export interface StepLoad {
  readonly samples: readonly Sample[];
  readonly requests: number;
  readonly failures: readonly string[];
}

/**
 * A load that begins at once, lasts until all servers have been there for half a minute, and ends at once; watched
 * until none is left.
 */
export async function stepLoad(stack: StackCopy, endpoint: string): Promise<StepLoad> {
  const samples: Sample[] = [];
  const started = Date.now();
  const load = startLoad(() => ask(endpoint, 1), LOAD_PER_SECOND);
  const sampleUntil = async (what: string, seconds: number, isDone: (sample: Sample) => boolean) => {
    for (const end = Date.now() + seconds * 1000; ; await sleep(500)) {
      const servers = await serversOf(stack);
      const sample = { seconds: (Date.now() - started) / 1000, underWay: load.underWay(), ...servers };
      samples.push(sample);
      if (isDone(sample)) return;
      if (Date.now() > end) throw new Error(`waited ${seconds} s in vain for ${what}: ${JSON.stringify(sample)}`);
    }
  };
  let result: Awaited<ReturnType<typeof load.stop>>;
  try {
    await sampleUntil(`${MAX_SERVERS} servers`, 240, ({ ready }) => ready === MAX_SERVERS);
    const end = Date.now() + 30_000;
    await sampleUntil("half a minute to pass", 60, () => Date.now() >= end);
  } finally {
    result = await load.stop();
  }
  await sampleUntil("no servers", IDLE_SECONDS + 180, ({ wanted, ready }) => wanted === 0 && ready === 0);
  return { samples, ...result };
}

/** When the number of servers changed: `0 s: 0, 4 s: 1, ...`. */
export function describeSteps(samples: readonly Sample[]): string {
  return samples
    .filter(({ wanted }, i) => wanted !== samples[i - 1]?.wanted)
    .map(({ seconds, wanted }) => `${seconds.toFixed(0)} s: ${wanted}`)
    .join(", ");
}

// A served model that is scaled by its requests on the machine's local datacenter, with the real KEDA: 0 -> 1 -> n -> 0
// servers, and not one request lost. Does not prove several nodes, nor models that take minutes to load.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import {
  ask,
  becomeScaled,
  describeSteps,
  GROWTH,
  IDLE_SECONDS,
  isPodless,
  MAX_SERVERS,
  serversOf,
  stepLoad,
} from "../../scripts/bench/scaled-model.ts";
import { eventually, TestStack } from "./datacenter.ts";

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

  const servers = () => serversOf(stack);

  const become = (wanted: number, seconds: number) =>
    eventually(`${wanted} servers`, seconds, async () => {
      const now = await servers();
      return now.wanted === wanted && now.ready === wanted ? now : undefined;
    });

  it("brings a model up that is scaled, with KEDA where the cluster has none", async () => {
    await becomeScaled(stack);
    const report = await stack.up();
    assert.equal(report.settled, true);
    const model = (await stack.status()).models[0];
    assert.equal(model?.stage, "stable");
    assert.ok(model?.endpoint);
    endpoint = model.endpoint;
  });

  const bePodless = () =>
    eventually("the last server to be gone", 90, async () => ((await isPodless(stack)) ? true : undefined));

  it("falls asleep when nobody asks, and is then as declared: another `up` changes nothing", async () => {
    await become(0, IDLE_SECONDS + 90);
    const report = await stack.up();
    assert.deepEqual(report.changes, { created: [], updated: [], replaced: [], deleted: [] });
    assert.deepEqual(report.drift, []);
    assert.deepEqual(await servers(), { wanted: 0, ready: 0 });
  });

  it("wakes at a single request and holds it until it can be answered", async () => {
    await bePodless();
    const seconds = await ask(endpoint, 0);
    assert.equal((await servers()).wanted, 1);
    process.stderr.write(`      woke in ${seconds.toFixed(1)} s\n`);
  });

  it("stays awake for rare requests that no look at the router sees under way", async () => {
    const end = Date.now() + (IDLE_SECONDS + 15) * 1000;
    while (Date.now() < end) {
      await ask(endpoint, 0);
      assert.equal((await servers()).wanted, 1);
      await sleep(5000);
    }
  });

  it("goes from none to as many as a load calls for and back to none, without losing a request", async () => {
    await become(0, IDLE_SECONDS + 90);
    const { samples, requests, failures } = await stepLoad(stack, endpoint);
    process.stderr.write(`      ${requests} requests; ${describeSteps(samples)}\n`);

    assert.deepEqual(failures, []);
    assert.ok(requests > 100, `${requests} requests`);
    assert.ok(samples.every(({ wanted }) => wanted <= MAX_SERVERS));
    // There are enough from then on: no more, and no fewer for the half minute that the load goes on.
    const full = samples.findIndex(({ ready }) => ready === MAX_SERVERS);
    const settled = samples.slice(full).filter(({ seconds }) => seconds < samples[full]!.seconds + 30);
    assert.ok(settled.every(({ wanted }) => wanted === MAX_SERVERS));
    const rises = samples.flatMap((each, i) => {
      const before = samples[i - 1]?.wanted ?? 0;
      return each.wanted > before ? [{ seconds: each.seconds, from: before, to: each.wanted }] : [];
    });
    assert.deepEqual(
      rises.map(({ from, to }) => [from, to]),
      Array.from({ length: MAX_SERVERS }, (_, i) => [i, i + 1]),
      "one at a time, as the stack says",
    );
    const [, second, third] = rises;
    // Samples are a second or two apart.
    assert.ok(third!.seconds - second!.seconds > GROWTH.seconds - 3, JSON.stringify(rises));
  });
});

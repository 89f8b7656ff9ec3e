// The life of models on the machine's local datacenter: searched, trained, compressed, gated, tried and promoted or rolled back,
// for real and under load. Does not prove GPUs or AWS, nor how good the search and the compression are: workloads/tests and
// npm run bench do.
import assert from "node:assert/strict";
import { CANARY, makeAlike, makeSlow, makeWrong, REQUESTS_PER_SECOND } from "../../scripts/bench/canary-cases.ts";
import { classify } from "../../scripts/lib/inference.ts";
import { type Load, startLoad } from "../../scripts/lib/load.ts";
import { eventually, MODEL, NAMESPACE, type StatusReport, TestStack } from "./datacenter.ts";

const DIGITS = "digits";
/** Trained by an image of its own, with Keras on TensorFlow. */
const KERAS = "digits-keras";

interface Recorded {
  readonly kind: string;
  readonly run: string;
  readonly model: string;
  readonly [field: string]: unknown;
}

describe("the life of a model", () => {
  let stack: TestStack;
  let status: StatusReport;
  const model = (name: string) => {
    const found = status.models.find((each) => each.name === name);
    assert.ok(found, `no model ${name}`);
    return found;
  };
  const records = async () => {
    const list = JSON.parse(
      await stack.kubectl("-n", NAMESPACE, "get", "configmap", "-l", "millwright.dev/record", "-o", "json"),
    ) as { items: { data: Record<string, string> }[] };
    return list.items.map(({ data }) => JSON.parse(data["record.json"] ?? "") as Recorded);
  };

  before(() => {
    stack = new TestStack({ models: [MODEL, DIGITS, KERAS], without: [], tracking: true });
    // Small budgets: what a step decides is proved, not how well it does with time.
    stack.edit((model) => {
      model["search"] = { ...(model["search"] as object), trials: 4 };
      model["serving"] = { ...(model["serving"] as object), canary: CANARY };
    });
    for (const name of [DIGITS, KERAS]) {
      stack.edit((model) => {
        model["serving"] = { ...(model["serving"] as object), canary: CANARY };
      }, name);
    }
  });

  after(async () => {
    const result = await stack.destroy();
    assert.equal(result.code, 0, result.stderr + result.stdout);
  });

  it("goes from nothing to stable for every model with one command", async () => {
    const report = await stack.up();
    assert.equal(report.settled, true);
    status = await stack.status();
    for (const name of [MODEL, DIGITS, KERAS]) {
      assert.equal(model(name).stage, "stable", model(name).reason);
      assert.ok(model(name).endpoint);
    }
    const kinds = (name: string, all: readonly Recorded[]) =>
      new Set(all.filter(({ model }) => model === name).map(({ kind }) => kind));
    const all = await records();
    assert.deepEqual(kinds(MODEL, all), new Set(["dataset", "search", "training", "compression", "rollout"]));
    assert.deepEqual(kinds(DIGITS, all), new Set(["dataset", "training", "compression", "rollout"]));
    assert.deepEqual(kinds(KERAS, all), new Set(["dataset", "training", "rollout"]));
  });

  it("trains with what the search found", async () => {
    const all = await records();
    const search = all.find(({ kind, model }) => kind === "search" && model === MODEL);
    assert.ok(search);
    const { parameters } = search["best"] as { parameters: Record<string, number> };
    const { completed, pruned } = search["trials"] as { completed: number; pruned: number };
    assert.equal(completed + pruned, 4);
    assert.ok(Object.keys(parameters).length > 0);
  });

  it("serves the candidate that the gate chose, and says why each other was not", () => {
    for (const name of [MODEL, DIGITS]) {
      const { gate, version } = model(name);
      assert.ok(gate.length > 1, name);
      const chosen = gate.filter(({ rejected }) => rejected === undefined);
      assert.deepEqual(
        chosen.map((each) => each.version),
        [version],
      );
    }
  });

  it("shows in MLflow what serves as the champion, and where it comes from", async () => {
    const address = await stack.kubectl(
      "-n",
      NAMESPACE,
      "get",
      "service",
      "mlflow",
      "-o",
      "jsonpath={.spec.clusterIP}",
    );
    const champion = `http://${address}:5000/api/2.0/mlflow/registered-models/alias?alias=champion&name=`;
    for (const name of [MODEL, DIGITS]) {
      const tags = await eventually(`${name}'s champion in MLflow`, 180, async () => {
        const response = await fetch(champion + name, { signal: AbortSignal.timeout(10_000) });
        const body = (await response.json()) as { model_version?: { tags: { key: string; value: string }[] } };
        const found = Object.fromEntries((body.model_version?.tags ?? []).map(({ key, value }) => [key, value]));
        return found["millwright.version"] === model(name).version ? found : undefined;
      });
      const stages =
        name === MODEL ? ["dataset", "search", "training", "compression"] : ["dataset", "training", "compression"];
      for (const stage of stages) {
        assert.match(tags[`millwright.${stage}`] ?? "", new RegExp(`^${name}-${stage}-`), JSON.stringify(tags));
      }
    }
  });

  it("changes nothing the second time", async () => {
    assert.deepEqual((await stack.up()).changes, { created: [], updated: [], replaced: [], deleted: [] });
  });

  it("promotes a new version step by step, and no request fails meanwhile", async () => {
    const before = model(MODEL).version;
    makeAlike(stack);
    const served = await underLoad(() => stack.up());
    assert.equal(model(MODEL).stage, "stable", model(MODEL).reason);
    assert.notEqual(model(MODEL).version, before);
    const steps = (await records()).filter(({ kind, stable }) => kind === "rollout" && stable === before);
    assert.deepEqual(steps.map(({ weight, verdict }) => [weight, verdict]).sort(), [
      [20, "advance"],
      [50, "promote"],
    ]);
    const [first] = steps;
    const evidence = first?.["evidence"] as { candidate: { liveRequests: number }; stable: { liveRequests: number } };
    assert.ok(evidence.stable.liveRequests > 0, JSON.stringify(evidence));
    assert.deepEqual(served.failures, []);
    assert.ok(served.requests > 50, `${served.requests} requests`);
  });

  it("rolls back a version that answers wrongly, and no request fails meanwhile", async () => {
    const before = model(MODEL).version;
    makeWrong(stack);
    const served = await underLoad(() => stack.up());
    assert.equal(model(MODEL).stage, "rolledBack", model(MODEL).reason);
    assert.match(model(MODEL).reason, /items were answered as the stable version does/);
    assert.equal(model(MODEL).version, before);
    assert.deepEqual(served.failures, []);
    const [answer] = await classify(model(MODEL).endpoint ?? "", MODEL, [SPAM]);
    assert.equal(answer?.label, "spam");
  });

  it("rolls back a version that answers slowly, and no request fails meanwhile", async () => {
    const before = model(MODEL).version;
    makeSlow(stack);
    const served = await underLoad(() => stack.up());
    assert.equal(model(MODEL).stage, "rolledBack", model(MODEL).reason);
    assert.match(model(MODEL).reason, /the (p99|median) latency is/);
    assert.equal(model(MODEL).version, before);
    assert.deepEqual(served.failures, []);
  });

  /** Does something while requests are sent all the time, and reads the status after it. */
  async function underLoad(work: () => Promise<unknown>): ReturnType<Load["stop"]> {
    const endpoint = model(MODEL).endpoint ?? "";
    const load = startLoad((number) => classify(endpoint, MODEL, [`Subject: hello ${number}`]), REQUESTS_PER_SECOND);
    try {
      await work();
      status = await stack.status();
    } catch (error) {
      await load.stop();
      throw error;
    }
    return await load.stop();
  }
});

const SPAM =
  "Subject: FREE cash prize\n\nCongratulations! You have been selected to receive $$$ guaranteed income from home. Click here " +
  "to claim your free money now, no risk, limited time offer!!! To be removed from our list reply with remove.";

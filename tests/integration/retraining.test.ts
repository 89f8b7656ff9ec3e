// A model that is asked something else than it was trained for, on the machine's local datacenter: what it really served tells of
// it, and nobody but `up` has a hand in what follows. Does not prove how much is learned from how few labels, nor quality drops and
// schedules: workloads/tests/test_watch_decision.py decides on those.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually, NAMESPACE, type StatusReport, TestStack } from "./datacenter.ts";

const DIGITS = "digits";

/** Windows as short as they may be; one trigger, so that what follows it is undisturbed. */
const WATCH = {
  drift: { windowSeconds: 60, minRequests: 100, sustainSeconds: 10 },
  cooldownSeconds: 86_400,
  maxPerDay: 1,
};

const CANARY = { stepSeconds: 10, minRequests: 40, weights: [50] };

/** Images of a request, and seconds between two: well below what a server keeps. */
const BATCH = 20;
const PAUSE_MS = 1000;

type Image = readonly (readonly number[])[];

interface Item {
  readonly label: string;
  readonly pixels: Image;
}

interface Recorded {
  readonly kind: string;
  readonly run: string;
  readonly [field: string]: unknown;
}

describe("retraining", () => {
  let stack: TestStack;
  let status: StatusReport;
  let items: readonly Item[];
  let first: string;
  let asked = 0;

  const model = () => status.models[0]!;

  async function records(kind: string): Promise<readonly Recorded[]> {
    const selector = `millwright.dev/record=${kind}`;
    const list = await stack.kubectl("-n", NAMESPACE, "get", "configmap", "-l", selector, "-o", "json");
    const { items } = JSON.parse(list) as { items: { data: Record<string, string> }[] };
    return items.map(({ data }) => JSON.parse(data["record.json"] ?? "") as Recorded);
  }

  /** Asks a batch, says what the right labels would have been, and tells the fraction that was answered right. */
  async function ask(change: (image: Image) => Image): Promise<number> {
    const batch = Array.from({ length: BATCH }, (_, at) => items[(asked + at) % items.length]!);
    asked += BATCH;
    const id = `test-${asked}`;
    const data = batch.flatMap(({ pixels }) => change(pixels).flat());
    const answer = (await post("infer", {
      id,
      inputs: [{ name: "pixels", shape: [batch.length, 8, 8], datatype: "FP32", data }],
    })) as { outputs: { name: string; data: string[] }[] };
    const labels = batch.map(({ label }) => label);
    await post("feedback", { feedback: [{ id, labels }] });
    const given = answer.outputs.find(({ name }) => name === "label")!.data;
    return given.filter((label, at) => label === labels[at]).length / batch.length;
  }

  async function post(what: string, body: unknown): Promise<unknown> {
    const response = await fetch(`${model().endpoint}/v2/models/${DIGITS}/${what}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(30_000),
    });
    const answer = await response.text();
    assert.equal(response.status, 200, answer);
    return JSON.parse(answer);
  }

  before(() => {
    stack = new TestStack({ models: [DIGITS] });
    stack.edit((model) => {
      model["watch"] = WATCH;
      model["serving"] = { ...(model["serving"] as object), canary: CANARY };
    }, DIGITS);
  });

  after(async () => {
    const result = await stack.destroy();
    assert.equal(result.code, 0, result.stderr + result.stdout);
  });

  it("begins with a model that serves and is watched", async () => {
    assert.equal((await stack.up()).settled, true);
    status = await stack.status();
    assert.equal(model().stage, "stable", model().reason);
    first = model().version!;
    const [dataset] = await records("dataset");
    const folder = path.join(stack.artifacts, (dataset!["artifact"] as { path: string }).path);
    items = ["train", "validation", "test"].flatMap((split) =>
      readFileSync(path.join(folder, `${split}.jsonl`), "utf8")
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as Item),
    );
    assert.ok(items.length > 1700, `${items.length} images`);
  });

  it("is not asked for while requests are like the data", async () => {
    // Longer than the window, the time drift must last, and a look of the watcher's together.
    for (const until = Date.now() + 100_000; Date.now() < until; ) {
      assert.ok((await ask((image) => image)) > 0.7);
      await sleep(PAUSE_MS);
    }
    assert.deepEqual(await records("trigger"), []);
  });

  it("is asked for when they are not", async () => {
    const rights: number[] = [];
    const trigger = await eventually("a trigger of the drift", 300, async () => {
      rights.push(await ask(inverted));
      return (await records("trigger"))[0];
    });
    assert.ok(mean(rights) < 0.5, `${mean(rights)} of the inverted images were answered right`);
    assert.equal(trigger["reason"], "drift");
    assert.equal(trigger["version"], first);
    const { psi, requests } = trigger["details"] as { psi: Record<string, number>; requests: number };
    assert.ok((psi["mean"] ?? 0) > 0.25, JSON.stringify(psi));
    assert.ok(requests >= WATCH.drift.minRequests);
  });

  it("comes from new data to a new version, with nothing else changed", async () => {
    // Enough labels to learn from, from all there are.
    for (let batch = 0; batch < 60; batch += 1) {
      await ask(inverted);
      await sleep(PAUSE_MS / 2);
    }
    const report = await stack.up();
    assert.equal(report.settled, true);
    status = await stack.status();
    assert.equal(model().stage, "stable", model().reason);
    assert.notEqual(model().version, first);

    const datasets = (await records("dataset")).map((record) => ({
      run: record.run,
      items: Object.values(record["splits"] as Record<string, { items: number }>).reduce(
        (sum, split) => sum + split.items,
        0,
      ),
    }));
    assert.equal(datasets.length, 2);
    const [old, fresh] = [...datasets].sort((a, b) => a.items - b.items);
    assert.ok(fresh!.items > old!.items + 500, JSON.stringify(datasets));
    const trained = (await records("training")).find(({ run }) => run === model().version);
    assert.equal(trained?.["dataset"], fresh!.run);
  });

  it("ends with a version that answers what the first one could not, and what it could as well", async () => {
    const answered = async (change: (image: Image) => Image) => {
      const rights = [];
      for (let batch = 0; batch < 10; batch += 1) {
        rights.push(await ask(change));
      }
      return mean(rights);
    };
    const [changed, unchanged] = [await answered(inverted), await answered((image) => image)];
    assert.ok(changed > 0.85, `${changed} of the inverted images`);
    assert.ok(unchanged > 0.85, `${unchanged} of the others`);
    assert.equal((await records("trigger")).length, 1);
  });
});

/** Dark on light instead of light on dark; pixels go from 0 to 16. */
function inverted(image: Image): Image {
  return image.map((row) => row.map((pixel) => 16 - pixel));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

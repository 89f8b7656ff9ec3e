// The main job on the machine's local datacenter, with the real corpus, the real engine and a real node. Does not prove the
// official Docker plugin, AWS or GPUs, nor what a crash of the API server or of the machine does.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { classify } from "../../scripts/lib/inference.ts";
import { startLoad } from "../../scripts/lib/load.ts";
import { auditedWrites } from "./audit.ts";
import { MODEL, NAMESPACE, REPOSITORY, STACK, type StatusReport, TestStack, type UpReport } from "./datacenter.ts";
import { killedUp, killWorkload, waitForCheckpoint } from "./faults.ts";

const KILLS = 5;

const NO_CHANGES = { created: [], updated: [], replaced: [], deleted: [] };

describe("the main job", () => {
  let stack: TestStack;
  let status: StatusReport;
  let endpoint: string;

  before(() => {
    stack = new TestStack();
  });

  after(async () => {
    const result = await stack.destroy();
    assert.equal(result.code, 0, result.stderr + result.stdout);
  });

  it(`takes the corpus from data to a served model, through ${KILLS} kill -9 of the engine, without a question`, async () => {
    const moments: number[] = [];
    for (let kill = 0; kill < KILLS; kill += 1) {
      const seconds = 2 + 14 * Math.random();
      moments.push(Math.round(seconds * 10) / 10);
      await killedUp(stack, seconds);
    }
    const report = await stack.up();
    assert.equal(report.settled, true, `killed after ${moments.join(", ")} s`);
    assert.equal(existsSync(path.join(REPOSITORY, `stacks/Pulumi.${STACK}.yaml`)), false, "a stray stack file");
    status = await stack.status();
    const model = status.models[0];
    assert.equal(model?.stage, "stable");
    assert.ok(model?.endpoint, "the model has an endpoint");
    endpoint = model.endpoint;
  });

  it("has nothing doubled after it", async () => {
    const names = await stack.kubectl("-n", NAMESPACE, "get", "deploy,svc,sa,cm,pvc,job", "-o", "name");
    const ours = names.split("\n").filter((name) => name.includes(MODEL));
    assert.equal(new Set(ours).size, ours.length);
    // The servers of the one version and their router; what dataset, training and rollout recorded.
    assert.equal(ours.filter((name) => name.startsWith("deployment")).length, 2, names);
    assert.equal(ours.filter((name) => name.startsWith("configmap/record-")).length, 3, names);
  });

  it("is better than a majority class and a bag of words on the same split", () => {
    const metrics = status.models[0]!.metrics!;
    assert.ok(metrics["testAccuracy"]! > metrics["simpleAccuracy"]!, JSON.stringify(metrics));
    assert.ok(metrics["testAccuracy"]! > metrics["majorityAccuracy"]!, JSON.stringify(metrics));
    assert.ok(metrics["testF1"]! > metrics["simpleF1"]!, JSON.stringify(metrics));
    assert.ok(metrics["testF1"]! > metrics["majorityF1"]!, JSON.stringify(metrics));
  });

  it("has no mail of one split in another", async () => {
    const maps = JSON.parse(
      await stack.kubectl("-n", NAMESPACE, "get", "configmap", "-l", "millwright.dev/record=dataset", "-o", "json"),
    ) as { items: { data: Record<string, string> }[] };
    assert.equal(maps.items.length, 1);
    const record = JSON.parse(maps.items[0]!.data["record.json"]!) as {
      run: string;
      leakedItems: number;
      artifact: { path: string };
    };
    assert.equal(record.leakedItems, 0);
    const texts = new Map<string, string>();
    for (const split of ["train", "validation", "test"]) {
      const lines = readFileSync(path.join(stack.artifacts, record.artifact.path, `${split}.jsonl`), "utf8")
        .trim()
        .split("\n");
      assert.ok(lines.length > 100, `${split} has ${lines.length} mails`);
      for (const line of lines) {
        const { text } = JSON.parse(line) as { text: string };
        assert.ok(!texts.has(text) || texts.get(text) === split, `a mail of ${texts.get(text)} is also in ${split}`);
        texts.set(text, split);
      }
    }
  });

  it("classifies mails over the V2 protocol", async () => {
    const [spam, ham] = await classify(endpoint, MODEL, [
      "Subject: FREE cash prize\n\nCongratulations! You have been selected to receive $$$ guaranteed income from home. Click here to claim " +
        "your free money now, no risk, limited time offer!!! To be removed from our list reply with remove.",
      "Subject: Re: patch for the kernel build\n\nOn Tue, Tom wrote:\n> the makefile breaks with gcc 3.2\nI applied your patch to CVS and " +
        "it builds again here. Could you send the changelog entry to the list as well? Thanks.",
    ]);
    assert.equal(spam?.label, "spam");
    assert.equal(ham?.label, "ham");
  });

  it("changes nothing the second time, with no write to the API server", async () => {
    const since = new Date();
    const report = await stack.up();
    assert.deepEqual(report.changes, NO_CHANGES);
    assert.deepEqual(report.drift, []);
    assert.deepEqual(auditedWrites({ since, user: "millwright-admin" }), []);
  });

  it("repairs a deleted Service and a changed image, and says so", async () => {
    await stack.kubectl("-n", NAMESPACE, "delete", "service", MODEL);
    const servers = status.models[0]!.version!;
    await stack.kubectl("-n", NAMESPACE, "set", "image", `deployment/${servers}`, "server=127.0.0.1:5000/other:latest");
    const report: UpReport = await stack.up();
    assert.ok(
      report.drift.some((line) => line.startsWith(`Service ${NAMESPACE}/${MODEL} was deleted outside`)),
      report.drift.join("\n"),
    );
    assert.ok(
      report.drift.some((line) => /Deployment .*image/.test(line)),
      report.drift.join("\n"),
    );
    assert.deepEqual(report.changes.created, [`Service ${NAMESPACE}/${MODEL}`]);
    assert.deepEqual(report.changes.updated, [`Deployment ${NAMESPACE}/${servers}`]);
    status = await stack.status();
    endpoint = status.models[0]!.endpoint!;
    assert.equal((await classify(endpoint, MODEL, ["Subject: hello"])).length, 1);
    assert.deepEqual((await stack.up()).changes, NO_CHANGES);
  });

  it("resumes a training whose pod was killed, while the old version serves", async () => {
    const before = status.models[0]!.version;
    stack.edit((model) => {
      (model["training"] as Record<string, unknown>)["seed"] = 18;
      (model["training"] as Record<string, unknown>)["checkpointSeconds"] = 3;
      // Long enough that the kill falls between the first checkpoint and the end.
      (model["training"] as Record<string, unknown>)["epochs"] = 10;
    });
    const serving = startLoad((number) => classify(endpoint, MODEL, [`Subject: hello ${number}`]), 2);
    const finished = stack.up();
    const run = await waitForCheckpoint(stack);
    await killWorkload(run);
    const report = await finished;
    const { requests, failures } = await serving.stop();
    assert.equal(report.settled, true);
    status = await stack.status();
    assert.notEqual(status.models[0]!.version, before);
    assert.equal(status.models[0]!.version, run);
    const record = JSON.parse(
      (
        JSON.parse(await stack.kubectl("-n", NAMESPACE, "get", "configmap", `record-${run}`, "-o", "json")) as {
          data: Record<string, string>;
        }
      ).data["record.json"]!,
    ) as { restarts: number };
    assert.ok(record.restarts >= 1, "the run went on from a checkpoint");
    assert.ok(requests > 10, `${requests} requests`);
    assert.deepEqual(failures, []);
  });
});

// The folder in which servers keep what they are asked, as servers and the next dataset run see it. Not proven: that they read
// and write the same there (workloads/tests/test_captured.py).
import assert from "node:assert/strict";
import type { TriggerRecord } from "../../../components/lifecycle/types.ts";
import { renderEndpoint } from "../../../components/serving/render.ts";
import { renderDataset } from "../../../components/training/dataset.ts";
import { watchSchema } from "../../../stacks/schema.ts";
import { DATASET_RUN, VERSION } from "../fixtures.ts";
import { ARGS } from "../serving/versions.ts";
import { CONTEXT } from "../training/fixtures.ts";
import { artifactMounts, environmentOf, specOf, workloadOf } from "../training/rendered.ts";

const WATCHED = { ...VERSION, model: { ...VERSION.model, watch: watchSchema.parse({}) } };
const TRIGGER: TriggerRecord = {
  kind: "trigger",
  model: VERSION.model.name,
  run: "mail-triage-trigger-0123456789",
  completedAt: "2026-11-24T10:00:00Z",
  reason: "drift",
  version: VERSION.version,
  seconds: 0,
  artifact: { path: "-", sha256: "0".repeat(64), bytes: 0 },
};

function server(version: typeof VERSION) {
  const [rendered] = renderEndpoint({ ...ARGS, stable: version }).versions;
  const { containers, volumes } = rendered!.deployment.spec.template.spec;
  const mounts = containers[0]!.volumeMounts.filter(({ name }) => name === "artifacts");
  const env = Object.fromEntries(containers[0]!.env.map(({ name, value }) => [name, value]));
  return { mounts, env, claim: volumes.find(({ name }) => name === "artifacts") };
}

describe("what is kept of requests", () => {
  it("is written by the servers of a model that is watched, to a folder of the model alone", () => {
    const { mounts, env, claim } = server(WATCHED);
    assert.equal(env["MILLWRIGHT_CAPTURE"], "/millwright/captured");
    assert.equal(env["MILLWRIGHT_ACCURACY"], "0.98");
    assert.deepEqual(mounts, [
      { name: "artifacts", mountPath: "/mnt/models", subPath: VERSION.record.artifact.path, readOnly: true },
      { name: "artifacts", mountPath: "/millwright/captured", subPath: "captured/mail-triage" },
    ]);
    assert.deepEqual(claim, { name: "artifacts", persistentVolumeClaim: { claimName: "artifacts" } });
  });

  it("is nothing of a model that is not, whose servers can write nowhere", () => {
    const { mounts, env, claim } = server(VERSION);
    assert.equal(env["MILLWRIGHT_CAPTURE"], undefined);
    assert.equal(env["MILLWRIGHT_ACCURACY"], undefined);
    assert.equal(mounts.length, 1);
    assert.deepEqual(claim, { name: "artifacts", persistentVolumeClaim: { claimName: "artifacts", readOnly: true } });
  });

  it("is read by a dataset run that a trigger asked for", () => {
    const rendered = renderDataset({ ...CONTEXT, run: { ...DATASET_RUN, trigger: TRIGGER } });
    assert.equal(environmentOf(workloadOf(rendered))["MILLWRIGHT_CAPTURED"], "/millwright/captured");
    assert.deepEqual(artifactMounts(rendered)[1], {
      name: "artifacts",
      mountPath: "/millwright/captured",
      subPath: "captured/mail-triage",
      readOnly: true,
    });
    assert.equal((specOf(rendered) as { captured?: boolean }).captured, true);
  });

  it("is nothing to any other", () => {
    const rendered = renderDataset({ ...CONTEXT, run: DATASET_RUN });
    assert.equal(environmentOf(workloadOf(rendered))["MILLWRIGHT_CAPTURED"], undefined);
    assert.equal(artifactMounts(rendered).length, 1);
    assert.deepEqual(Object.keys(specOf(rendered) as object).sort(), ["format", "split"]);
  });
});

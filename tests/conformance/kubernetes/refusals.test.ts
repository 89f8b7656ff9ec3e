import assert from "node:assert/strict";
import providerPb from "@pulumi/pulumi/proto/provider_pb.js";
import { Engine, urnOf } from "./engine.ts";

/** What only the official plugin does is refused, and the refusal names it. */
describe("kubernetes: refusals", function () {
  this.timeout(120_000);
  let engine: Engine;
  before(async () => {
    engine = await Engine.start();
  });

  for (const type of [
    "kubernetes:helm.sh/v3:Release",
    "kubernetes:core/v1:ConfigMapList",
    "kubernetes:kustomize/v2:Directory",
  ]) {
    it(type, async () => {
      const answer = engine.check(urnOf(type, "refused"), { metadata: { name: "refused" } });
      await assert.rejects(answer, (error: Error) =>
        error.message.includes(`${type} is done by the official plugin only`),
      );
    });
  }

  it("functions, methods and components by their token", async () => {
    const invoke = new providerPb.InvokeRequest();
    invoke.setTok("kubernetes:yaml:decode");
    await assert.rejects(engine.call("invoke", invoke), /kubernetes:yaml:decode is done by the official plugin only/);
    const construct = new providerPb.ConstructRequest();
    construct.setType("kubernetes:helm.sh/v4:Chart");
    await assert.rejects(
      engine.call("construct", construct),
      /kubernetes:helm\.sh\/v4:Chart is done by the official plugin only/,
    );
    const call = new providerPb.CallRequest();
    call.setTok("kubernetes:x:y");
    await assert.rejects(engine.call("call", call), /kubernetes:x:y is done by the official plugin only/);
  });

  it("a kind the cluster does not have, naming it and its definition", async () => {
    const widget = { apiVersion: "nowhere.example/v1", kind: "Widget", metadata: { name: "w", namespace: "default" } };
    await assert.rejects(
      engine.create("kubernetes:nowhere.example/v1:Widget", "w", widget),
      /no kind nowhere\.example\/v1\/Widget\. If a CustomResourceDefinition provides it, install that first/,
    );
  });
});

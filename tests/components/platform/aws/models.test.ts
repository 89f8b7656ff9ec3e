import assert from "node:assert/strict";
import { countByType, find } from "../../engine.ts";
import { declareModels } from "./fixtures.ts";

describe("what a stack of models has in AWS", () => {
  it("is a repository for each image of its own, and a role for each account", async () => {
    const { registrations } = await declareModels();
    assert.deepEqual(countByType(registrations.filter(({ custom }) => custom)), {
      "aws:ecr/repository:Repository": 2,
      "aws:ecr/lifecyclePolicy:LifecyclePolicy": 2,
      "aws:eks/podIdentityAssociation:PodIdentityAssociation": 3,
    });
  });

  it("lies beside the platform's images, and is tagged as this stack's", async () => {
    const { registrations } = await declareModels();
    const { inputs } = find(registrations, "aws:ecr/repository:Repository", "models-registry-source-mail-triage");
    assert.equal(inputs["name"], "millwright-production/source-mail-triage");
    assert.equal(inputs["imageTagMutability"], "IMMUTABLE");
    assert.equal((inputs["tags"] as Record<string, string>)["millwright.dev/stack"], "production-models");
  });

  it("ties accounts to the roles of what they do", async () => {
    const { registrations } = await declareModels();
    const { inputs } = find(registrations, "aws:eks/podIdentityAssociation:PodIdentityAssociation", "models-mlflow");
    const { tags: _, ...association } = inputs;
    assert.deepEqual(association, {
      clusterName: "millwright-production",
      namespace: "customer-service",
      serviceAccount: "mlflow",
      roleArn: "arn:aws:iam::111122223333:role/millwright-production-tracking",
    });
  });
});

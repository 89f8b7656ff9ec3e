import assert from "node:assert/strict";
import { CLUSTER_AUTOSCALER } from "../../../../components/platform/aws/defaults.ts";
import { awsModelsFolder } from "../../../../scripts/toolchain/aws-models.ts";
import { ApiModels } from "./api/model.ts";
import { declarePlatform, FULL_SPEC } from "./fixtures.ts";
import { policiesOf } from "./iam.ts";

/** Where the API of a service has another name than its actions in IAM. */
const MODELS: Readonly<Record<string, string>> = { aps: "amp" };

/**
 * Actions of IAM that are no operations of an API (Service Authorization Reference): permissions of their own, and those of
 * S3, which are named after what they are about.
 */
const NO_OPERATIONS: Readonly<Record<string, string>> = {
  "aps:QueryMetrics": "asked by Prometheus' own API, which is not in the model",
  "aps:GetLabels": "the same",
  "aps:GetSeries": "the same",
  "aps:GetMetricMetadata": "the same",
  "iam:PassRole": "asked when a service is given a role",
  "kms:ReEncryptFrom": "one half of ReEncrypt",
  "kms:ReEncryptTo": "the other half",
  "s3:ListBucket": "ListObjectsV2 and HeadBucket",
  "s3:ListMultipartUploadParts": "ListParts",
  "sts:TagSession": "asked when a session is given tags",
};

/** Not proven: that AWS takes the policies for what they mean here; its own Policy Simulator needs an account. */
describe("policies of IAM", function () {
  this.timeout(300_000);

  it("name actions that AWS has", async () => {
    const models = new ApiModels(await awsModelsFolder());
    const policies = policiesOf(
      (await declarePlatform(FULL_SPEC, { clusterAutoscaler: CLUSTER_AUTOSCALER })).registrations,
    );
    const actions = new Set(policies.flatMap(({ statements }) => statements.flatMap(({ Action }) => Action)));
    const named = [...actions].filter((action) => !action.endsWith(":*"));
    const unknown = named.filter((action) => {
      const [service = "", operation = ""] = action.split(":");
      return NO_OPERATIONS[action] === undefined && !models.hasOperation(MODELS[service] ?? service, operation);
    });
    assert.deepEqual(unknown, []);
    assert.deepEqual(
      Object.keys(NO_OPERATIONS).filter((action) => !actions.has(action)),
      [],
      "what is listed is used",
    );
    assert.equal(models.hasOperation("ec2", "RunInstance"), false, "a name that is nearly right is not one");
    console.log(`      ${policies.length} policies, ${actions.size} actions, ${named.length} looked up`);
  });
});

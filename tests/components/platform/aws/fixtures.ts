import { AwsPlatform, type AwsPlatformArgs } from "../../../../components/platform/aws/component.ts";
import { AwsModels, type AwsModelsArgs } from "../../../../components/platform/aws/models/component.ts";
import { type EksSpec, eksSchema } from "../../../../stacks/aws.ts";
import { declare } from "../../engine.ts";
import { ACCOUNT, awsProvider } from "./mocks.ts";

/** Everything a cluster on AWS may have. */
export const FULL_SPEC: EksSpec = eksSchema.parse({
  kind: "eks",
  accountId: ACCOUNT,
  region: "us-east-2",
  zones: ["us-east-2a", "us-east-2b", "us-east-2c"],
  cidr: "10.40.0.0/16",
  publicAccess: ["203.0.113.0/24"],
  administrators: [`arn:aws:iam::${ACCOUNT}:role/platform-engineers`],
  lustre: { zone: "us-east-2a" },
  database: {},
});

/** As little as there can be. */
export const SMALL_SPEC: EksSpec = eksSchema.parse({
  kind: "eks",
  accountId: ACCOUNT,
  region: "eu-west-1",
  zones: ["eu-west-1a", "eu-west-1b"],
  natGateways: "one",
  metrics: "inCluster",
});

const declared = new Map<string, ReturnType<typeof make>>();

/** The platform of a specification with all it registers; made once for all tests that want the same. */
export function declarePlatform(
  spec: EksSpec = FULL_SPEC,
  more: Partial<AwsPlatformArgs> = {},
): ReturnType<typeof make> {
  const key = JSON.stringify([spec, more]);
  const known = declared.get(key) ?? make(spec, more);
  declared.set(key, known);
  return known;
}

function make(spec: EksSpec, more: Partial<AwsPlatformArgs>) {
  const args: AwsPlatformArgs = { stack: "production", spec, ...more };
  return declare(() => new AwsPlatform("platform", args), { provider: awsProvider(spec.region) });
}

/** What a stack of models on the platform of {@link FULL_SPEC} has in AWS. */
export function declareModels() {
  const role = (part: string) => `arn:aws:iam::${ACCOUNT}:role/millwright-production-${part}`;
  const args: AwsModelsArgs = {
    stack: "production-models",
    platform: "production",
    accountId: ACCOUNT,
    region: FULL_SPEC.region,
    outputs: {
      clusterName: "millwright-production",
      key: `arn:aws:kms:${FULL_SPEC.region}:${ACCOUNT}:key/0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f`,
      roles: { training: role("training"), tracking: role("tracking"), serving: role("serving") },
    },
    images: ["source-mail-triage", "workload-digits"],
    namespace: "customer-service",
    accounts: [
      { serviceAccount: "mail-triage-runs", kind: "training" },
      { serviceAccount: "mlflow", kind: "tracking" },
      { serviceAccount: "assistant", kind: "serving" },
    ],
  };
  return declare(() => new AwsModels("models", args), { provider: awsProvider(FULL_SPEC.region) });
}

import assert from "node:assert/strict";
import { awsModelsFolder } from "../../../../scripts/toolchain/aws-models.ts";
import type { Registration } from "../../engine.ts";
import { ApiModels, type Verdict } from "./api/model.ts";
import { NO_CALL, OPERATIONS, Reader } from "./api/operations.ts";
import { declareModels, declarePlatform, SMALL_SPEC } from "./fixtures.ts";
import { awsProvider } from "./mocks.ts";
import { declareStack, scaledStack, shipped } from "./stacks.ts";

/** How the engine is told that a value is secret. */
const SECRET_MARK = "4dabf18193072939515e22adb298388d";

function inTheClear(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(inTheClear);
  }
  if (value === null || typeof value !== "object") {
    return value;
  }
  return SECRET_MARK in value
    ? inTheClear((value as Record<string, unknown>)["value"])
    : Object.fromEntries(Object.entries(value).map(([key, item]) => [key, inTheClear(item)]));
}

interface Judged extends Verdict {
  readonly type: string;
  readonly name: string;
  /** Inputs that go into no call. */
  readonly left: readonly string[];
}

/** What the provider names by itself where the program does not: after the resource, with seven digits behind. */
const NAMED_BY_PROVIDER: Readonly<Record<string, string>> = {
  "aws:ec2/launchTemplate:LaunchTemplate": "name",
  "aws:ec2/placementGroup:PlacementGroup": "name",
  "aws:eks/nodeGroup:NodeGroup": "nodeGroupName",
};

function judge(models: ApiModels, { type, name, inputs }: Pick<Registration, "type" | "name" | "inputs">): Judged {
  const operations = OPERATIONS[type];
  assert.ok(operations, `nothing says which calls ${type} comes to; add it to api/operations.ts`);
  const own = NAMED_BY_PROVIDER[type];
  const plain = {
    ...(own === undefined ? {} : { [own]: `${name}-0123456` }),
    ...(inTheClear(inputs) as Record<string, unknown>),
  };
  const reader = new Reader(plain, awsProvider("us-east-2")({ type, name, inputs: plain }).id);
  const verdicts = operations(reader).map(({ service, operation, input }) =>
    models.judge({ service, operation, input: models.shaped(service, operation, input) }),
  );
  return {
    type,
    name,
    left: reader.left,
    checks: verdicts.reduce((sum, { checks }) => sum + checks, 0),
    problems: verdicts.flatMap(({ problems }) => problems).map((problem) => `${type} ${name}: ${problem}`),
  };
}

/**
 * Every resource of every stack on AWS against AWS's own API models, as botocore carries them: members, required ones, types,
 * choices, patterns, lengths and ranges of the calls it comes to.
 *
 * Not proven: what the models leave to the services (that a subnet lies in its network, that a quota allows it, that a zone
 * has the machine), and that the provider makes these calls of these inputs.
 */
describe("AWS's API models", function () {
  this.timeout(300_000);
  let models: ApiModels;
  let registrations: readonly Registration[];
  before(async () => {
    models = new ApiModels(await awsModelsFolder());
    registrations = (await declarePlatform()).registrations;
  });

  async function declared(name: string): Promise<readonly Registration[]> {
    const stack =
      name === "small"
        ? await declarePlatform(SMALL_SPEC)
        : name === "models"
          ? await declareModels()
          : await declareStack(name === "scaled" ? scaledStack() : await shipped(name));
    return stack.registrations.filter(({ type }) => type.startsWith("aws:"));
  }

  const broken: readonly [what: string, type: string, change: object, says: RegExp][] = [
    [
      "a kind of log that there is not",
      "aws:eks/cluster:Cluster",
      { enabledClusterLogTypes: ["apis"] },
      /apis is none of/,
    ],
    [
      "a cluster without a network",
      "aws:eks/cluster:Cluster",
      { vpcConfig: undefined },
      /resourcesVpcConfig is required/,
    ],
    ["an image that there is not", "aws:eks/nodeGroup:NodeGroup", { amiType: "AL2023" }, /AL2023 is none of/],
    ["a size of text", "aws:fsx/lustreFileSystem:LustreFileSystem", { storageCapacity: "2 TB" }, /whole number/],
    [
      "a throughput below all",
      "aws:fsx/lustreFileSystem:LustreFileSystem",
      { perUnitStorageThroughput: 5 },
      /below 12/,
    ],
    [
      "a subnet of another form",
      "aws:fsx/lustreFileSystem:LustreFileSystem",
      { subnetIds: "net-1" },
      /is not \^\(subnet/,
    ],
    ["a role's name with a space", "aws:iam/role:Role", { name: "two words" }, /"two words" is not/],
    ["a role's name too long", "aws:iam/role:Role", { name: "r".repeat(65) }, /65 is above 64/],
    ["an input of another name", "aws:ecr/repository:Repository", { scanning: true }, /has no member scanning/],
    ["capitals in a repository", "aws:ecr/repository:Repository", { name: "Trainer" }, /"Trainer" is not/],
    [
      "a state of versions that there is not",
      "aws:s3/bucketVersioning:BucketVersioning",
      { versioningConfiguration: { status: "On" } },
      /On is none of/,
    ],
    ["an alias too long", "aws:kms/alias:Alias", { name: "x".repeat(257) }, /above 256/],
  ];

  for (const [what, type, change, says] of broken) {
    it(`refuse ${what}`, async () => {
      const good = registrations.find((each) => each.type === type);
      assert.ok(good);
      assert.deepEqual(judge(models, good).problems, []);
      const inputs = Object.fromEntries(
        Object.entries({ ...good.inputs, ...change }).filter(([, value]) => value !== undefined),
      );
      assert.match(judge(models, { ...good, inputs }).problems.join("\n"), says);
    });
  }

  after(() => {
    for (const [input, reason] of Object.entries(NO_CALL)) {
      console.log(`      not held against a call: ${input}: ${reason}`);
    }
  });

  for (const name of ["production", "staging", "small", "scaled", "models"]) {
    it(`take every call of ${name}`, async () => {
      const judged = (await declared(name)).map((registration) => judge(models, registration));
      assert.deepEqual(
        judged.flatMap(({ problems }) => problems),
        [],
      );
      const left = judged.flatMap(({ type, left }) => left.map((key) => `${type}.${key}`));
      assert.deepEqual(
        left.filter((key) => NO_CALL[key] === undefined),
        [],
        "every input goes into a call, or is written down in NO_CALL with its reason",
      );
      for (const { type, checks } of judged) {
        assert.ok(checks > 0, `${type} was held against nothing`);
      }
      const total = judged.reduce((sum, { checks }) => sum + checks, 0);
      const types = new Set(judged.map(({ type }) => type)).size;
      const inputs = new Set(left).size;
      console.log(
        `      ${name}: ${judged.length} resources of ${types} types, ${total} checks ` +
          `(${(total / judged.length).toFixed(1)} a resource), ${inputs} inputs in no call`,
      );
    });
  }
});

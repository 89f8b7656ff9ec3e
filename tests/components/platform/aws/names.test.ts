import assert from "node:assert/strict";
import fc from "fast-check";
import {
  awsName,
  bucketName,
  MAX_STACK_NAME_LENGTH,
  NAME_LIMITS,
  type NameKind,
  partitionOf,
  registryOf,
  stackNameProblem,
} from "../../../../components/platform/aws/names.ts";
import { eksSchema } from "../../../../stacks/aws.ts";
import { declarePlatform, FULL_SPEC } from "./fixtures.ts";
import { ACCOUNT } from "./mocks.ts";

const word = fc.stringMatching(/^[a-z][a-z0-9]{0,11}$/);
const stackName = fc
  .array(word, { minLength: 1, maxLength: 3 })
  .map((words) => words.join("-"))
  .filter((name) => name.length <= MAX_STACK_NAME_LENGTH);
const kind = fc.constantFrom(...(Object.keys(NAME_LIMITS) as NameKind[]));

/** The longest name a stack with a cluster can have. */
const LONGEST = "a23456789-b23456789-c23456789-12";

describe("names in AWS", () => {
  it("are what they are about, where there is room", () => {
    assert.equal(awsName("cluster", "production"), "millwright-production");
    assert.equal(awsName("role", "production", "karpenter"), "millwright-production-karpenter");
    assert.equal(bucketName("production", "datasets", ACCOUNT), "millwright-production-datasets-111122223333");
    assert.equal(
      registryOf("production", { accountId: ACCOUNT, region: "us-east-2" }),
      "111122223333.dkr.ecr.us-east-2.amazonaws.com/millwright-production",
    );
    assert.equal(
      registryOf("x", { accountId: ACCOUNT, region: "cn-north-1" }),
      "111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn/millwright-x",
    );
    assert.deepEqual(["us-east-2", "cn-north-1", "us-gov-west-1"].map(partitionOf), ["aws", "aws-cn", "aws-us-gov"]);
  });

  it("have the limits of AWS's API references", () => {
    // As in names.ts, from the same pages, so that one slip of the pen is seen.
    const names = {
      bucket: 63,
      cluster: 100,
      database: 63,
      nodeGroup: 63,
      queue: 80,
      role: 64,
      rule: 64,
      workspace: 100,
    };
    assert.deepEqual({ ...NAME_LIMITS, ...names }, NAME_LIMITS);
  });

  it("keep AWS's limits, and their end, whatever they are made of", () => {
    fc.assert(
      fc.property(kind, stackName, fc.array(word, { maxLength: 6 }), (of, stack, parts) => {
        const name = awsName(of, stack, ...parts);
        assert.ok(name.length <= NAME_LIMITS[of], `${name.length} of ${NAME_LIMITS[of]}`);
        assert.match(name, /^[a-z0-9]+(-[a-z0-9]+)*$/);
        assert.equal(name, awsName(of, stack, ...parts));
      }),
    );
  });

  it("differ where what they are made of does", () => {
    fc.assert(
      fc.property(kind, stackName, stackName, fc.array(word, { maxLength: 6 }), (of, one, other, parts) => {
        fc.pre(one !== other);
        assert.notEqual(awsName(of, one, ...parts), awsName(of, other, ...parts));
      }),
    );
    const long = `${"x".repeat(70)}`;
    assert.notEqual(awsName("role", "a", long, "one"), awsName("role", "a", long, "two"));
  });

  it("are refused where no name in AWS could be made of them", () => {
    for (const good of ["a", "production", "team-a-2", LONGEST]) assert.equal(stackNameProblem(good), undefined, good);
    for (const bad of ["", "A", "1a", "a--b", "a-", "-a", "a_b", `${LONGEST}3`]) {
      assert.match(stackNameProblem(bad) ?? "", /at most 32/, bad);
    }
  });
});

describe("at the longest stack name", () => {
  /** Inputs that name a resource, and how long AWS lets it be. */
  const LIMITS: Readonly<Record<string, readonly [input: string, limit: number]>> = {
    "aws:amp/scraper:Scraper": ["alias", 100],
    "aws:amp/workspace:Workspace": ["alias", 100],
    "aws:cloudwatch/eventRule:EventRule": ["name", 64],
    "aws:cloudwatch/logGroup:LogGroup": ["name", 512],
    "aws:ec2/launchTemplate:LaunchTemplate": ["name", 128],
    "aws:ec2/securityGroup:SecurityGroup": ["name", 255],
    "aws:ecr/repository:Repository": ["name", 256],
    "aws:eks/cluster:Cluster": ["name", 100],
    "aws:eks/nodeGroup:NodeGroup": ["nodeGroupName", 63],
    "aws:iam/role:Role": ["name", 64],
    "aws:iam/rolePolicy:RolePolicy": ["name", 128],
    "aws:kms/alias:Alias": ["name", 256],
    "aws:rds/instance:Instance": ["identifier", 63],
    "aws:rds/parameterGroup:ParameterGroup": ["name", 255],
    "aws:rds/subnetGroup:SubnetGroup": ["name", 255],
    "aws:s3/bucket:Bucket": ["bucket", 63],
    "aws:sns/topic:Topic": ["name", 256],
    "aws:sqs/queue:Queue": ["name", 80],
  };

  it("every name and tag is within AWS's limits, and every name of a kind is another", async () => {
    assert.equal(LONGEST.length, MAX_STACK_NAME_LENGTH);
    const region = "ap-southeast-2";
    const spec = eksSchema.parse({
      ...FULL_SPEC,
      region,
      zones: [`${region}a`, `${region}b`],
      lustre: { zone: `${region}a` },
    });
    const { registrations } = await declarePlatform(spec, { stack: LONGEST });
    const seen = new Map<string, Set<unknown>>();
    for (const { type, inputs } of registrations.filter(({ type }) => type.startsWith("aws:"))) {
      const [input, limit] = LIMITS[type] ?? [];
      for (const naming of ["name", "alias", "bucket", "identifier", "nodeGroupName"]) {
        const isReference = naming === "bucket" && type !== "aws:s3/bucket:Bucket";
        assert.ok(
          naming === input || isReference || inputs[naming] === undefined,
          `${type}.${naming} has no limit here`,
        );
      }
      if (input !== undefined && limit !== undefined) {
        const name = inputs[input];
        assert.ok(typeof name === "string" && name.length <= limit, `${type} ${String(name)}`);
        const names = seen.get(type) ?? seen.set(type, new Set()).get(type)!;
        assert.ok(!names.has(name), `${type} ${name} twice`);
        names.add(name);
      }
      const tags = Object.entries((inputs["tags"] ?? {}) as Record<string, string>);
      assert.ok(tags.length <= 50);
      for (const [key, value] of tags) {
        // What all services take: 128 and 256 characters, and of them letters, digits and these.
        assert.match(key, /^(?!aws:)[\w .:/=+@-]{1,128}$/);
        assert.match(value, /^[\w .:/=+@-]{0,256}$/);
      }
    }
    assert.deepEqual([...seen.keys()].sort(), Object.keys(LIMITS).sort());
  });
});

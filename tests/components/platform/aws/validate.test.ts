import assert from "node:assert/strict";
import { type PoolExtent, validateAws } from "../../../../components/platform/aws/validate.ts";
import { type EksSpec, eksSchema } from "../../../../stacks/aws.ts";
import { FULL_SPEC, SMALL_SPEC } from "./fixtures.ts";

type Change = Partial<Omit<EksSpec, "lustre">> & { readonly lustre?: Partial<NonNullable<EksSpec["lustre"]>> };

/** What is broken, how, and for each problem its path and what it says. */
type Case = [what: string, change: Change, pools: PoolExtent[], ...problems: [path: string, says: RegExp][]];

const CASES: Case[] = [
  [
    "a zone of another region",
    { zones: ["us-east-2a", "us-west-2b"] },
    [],
    ["zones[1]", /zone of the region us-east-2/],
  ],
  ["a zone twice", { zones: ["us-east-2a", "us-east-2b", "us-east-2a"] }, [], ["zones[2]", /not be named twice/]],
  ["a network that begins in its middle", { cidr: "10.0.1.0/16" }, [], ["cidr", /begins at its first one/]],
  ["an octet too large", { cidr: "10.300.0.0/16" }, [], ["cidr", /block of addresses/]],
  [
    "a network larger than AWS's",
    { cidr: "10.0.0.0/15" },
    [],
    ["cidr", /from \/16, the largest network of AWS, to \/22/],
  ],
  ["a network too small for its subnets", { cidr: "10.0.0.0/24" }, [], ["cidr", /6 bits smaller/]],
  ["somebody's addresses", { cidr: "8.8.0.0/16" }, [], ["cidr", /RFC 1918/]],
  ["the Services' addresses", { cidr: "172.20.0.0/16" }, [], ["cidr", /overlap 172\.20\.0\.0\/16/]],
  [
    "more nodes than addresses",
    { cidr: "10.0.0.0/22" },
    [{ name: "cpu", nodes: 20 }],
    ["cidr", /23 nodes at most, 3 of the system among them, take 33 each, 759; 3 private subnets of \/25 have 369/],
  ],
  [
    "more nodes in one zone than it has addresses",
    { cidr: "10.0.0.0/21" },
    [{ name: "training", nodes: 10, zones: ["us-east-2a"] }],
    [
      "cidr",
      /in us-east-2a: training \(10\) may be nowhere else, 10 nodes take 33 each, 330; its private subnet of \/24 has 251/,
    ],
  ],
  ["a version without add-ons", { version: "1.29" }, [], ["version", /one of "1\.33", "1\.34"/]],
  ["everybody", { publicAccess: ["0.0.0.0/0"] }, [], ["publicAccess[0]", /not be everybody/]],
  ["an office's inside", { publicAccess: ["192.168.0.0/24"] }, [], ["publicAccess[0]", /must be public/]],
  ["a single address without its block", { publicAccess: ["203.0.113.9/24"] }, [], ["publicAccess[0]", /first one/]],
  ["an office twice", { publicAccess: ["203.0.113.0/24", "203.0.113.0/24"] }, [], ["publicAccess[1]", /named twice/]],
  [
    "an administrator twice",
    { administrators: ["arn:aws:iam::111122223333:role/a", "arn:aws:iam::111122223333:role/a"] },
    [],
    ["administrators[1]", /named twice/],
  ],
  ["days CloudWatch does not have", { logRetentionDays: 100 }, [], ["logRetentionDays", /90, 120/]],
  [
    "a file system between two sizes",
    { lustre: { sizeGiB: 3600 } },
    [],
    ["lustre.sizeGiB", /multiple of 2400, the next of which is 4800/],
  ],
  [
    "a throughput FSx does not have",
    { lustre: { throughputPerTiB: 300 } },
    [],
    ["lustre.throughputPerTiB", /125, 250, 500, 1000/],
  ],
  [
    "a file system elsewhere",
    { lustre: { zone: "us-east-2d" } },
    [],
    ["lustre.zone", /us-east-2a, us-east-2b, us-east-2c/],
  ],
  [
    "Graviton for an x86 image",
    { systemNodes: { instanceType: "m7g.large", nodes: 3 } },
    [],
    ["systemNodes.instanceType", /x86/],
  ],
  [
    "accelerators nobody uses",
    { systemNodes: { instanceType: "g6e.xlarge", nodes: 3 } },
    [],
    ["systemNodes.instanceType", /without accelerators/],
  ],
  [
    "several things at once",
    { version: "1.29", cidr: "8.8.0.0/16", logRetentionDays: 2 },
    [],
    ["cidr", /RFC 1918/],
    ["logRetentionDays", /one of/],
    ["version", /one of/],
  ],
];

describe("a platform on AWS", () => {
  it("can be as the tests' are", () => {
    assert.deepEqual(validateAws(FULL_SPEC), []);
    assert.deepEqual(validateAws(SMALL_SPEC), []);
    assert.deepEqual(validateAws({}), []);
  });

  for (const [what, { lustre, ...change }, pools, ...problems] of CASES) {
    it(`is refused with ${what}`, () => {
      const spec: EksSpec = {
        ...FULL_SPEC,
        ...change,
        ...(lustre === undefined ? {} : { lustre: { ...FULL_SPEC.lustre!, ...lustre } }),
      };
      assert.ok(eksSchema.safeParse(spec).success, "the schema takes it: what is judged here it cannot see");
      const found = [...validateAws(spec, pools)].sort((a, b) => (a.path < b.path ? -1 : 1));
      assert.deepEqual(
        found.map(({ path }) => path),
        problems.map(([path]) => path),
      );
      for (const [index, [, says]] of problems.entries()) assert.match(found[index]?.message ?? "", says);
    });
  }

  it("may have pools that fill its addresses to the last", () => {
    // 7 x 33 = 231 of the 251 of a /24 in one zone; an eighth node would be 264.
    const spec = { ...SMALL_SPEC, cidr: "10.0.0.0/21", systemNodes: { instanceType: "m7i.large", nodes: 2 } };
    const pool = (nodes: number) => [{ name: "training", nodes, zones: ["eu-west-1a"] }];
    assert.deepEqual(validateAws(spec, pool(7)), []);
    assert.equal(validateAws(spec, pool(8)).length, 1);
  });
});

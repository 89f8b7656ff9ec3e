import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type Block,
  contains,
  formatBlock,
  knownBlock,
  overlaps,
  parseBlock,
  sizeOf,
  subBlock,
} from "../../../../components/platform/aws/network/addresses.ts";
import {
  LARGEST_NETWORK_PREFIX,
  privateBlock,
  publicBlock,
  SMALLEST_NETWORK_PREFIX,
  usableAddresses,
} from "../../../../components/platform/aws/network/defaults.ts";
import { find } from "../../engine.ts";
import { declarePlatform, SMALL_SPEC } from "./fixtures.ts";

const network: fc.Arbitrary<Block> = fc
  .tuple(fc.integer({ min: LARGEST_NETWORK_PREFIX, max: SMALLEST_NETWORK_PREFIX }), fc.nat(2 ** 24 - 1))
  .map(([prefix, low]) => {
    const start = 10 * 2 ** 24 + low;
    return { start: start - (start % sizeOf(prefix)), prefix };
  });

describe("blocks of addresses", () => {
  it("are read and written alike", () => {
    fc.assert(fc.property(network, (block) => assert.deepEqual(parseBlock(formatBlock(block)), block)));
    assert.deepEqual(parseBlock("0.0.0.0/0"), { start: 0, prefix: 0 });
    assert.equal(formatBlock(knownBlock("255.255.255.255/32")), "255.255.255.255/32");
  });

  it("are refused where they are none", () => {
    for (const wrong of ["10.0.0.0", "10.0.0.0/33", "10.0.0.256/32", "10.0.0.1/24", "10.0.0/24", "a/8", ""]) {
      assert.equal(parseBlock(wrong), undefined, wrong);
    }
  });

  it("overlap with each other the same way round, and contain what they are divided into", () => {
    fc.assert(
      fc.property(network, network, (a, b) => {
        assert.equal(overlaps(a, b), overlaps(b, a));
        assert.ok(contains(a, subBlock(a, a.prefix + 2, 3)));
      }),
    );
    assert.ok(!overlaps(knownBlock("10.0.0.0/17"), knownBlock("10.0.128.0/17")));
    assert.throws(() => subBlock(knownBlock("10.0.0.0/16"), 17, 2), /no block 2/);
  });
});

describe("subnets", () => {
  it("lie within the network, apart from each other, and are no smaller than AWS allows", () => {
    fc.assert(
      fc.property(network, (whole) => {
        const zones = [0, 1, 2, 3, 4, 5];
        const all = [
          ...zones.map((zone) => privateBlock(whole, zone)),
          ...zones.map((zone) => publicBlock(whole, zone)),
        ];
        for (const [index, block] of all.entries()) {
          assert.ok(contains(whole, block));
          assert.ok(block.prefix <= 28);
          for (const other of all.slice(index + 1)) assert.ok(!overlaps(block, other));
        }
      }),
    );
  });

  it("of a /16 are these", () => {
    const whole = knownBlock("10.40.0.0/16");
    assert.deepEqual(
      [0, 1, 5].map((zone) => formatBlock(privateBlock(whole, zone))),
      ["10.40.0.0/19", "10.40.32.0/19", "10.40.160.0/19"],
    );
    assert.deepEqual(
      [0, 5].map((zone) => formatBlock(publicBlock(whole, zone))),
      ["10.40.224.0/22", "10.40.244.0/22"],
    );
    assert.equal(usableAddresses(whole), 8187);
  });
});

describe("the network", () => {
  it("has a way out in each zone, and one table of routes for each private subnet", async () => {
    const { registrations } = await declarePlatform();
    const nat = registrations.filter(({ type }) => type === "aws:ec2/natGateway:NatGateway");
    assert.equal(nat.length, 3);
    for (const { dependencies } of nat) assert.ok(dependencies.includes("platform-network-public-out"));
    const routes = registrations.filter(({ type, name }) => type === "aws:ec2/route:Route" && /private-out/.test(name));
    assert.equal(new Set(routes.map(({ inputs }) => inputs["natGatewayId"])).size, 3);
    assert.equal(new Set(routes.map(({ inputs }) => inputs["routeTableId"])).size, 3);
  });

  it("leads all zones through one where that is asked for", async () => {
    const { registrations } = await declarePlatform(SMALL_SPEC);
    const routes = registrations.filter(({ type, name }) => type === "aws:ec2/route:Route" && /private-out/.test(name));
    assert.equal(routes.length, 2);
    assert.equal(new Set(routes.map(({ inputs }) => inputs["natGatewayId"])).size, 1);
  });

  it("gives nothing a public address, and closes the group that comes with it", async () => {
    const { registrations } = await declarePlatform();
    const subnets = registrations.filter(({ type }) => type === "aws:ec2/subnet:Subnet");
    assert.deepEqual([...new Set(subnets.map(({ inputs }) => inputs["mapPublicIpOnLaunch"]))], [false]);
    const { inputs } = find(registrations, "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup");
    assert.deepEqual(Object.keys(inputs).sort(), ["tags", "vpcId"]);
  });

  it("is found by those who look for subnets by tags", async () => {
    const { registrations } = await declarePlatform();
    const tags = (name: string) =>
      find(registrations, "aws:ec2/subnet:Subnet", name).inputs["tags"] as Record<string, string>;
    const inside = tags("platform-network-private-us-east-2a");
    assert.equal(inside["kubernetes.io/role/internal-elb"], "1");
    assert.equal(inside["karpenter.sh/discovery"], "millwright-production");
    const outside = tags("platform-network-public-us-east-2a");
    assert.equal(outside["kubernetes.io/role/elb"], "1");
    assert.equal(outside["karpenter.sh/discovery"], undefined, "no node is to be in a public subnet");
  });

  it("reaches AWS's services inside, and more of them where more are used", async () => {
    const services = async (spec?: typeof SMALL_SPEC) =>
      (await declarePlatform(spec)).registrations
        .filter(({ type, inputs }) => /VpcEndpoint$/.test(type) && inputs["vpcEndpointType"] === "Interface")
        .map(({ inputs }) => String(inputs["serviceName"]).replace(/^com\.amazonaws\.[^.]+\./, ""))
        .sort();
    const always = "autoscaling,ec2,ecr.api,ecr.dkr,eks,eks-auth,logs,sqs,ssm,sts".split(",");
    assert.deepEqual(await services(SMALL_SPEC), always);
    assert.deepEqual(await services(), [...always, "aps-workspaces", "fsx"].sort());
  });
});

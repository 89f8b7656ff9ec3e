import assert from "node:assert/strict";
import fc from "fast-check";
import { INSTANCE_TYPES, type InstanceTypeName } from "../../../../components/catalog/instance-types.ts";
import { hasRegularEfa, networkInterfacesOf } from "../../../../components/compute/pools/efa.ts";
import { renderNodeClass } from "../../../../components/compute/pools/karpenter.ts";
import { renderLaunchTemplate } from "../../../../components/compute/pools/node-group.ts";
import { EKS, karpenter, nodeGroup } from "./fixtures.ts";

const regular = (Object.keys(INSTANCE_TYPES) as InstanceTypeName[]).filter((name) =>
  hasRegularEfa(INSTANCE_TYPES[name]),
);

/** Not proven: that EC2 takes them. */
describe("EFA interfaces", () => {
  it("are known of every type that has EFA but the UltraServer's machines", () => {
    const without = (Object.keys(INSTANCE_TYPES) as InstanceTypeName[]).filter(
      (name) => INSTANCE_TYPES[name].efaInterfaces > 0 && !regular.includes(name),
    );
    assert.deepEqual(without, ["p6e-gb200.36xlarge"]);
    assert.ok(regular.length >= 20);
  });

  it("are as many as the type has, one a card at most, each at a place of its own, behind one with an address", () => {
    fc.assert(
      fc.property(fc.constantFrom(...regular), (name) => {
        const type = INSTANCE_TYPES[name];
        const interfaces = networkInterfacesOf(type);
        const efa = interfaces.filter(({ interfaceType }) => interfaceType === "efa-only");
        assert.equal(efa.length, type.efaInterfaces);
        assert.equal(interfaces.length, type.efaInterfaces + 1);
        assert.equal(new Set(efa.map(({ networkCardIndex }) => networkCardIndex)).size, efa.length);
        assert.equal(
          new Set(interfaces.map((each) => `${each.networkCardIndex}/${each.deviceIndex}`)).size,
          interfaces.length,
        );
        assert.deepEqual(interfaces[0], { networkCardIndex: 0, deviceIndex: 0, interfaceType: "interface" });
        for (const { networkCardIndex, deviceIndex } of interfaces) {
          assert.ok(networkCardIndex < type.networkCards);
          // p5's cards take two interfaces, which is the fewest.
          assert.ok(deviceIndex < 2);
        }
      }),
    );
  });

  it("leave the first card of p6-b300 alone, which has none, and are the second device on that of p5", () => {
    const places = (name: InstanceTypeName) =>
      networkInterfacesOf(INSTANCE_TYPES[name])
        .slice(0, 3)
        .map((each) => [each.networkCardIndex, each.deviceIndex, each.interfaceType]);
    assert.deepEqual(places("p6-b300.48xlarge"), [
      [0, 0, "interface"],
      [1, 0, "efa-only"],
      [2, 0, "efa-only"],
    ]);
    assert.deepEqual(places("p5.48xlarge"), [
      [0, 0, "interface"],
      [0, 1, "efa-only"],
      [1, 0, "efa-only"],
    ]);
  });

  it("are the same in a launch template and in a node class, and in neither without EFA", () => {
    const efa = { network: { efa: "all" }, hugepages2MiGiB: 10 };
    const types = { instanceTypes: ["p5en.48xlarge"] };
    const template = renderLaunchTemplate(nodeGroup(types, efa), EKS);
    const interfaces = template.networkInterfaces as { networkCardIndex: number }[];
    assert.equal(interfaces.length, 17);
    assert.deepEqual(
      interfaces.map(({ networkCardIndex, deviceIndex, interfaceType }: Record<string, unknown>) => ({
        networkCardIndex,
        deviceIndex,
        interfaceType,
      })),
      renderNodeClass(karpenter(types, efa), EKS).spec.networkInterfaces,
    );
    // Security groups stand with the interfaces, or with the machine where it says none.
    assert.equal(template.vpcSecurityGroupIds, undefined);
    assert.ok(interfaces.every((each: Record<string, unknown>) => Array.isArray(each["securityGroups"])));
    assert.equal(renderLaunchTemplate(nodeGroup(), EKS).networkInterfaces, undefined);
    assert.deepEqual(renderLaunchTemplate(nodeGroup(), EKS).vpcSecurityGroupIds, EKS.securityGroupIds);
    assert.equal(renderNodeClass(karpenter(), EKS).spec.networkInterfaces, undefined);
  });
});

import assert from "node:assert/strict";
import { renderSimulatedPool, renderSimulatedPoolDefinition } from "../../../../components/compute/pools/simulated.ts";
import { simulated } from "./fixtures.ts";

/** Not proven: that an API server takes the two (tests/conformance), and what the controller does with them. */
describe("a simulated pool", () => {
  it("is one object that says all its nodes have", () => {
    const given = simulated(
      { capacity: { kind: "spot" } },
      { network: { efa: "all" }, hugepages2MiGiB: 10, devices: { kind: "mig", profile: "1g.10gb" } },
    );
    assert.deepEqual(renderSimulatedPool(given), {
      apiVersion: "millwright.dev/v1",
      kind: "SimulatedNodePool",
      metadata: {
        name: "sim",
        labels: {
          "app.kubernetes.io/name": "millwright",
          "app.kubernetes.io/component": "pool",
          "app.kubernetes.io/part-of": "millwright",
          "app.kubernetes.io/managed-by": "pulumi",
          "millwright.dev/pool": "sim",
        },
      },
      spec: {
        size: { min: 4, max: 4 },
        machine: {
          instanceType: "p5.48xlarge",
          architecture: "amd64",
          cpu: 192,
          memoryGiB: 2038,
          resources: { "nvidia.com/mig-1g.10gb": "56", "vpc.amazonaws.com/efa": "32", "hugepages-2Mi": "10Gi" },
        },
        accelerator: { name: "h100", count: 8 },
        devices: { kind: "mig", parts: 7, profile: "1g.10gb" },
        labels: {
          "millwright.dev/pool": "sim",
          "millwright.dev/accelerator": "h100",
          "nvidia.com/mig.config": "all-1g.10gb",
        },
        taints: [{ key: "nvidia.com/gpu", effect: "NoSchedule" }],
        capacity: { kind: "spot" },
        repair: true,
      },
    });
  });

  it("without devices says so by saying nothing of them", () => {
    const { spec } = renderSimulatedPool(
      simulated({ instanceType: undefined }, { machine: { cpu: 4, memoryGiB: 8 }, size: { kind: "auto", max: 9 } }),
    );
    assert.deepEqual(spec.size, { min: 0, max: 9 });
    assert.deepEqual(spec.machine, { architecture: "amd64", cpu: 4, memoryGiB: 8, resources: {} });
    assert.deepEqual([spec.accelerator, spec.taints], [undefined, []]);
  });

  it("has a definition whose schema knows every field that is rendered", () => {
    type Schema = { properties?: Record<string, Schema>; items?: Schema; required?: readonly string[] };
    const { spec } = renderSimulatedPoolDefinition();
    const schema = spec.versions[0]!.schema.openAPIV3Schema.properties["spec"] as Schema;
    const check = (value: unknown, node: Schema | undefined, path: string): void => {
      assert.ok(node, `${path} is in the schema`);
      if (Array.isArray(value)) {
        for (const each of value) check(each, node.items, `${path}[]`);
      } else if (typeof value === "object" && value !== null && node.properties !== undefined) {
        for (const name of node.required ?? []) assert.ok(name in value, `${path}.${name} is there`);
        for (const [name, member] of Object.entries(value)) check(member, node.properties[name], `${path}.${name}`);
      }
    };
    const block = { kind: "capacityBlock", id: "cr-0123456789abcdef0", ends: "2027-01-31T11:30:00Z" };
    const taints = [{ key: "a", value: "b" }];
    for (const given of [
      simulated(),
      simulated({ capacity: block }, { taints, devices: { kind: "mig", profile: "1g.10gb" } }),
      simulated({ instanceType: undefined }, { machine: { cpu: 0.5, memoryGiB: 8 } }),
    ]) {
      check(renderSimulatedPool(given).spec, schema, "spec");
    }
  });
});

import assert from "node:assert/strict";
import { at, textAt } from "../../../scripts/standins/kubernetes/values.ts";
import { Engine, UNKNOWN, urnOf } from "./engine.ts";
import { CONFIG_MAP, NAMESPACE } from "./fixtures.ts";

/** Not proven: what the engine does with the answers. */
describe("kubernetes: check", function () {
  this.timeout(120_000);
  let engine: Engine;
  before(async () => {
    engine = await Engine.start({ namespace: "preferred" });
  });

  it("fills in kind, apiVersion and the provider's namespace", async () => {
    const { inputs } = await engine.check(urnOf(CONFIG_MAP, "a"), { metadata: { name: "a" }, data: {} });
    assert.deepEqual(inputs, {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "a", namespace: "preferred" },
      data: {},
    });
  });

  it("gives cluster-scoped objects no namespace, even if the program names one", async () => {
    const { inputs } = await engine.check(urnOf(NAMESPACE, "n"), { metadata: { name: "n", namespace: "wrong" } });
    assert.equal(at(inputs, "metadata", "namespace"), undefined);
  });

  it("names what has no name from its URN alone, so that an interrupted run finds it again", async () => {
    const first = await engine.checked(urnOf(CONFIG_MAP, "auto"), { data: {} });
    const again = await (await Engine.start()).checked(urnOf(CONFIG_MAP, "auto"), { data: {} });
    const other = await engine.checked(urnOf(CONFIG_MAP, "auto-2"), { data: {} });
    assert.match(textAt(first, "metadata", "name") ?? "", /^auto-[0-9a-f]{8}$/);
    assert.equal(textAt(again, "metadata", "name"), textAt(first, "metadata", "name"));
    assert.notEqual(textAt(other, "metadata", "name"), textAt(first, "metadata", "name"));
    assert.equal(textAt(first, "metadata", "annotations", "pulumi.com/autonamed"), "true");
  });

  it("keeps a generated name over updates and gives a replacement another one", async () => {
    const urn = urnOf(CONFIG_MAP, "kept");
    const first = await engine.checked(urn, { data: {} });
    const updated = await engine.checked(urn, { data: { a: "1" } }, first);
    assert.equal(textAt(updated, "metadata", "name"), textAt(first, "metadata", "name"));
    const replacement = await engine.checked(urn, { data: { a: "1" } });
    assert.notEqual(textAt(replacement, "metadata", "name"), textAt(first, "metadata", "name"));
  });

  it("leaves an unknown name alone", async () => {
    const inputs = await engine.checked(urnOf(CONFIG_MAP, "later"), { metadata: { name: UNKNOWN } });
    assert.equal(textAt(inputs, "metadata", "name"), UNKNOWN);
  });

  const broken: readonly [string, string, Record<string, never> | object, string, RegExp][] = [
    ["another kind", CONFIG_MAP, { kind: "Secret" }, "kind", /"Secret", but the resource is a ConfigMap/],
    ["metadata that is no object", CONFIG_MAP, { metadata: "x" }, "metadata", /must be an object/],
    [
      "generateName",
      CONFIG_MAP,
      { metadata: { generateName: "x-" } },
      "metadata.generateName",
      /not supported with server-side apply/,
    ],
    [
      "a waitFor that does not parse",
      CONFIG_MAP,
      { metadata: { name: "x", annotations: { "pulumi.com/waitFor": "phase=Ready" } } },
      'metadata.annotations["pulumi.com/waitFor"]',
      /"phase=Ready" is not supported; write "jsonpath=/,
    ],
  ];
  for (const [title, type, news, property, reason] of broken) {
    it(`names the property of ${title}`, async () => {
      const { failures } = await engine.check(urnOf(type, "broken"), news as never);
      assert.equal(failures.length, 1);
      assert.equal(failures[0]?.property, property);
      assert.match(failures[0]?.reason ?? "", reason);
    });
  }
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { declarable, project } from "../../../../scripts/standins/kubernetes/projection.ts";
import { isObject, type Json, type JsonObject } from "../../../../scripts/standins/kubernetes/values.ts";

const json = fc
  .jsonValue({ maxDepth: 3 })
  .filter((value) => !JSON.stringify(value).includes("__proto__")) as fc.Arbitrary<Json>;
const containers = {
  "f:containers": { 'k:{"name":"web"}': { "f:image": {} }, 'k:{"name":"sidecar"}': { "f:image": {} } },
};
const ports = { "f:ports": { 'k:{"containerPort":80,"protocol":"TCP"}': {} } };

interface Case {
  readonly title: string;
  readonly declared: JsonObject;
  readonly reference: JsonObject;
  readonly live: JsonObject;
  readonly fields?: JsonObject;
  readonly expected: JsonObject;
}

const web = (image: string) => ({ name: "web", image });
const cases: readonly Case[] = [
  {
    title: "keeps the declared spelling of an unchanged value",
    declared: { cpu: "1000m" },
    reference: { cpu: "1" },
    live: { cpu: "1" },
    expected: { cpu: "1000m" },
  },
  {
    title: "shows a changed value",
    declared: { cpu: "1000m" },
    reference: { cpu: "1" },
    live: { cpu: "2" },
    expected: { cpu: "2" },
  },
  {
    title: "leaves out what is gone",
    declared: { a: "1", b: "2" },
    reference: { a: "1", b: "2" },
    live: { b: "2" },
    expected: { b: "2" },
  },
  {
    title: "keeps what the server never stores",
    declared: { stringData: { a: "1" } },
    reference: {},
    live: {},
    expected: { stringData: { a: "1" } },
  },
  {
    title: "ignores what nobody declared",
    declared: { a: "1" },
    reference: { a: "1" },
    live: { a: "1", added: true },
    expected: { a: "1" },
  },
  {
    title: "finds list elements by their keys, wherever they are",
    declared: { containers: [web("a")] },
    reference: { containers: [web("a")] },
    live: { containers: [{ name: "sidecar", image: "s" }, web("b")] },
    fields: containers,
    expected: { containers: [web("b")] },
  },
  {
    title: "finds list elements whose keys were defaulted",
    declared: { ports: [{ containerPort: 80 }] },
    reference: { ports: [{ containerPort: 80, protocol: "TCP" }] },
    live: { ports: [{ containerPort: 80, protocol: "TCP" }] },
    fields: ports,
    expected: { ports: [{ containerPort: 80 }] },
  },
  {
    title: "leaves out a list element that is gone",
    declared: { containers: [web("a"), { name: "sidecar", image: "s" }] },
    reference: { containers: [web("a"), { name: "sidecar", image: "s" }] },
    live: { containers: [web("a")] },
    fields: containers,
    expected: { containers: [web("a")] },
  },
  {
    title: "tells named elements apart where nobody manages them",
    declared: { list: [web("a")] },
    reference: { list: [web("a")] },
    live: { list: [{ name: "x" }, web("a")] },
    expected: { list: [web("a")] },
  },
  {
    title: "shows a changed atomic list as it is",
    declared: { args: ["a"] },
    reference: { args: ["a"] },
    live: { args: ["a", "b"] },
    expected: { args: ["a", "b"] },
  },
  {
    title: "ignores what others add to a set",
    declared: { finalizers: ["ours"] },
    reference: { finalizers: ["ours"] },
    live: { finalizers: ["theirs", "ours"] },
    fields: { "f:finalizers": { 'v:"ours"': {} } },
    expected: { finalizers: ["ours"] },
  },
];

describe("project", () => {
  for (const { title, declared, reference, live, fields, expected } of cases) {
    it(title, () => assert.deepEqual(project(declared, live, reference, fields), expected));
  }

  it("without drift gives back what was declared, whatever it is", () => {
    fc.assert(
      fc.property(json, (value) => assert.deepEqual(project(value, value, structuredClone(value), undefined), value)),
    );
  });

  it("gives back the live value where there is no stored form to compare with", () => {
    fc.assert(
      fc.property(
        json.filter((value) => !isObject(value) && !Array.isArray(value)),
        (live) => assert.deepEqual(project("x", live, undefined, undefined), live),
      ),
    );
  });

  it("an import starts without what only the server writes", () => {
    const live = {
      kind: "X",
      metadata: { name: "a", uid: "1", resourceVersion: "2", managedFields: [], labels: { a: "b" } },
      status: {},
    };
    assert.deepEqual(declarable(live), { kind: "X", metadata: { name: "a", labels: { a: "b" } } });
  });
});

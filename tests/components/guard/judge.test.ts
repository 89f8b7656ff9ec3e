import assert from "node:assert/strict";
import fc from "fast-check";
import { describeObject, identityOf, keyOf } from "../../../components/guard/identity.ts";
import {
  aliasOf,
  type DeclaredResource,
  judge,
  type KnownResource,
  knownOf,
  UNKNOWN,
} from "../../../components/guard/judge.ts";

// What it does not prove: that the engine replaces what the table of kinds says (tests/conformance/loop does).

const urn = (type: string, name: string) => `urn:pulumi:dev::shop::${type}::${name}`;
const SERVICE = "kubernetes:core/v1:Service";
const CLAIM = "kubernetes:core/v1:PersistentVolumeClaim";

const known = (type: string, name: string, inputs: unknown): KnownResource => ({ urn: urn(type, name), type, inputs });
const declared = (type: string, name: string, inputs: unknown, ignoreChanges: string[] = []): DeclaredResource => ({
  urn: urn(type, name),
  type,
  inputs,
  ignoreChanges,
});
const object = (name: string, more: object = {}) => ({ metadata: { name, namespace: "shop" }, ...more });
const NONE: ReadonlySet<string> = new Set();

describe("the identity of an object", () => {
  it("does not depend on the version of its API", () => {
    const identity = (type: string) => identityOf(type, object("web"));
    assert.deepEqual(identity(SERVICE), { apiVersion: "v1", kind: "Service", namespace: "shop", name: "web" });
    const keys = ["v1", "v1beta1"].map((version) => identity(`kubernetes:keda.sh/${version}:ScaledObject`));
    assert.equal(new Set(keys.map((each) => each && keyOf(each))).size, 1);
  });

  it("is none of charts, patches, other providers and names that are not known yet", () => {
    for (const type of [
      "kubernetes:helm.sh/v3:Release",
      "kubernetes:apps/v1:DeploymentPatch",
      "docker:index/image:Image",
    ]) {
      assert.equal(identityOf(type, object("web")), undefined, type);
    }
    assert.equal(identityOf(SERVICE, { metadata: { name: UNKNOWN } }), undefined);
  });
});

describe("a resource that is declared under another name", () => {
  const state = knownOf([known(SERVICE, "old", object("web", { spec: { clusterIP: "10.0.0.1" } }))]);

  it("becomes the alias of the one that has its object, and is then compared with it", () => {
    const renamed = declared(SERVICE, "new", object("web", { spec: { clusterIP: "10.0.0.1" } }));
    assert.equal(aliasOf(renamed, state), urn(SERVICE, "old"));
    assert.deepEqual(judge([renamed], state, NONE), []);
    const changed = declared(SERVICE, "new", object("web", { spec: { clusterIP: "None" } }));
    assert.match(judge([changed], state, NONE).join(), /Service shop\/web serves .*spec\.clusterIP changed/);
  });

  it("is no alias where its own name is in the state", () => {
    assert.equal(aliasOf(declared(SERVICE, "old", object("web")), state), undefined);
  });

  it("is refused where two exchange their objects, and where the state has the object twice", () => {
    const two = knownOf([known(SERVICE, "a", object("x")), known(SERVICE, "c", object("z"))]);
    const swap = [declared(SERVICE, "b", object("x")), declared(SERVICE, "a", object("y"))];
    assert.match(judge(swap, two, NONE).join(), /declared by the resource b, and was by a/);
    const twice = knownOf([known(SERVICE, "old", object("web")), known(SERVICE, "new", object("web"))]);
    assert.match(judge([declared(SERVICE, "new", object("web"))], twice, NONE).join(), /pulumi state delete '.*::old'/);
  });
});

describe("what would be deleted and made anew", () => {
  const cases: readonly [what: string, type: string, before: object, after: object, expected: RegExp][] = [
    ["an address", SERVICE, { spec: { clusterIP: "10.0.0.1" } }, { spec: { clusterIP: "10.0.0.2" } }, /serves/],
    [
      "a selector",
      "kubernetes:apps/v1:Deployment",
      { spec: { selector: { matchLabels: { a: "1" } } } },
      { spec: { selector: { matchLabels: { a: "2" } } } },
      /--replace "Deployment shop\/web"/,
    ],
    [
      "templates of claims",
      "kubernetes:apps/v1:StatefulSet",
      { spec: { volumeClaimTemplates: [{ metadata: { name: "a" } }] } },
      { spec: { volumeClaimTemplates: [{ metadata: { name: "b" } }] } },
      /volumeClaimTemplates/,
    ],
    [
      "a class",
      CLAIM,
      { spec: { storageClassName: "a" } },
      { spec: { storageClassName: "b" } },
      /bring its data to safety/,
    ],
    [
      "a template",
      "kubernetes:batch/v1:Job",
      { spec: { template: { a: 1 } } },
      { spec: { template: { a: 2 } } },
      /runs/,
    ],
  ];
  for (const [what, type, before, after, expected] of cases) {
    it(`is refused: ${what} of ${type.split(":").at(-1)}`, () => {
      const state = knownOf([known(type, "web", object("web", before))]);
      const changed = declared(type, "web", object("web", after));
      assert.match(judge([changed], state, NONE).join(), expected);
      const name = describeObject({
        apiVersion: "",
        kind: type.split(":").at(-1) ?? "",
        namespace: "shop",
        name: "web",
      });
      assert.deepEqual(judge([changed], state, new Set([name])), []);
      assert.deepEqual(judge([declared(type, "web", object("web", after), ["spec"])], state, NONE), []);
      assert.deepEqual(judge([declared(type, "web", object("web", before))], state, NONE), []);
      assert.deepEqual(judge([declared(type, "web", object("web", { spec: UNKNOWN }))], state, NONE), [], "unknown");
    });
  }

  it("is refused where its resource declares another object", () => {
    const state = knownOf([known(CLAIM, "data", object("data"))]);
    const moved = declared(CLAIM, "data", { metadata: { name: "data", namespace: "other" } });
    assert.match(
      judge([moved], state, NONE).join(),
      /PersistentVolumeClaim shop\/data holds data and would be deleted/,
    );
  });

  it("is not refused where a run's resource declares another run", () => {
    const job = "kubernetes:batch/v1:Job";
    const state = knownOf([known(job, "setup", object("setup-1"))]);
    assert.deepEqual(judge([declared(job, "setup", object("setup-2"))], state, NONE), []);
  });

  it("is not refused where a kind neither serves nor holds data, and where a field is empty before and absent after", () => {
    const config = "kubernetes:core/v1:ConfigMap";
    const state = knownOf([
      known(config, "c", object("c", { data: { a: "1" } })),
      known(CLAIM, "d", object("d", { spec: { storageClassName: "", accessModes: [] } })),
    ]);
    const program = [
      declared(config, "c", object("c", { data: { a: "2" } })),
      declared(CLAIM, "d", object("d", { spec: {} })),
    ];
    assert.deepEqual(judge(program, state, NONE), []);
  });

  it("is refused for a namespace and a claim that are no longer declared, and for nothing else that is removed", () => {
    const state = knownOf([
      { ...known("kubernetes:core/v1:Namespace", "n", { metadata: { name: "shop" } }) },
      known(CLAIM, "data", object("data")),
      known("kubernetes:core/v1:PersistentVolume", "volume", { metadata: { name: "volume" } }),
      known(SERVICE, "web", object("web")),
    ]);
    const problems = judge([], state, NONE);
    assert.equal(problems.length, 2);
    assert.match(problems[0] ?? "", /^Namespace shop is no longer declared/);
    assert.match(problems[1] ?? "", /^PersistentVolumeClaim shop\/data is no longer declared/);
    assert.deepEqual(judge([], state, new Set(["Namespace shop", "PersistentVolumeClaim shop/data"])), []);
  });
});

it("a program that is as its state is never refused, whatever is in it, and whatever order it comes in", () => {
  const types = [SERVICE, CLAIM, "kubernetes:apps/v1:StatefulSet", "kubernetes:batch/v1:Job"];
  const resource = fc.record({
    type: fc.constantFrom(...types),
    name: fc.string({ minLength: 1 }),
    spec: fc.jsonValue(),
  });
  const resources = fc.uniqueArray(resource, { selector: ({ type, name }) => `${type} ${name}`, maxLength: 20 });
  fc.assert(
    fc.property(resources, (all) => {
      const state = knownOf(all.map(({ type, name, spec }) => known(type, name, object(name, { spec }))));
      const program = all.map(({ type, name, spec }) => declared(type, name, object(name, { spec }))).reverse();
      assert.deepEqual(judge(program, state, NONE), []);
    }),
  );
});

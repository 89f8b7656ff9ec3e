import assert from "node:assert/strict";
import fc from "fast-check";
import { kindOfToken, nameOfUrn, typeOfUrn } from "../../../../scripts/standins/kubernetes/kinds.ts";
import { autoname, fieldManager } from "../../../../scripts/standins/kubernetes/naming.ts";

const urn = "urn:pulumi:dev::app::my:Component$kubernetes:apps/v1:Deployment::web";

describe("names", () => {
  it("of objects and managers depend on the URN alone and differ between URNs", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (left, right) => {
        fc.pre(left !== right);
        assert.equal(autoname(`${urn}${left}`, undefined), autoname(`${urn}${left}`, undefined));
        assert.notEqual(autoname(`${urn}${left}`, undefined), autoname(`${urn}${right}`, undefined));
        assert.notEqual(fieldManager(`${urn}${left}`), fieldManager(`${urn}${right}`));
      }),
    );
  });

  it("of replacements never repeat", () => {
    const names = [autoname(urn, undefined)];
    for (let i = 0; i < 50; i++) names.push(autoname(urn, names.at(-1)));
    assert.equal(new Set(names).size, names.length);
  });

  it("reads URNs and tokens", () => {
    assert.equal(typeOfUrn(urn), "kubernetes:apps/v1:Deployment");
    assert.equal(nameOfUrn(urn), "web");
    assert.deepEqual(kindOfToken("kubernetes:core/v1:Pod"), { group: "", version: "v1", kind: "Pod" });
    const role = { group: "rbac.authorization.k8s.io", version: "v1", kind: "Role" };
    assert.deepEqual(kindOfToken("kubernetes:rbac.authorization.k8s.io/v1:Role"), role);
    assert.throws(
      () => kindOfToken("kubernetes:helm.sh/v3:Release"),
      /kubernetes:helm\.sh\/v3:Release .* official plugin only/,
    );
    assert.throws(() => kindOfToken("kubernetes:yaml/v2:ConfigFile"), /official plugin only/);
  });
});

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { rules } from "../../policies/rules/index.ts";
import { renderedObjects } from "../components/rendered.ts";
import { CARRIERS, COMPLIANT, DEPLOYMENT, deployment, judge, UNKNOWN } from "./judge.ts";

const read = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");

/** A container that breaks every rule. */
const BROKEN = { name: "bad", image: "nginx:latest", securityContext: { privileged: true } };

const LISTS = ["containers", "initContainers", "ephemeralContainers"];

describe("policy pack", () => {
  it("has distinct rules, all mandatory, each with severity, remedy, tags and a page", () => {
    const page = read("docs/policies.md");
    assert.ok(rules.length >= 3);
    assert.equal(new Set(rules.map(({ name }) => name)).size, rules.length);
    for (const rule of rules) {
      assert.match(rule.name, /^[a-z]+(-[a-z]+)+$/);
      assert.equal(rule.enforcementLevel, "mandatory", rule.name);
      assert.ok(rule.severity !== undefined && (rule.tags?.length ?? 0) > 0, rule.name);
      assert.ok(rule.remediationSteps?.endsWith("."), rule.name);
      assert.equal(rule.url, `docs/policies.md#${rule.name}`);
      assert.ok(page.includes(`\n## ${rule.name}\n`), `docs/policies.md has no section ${rule.name}`);
    }
  });

  it("is run without a compiler, from an entry the engine does not compile either", () => {
    assert.equal(parse(read("policies/PulumiPolicy.yaml")).runtime.options.typescript, false);
    assert.equal(JSON.parse(read("policies/package.json")).main, "main.js");
  });

  it("accepts every object the program declares", async () => {
    const objects = await renderedObjects();
    assert.ok(objects.length > 10);
    for (const { type, name, inputs } of objects) {
      for (const rule of rules) {
        assert.deepEqual(await judge(rule, type, inputs), { violations: [] }, `${rule.name} on ${name}`);
      }
    }
  });

  for (const rule of rules) {
    describe(rule.name, () => {
      for (const [type, carry] of Object.entries(CARRIERS)) {
        it(`judges the containers of a ${type}`, async () => {
          for (const list of LISTS) {
            const { violations } = await judge(rule, type, carry({ [list]: [COMPLIANT, BROKEN] }));
            assert.equal(violations.length, 1, `${list}: ${violations.join("\n")}`);
            assert.match(violations[0]!, new RegExp(`container bad \\(.*${list}\\[1\\]\\)`));
          }
          assert.deepEqual(await judge(rule, type, carry({ containers: [COMPLIANT] })), { violations: [] });
        });
      }

      it("leaves other objects alone, whatever they look like", async () => {
        const pods = { spec: { containers: [BROKEN] } };
        assert.deepEqual(await judge(rule, "aws:ecs/taskDefinition:TaskDefinition", pods), { violations: [] });
        const data = { metadata: { name: "x" }, data: { containers: [BROKEN] } };
        assert.deepEqual(await judge(rule, "kubernetes:core/v1:ConfigMap", data), { violations: [] });
        assert.deepEqual(await judge(rule, "kubernetes:core/v1:Service", { spec: UNKNOWN_CLUSTER_IP }), {
          violations: [],
        });
      });

      it("does not ask a patch for what it leaves out", async () => {
        const patch = { spec: { template: { spec: { containers: [{ name: "main", env: [] }] } } } };
        assert.deepEqual(await judge(rule, "kubernetes:apps/v1:DeploymentPatch", patch), { violations: [] });
        const breaking = { spec: { template: { spec: { containers: [{ ...BROKEN, resources: {} }] } } } };
        assert.equal((await judge(rule, "kubernetes:apps/v1:DeploymentPatch", breaking)).violations.length, 1);
      });

      it("names the object, the container, its place and the remedy", async () => {
        const { violations } = await judge(rule, DEPLOYMENT, deployment({ ...BROKEN, resources: undefined }));
        const [violation = ""] = violations;
        assert.ok(violation.startsWith("Deployment app: container bad (spec.template.spec.containers[0]) "), violation);
        assert.ok(violation.endsWith(rule.remediationSteps ?? "?"), violation);
      });

      it("judges every container that is known, then says what is not", async () => {
        const unknown = { name: "later", image: UNKNOWN, resources: UNKNOWN, securityContext: UNKNOWN };
        const pods = { spec: { template: { spec: { containers: [unknown, BROKEN, COMPLIANT] } } } };
        const { violations, unknown: reported } = await judge(rule, DEPLOYMENT, pods);
        assert.equal(violations.length, 1);
        assert.match(violations[0]!, /container bad/);
        assert.match(reported ?? "", /\.spec\.template\.spec\.containers\.0\..* can't be known during preview/);
      });

      for (const [what, inputs] of Object.entries({
        "the whole spec": { spec: UNKNOWN },
        "the template": { spec: { template: UNKNOWN } },
        "the list": { spec: { template: { spec: { containers: UNKNOWN } } } },
        "a container": { spec: { template: { spec: { containers: [UNKNOWN] } } } },
      })) {
        it(`says so when ${what} is not known`, async () => {
          const { violations, unknown } = await judge(rule, DEPLOYMENT, inputs);
          assert.deepEqual(violations, []);
          assert.notEqual(unknown, undefined);
        });
      }
    });
  }
});

const UNKNOWN_CLUSTER_IP = { clusterIP: UNKNOWN, selector: { app: UNKNOWN }, ports: UNKNOWN };

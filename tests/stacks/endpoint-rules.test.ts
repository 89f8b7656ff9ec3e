// What endpoints say of each other, of models and of pools. The arithmetic itself is in
// tests/components/serving/language/validate.test.ts.
import assert from "node:assert/strict";
import { formatProblems } from "../../components/core/problem.ts";
import { endpointProblems } from "../../stacks/endpoint-rules.ts";
import { type PoolSpec, poolSchema } from "../../stacks/pools.ts";
import { validateStack } from "../../stacks/validate.ts";
import { SMALL } from "../components/serving/language/fixtures.ts";

/** Eight machines with 4 L40S that are there. */
const POOL: PoolSpec = poolSchema.parse({
  name: "serving",
  provisioning: { kind: "existing", nodes: Array.from({ length: 8 }, (_, index) => `machine-${index}`) },
  machine: { cpu: 48, memoryGiB: 384, accelerator: "l40s", accelerators: 4 },
  size: { kind: "fixed", nodes: 8 },
});
const PLATFORM = {
  cluster: { kind: "existing", context: "lab" },
  storage: { kind: "storageClass", storageClassName: "shared", sizeGiB: 10 },
};
const STACK = { platform: PLATFORM, pools: [POOL], endpoints: [SMALL] };
const ON_ANOTHER = {
  platform: { cluster: { kind: "platform", stack: "production" } },
  endpoints: [{ ...SMALL, context: { tokens: 8192, sequences: 32 } }],
};

const said = (raw: unknown, platform?: unknown) => formatProblems(endpointProblems(raw, platform)).trim();

describe("endpoints of a stack", () => {
  it("are in order where they fit their pool", () => {
    assert.equal(said(STACK), "");
    const validation = validateStack(STACK);
    assert.ok("spec" in validation, JSON.stringify(validation));
    assert.deepEqual(validation.spec.endpoints[0]!.scaling, { kind: "fixed", replicas: 1 });
  });

  for (const [what, raw, expected] of [
    [
      "twice of one name",
      { ...STACK, endpoints: [SMALL, SMALL] },
      /^endpoints\[1\]\.name: must be unique: endpoints\[0\]/,
    ],
    [
      "called as a model",
      { ...STACK, models: [{ name: "chat" }] },
      /^endpoints\[0\]\.name: must be another than a model's: models\[0\] has this name/,
    ],
    [
      "called as a part of the platform",
      { ...STACK, endpoints: [{ ...SMALL, name: "prometheus" }] },
      /^endpoints\[0\]\.name: must be another than database, /,
    ],
    [
      "of a pool that is not there, with those that are",
      { ...STACK, endpoints: [{ ...SMALL, pool: "srving" }] },
      /^endpoints\[0\]\.pool: must be one of serving\. \(found "srving"\)$/,
    ],
    ["without any pool", { ...STACK, pools: undefined }, /^endpoints\[0\]\.pool: must be a pool, and there is none\./],
    [
      "scaled by nobody",
      { ...STACK, endpoints: [{ ...SMALL, scaling: { kind: "auto", max: 2 } }] },
      /^endpoints\[0\]\.scaling\.kind: must be fixed, or platform\.autoscaler must say/,
    ],
    [
      "of several nodes, scaled by what may scale Deployments alone",
      {
        ...STACK,
        platform: { ...PLATFORM, autoscaler: { kind: "install" } },
        endpoints: [{ ...SMALL, parallelism: { pipeline: 2 }, scaling: { kind: "auto", max: 2 } }],
      },
      /^endpoints\[0\]\.scaling\.kind: .*\{kind: present\}.*replica of several nodes is none/,
    ],
    [
      "that do not fit, with the arithmetic",
      { ...STACK, endpoints: [{ ...SMALL, context: { tokens: 8192, sequences: 32 } }] },
      /^endpoints\[0\]\.context\.sequences: must be at most 23 .*44\.7 GiB x 0\.9/,
    ],
  ] satisfies [string, unknown, RegExp][]) {
    it(`are refused ${what}`, () => {
      assert.match(said(raw), expected);
      assert.equal(endpointProblems(raw).length, 1);
      const validation = validateStack(raw);
      assert.ok("problems" in validation && validation.problems.some(({ path }) => path.startsWith("endpoints[")));
    });
  }

  it("are judged by the pools of the stack they stand on, once these are known", () => {
    assert.equal(said(ON_ANOTHER), "");
    assert.match(said(ON_ANOTHER, { pools: [POOL] }), /^endpoints\[0\]\.context\.sequences: must be at most 23/);
    assert.match(said(ON_ANOTHER, {}), /^endpoints\[0\]\.pool: must be a pool, and there is none/);
  });

  it("have no problem because of a pool's own", () => {
    const nameless = { ...POOL, size: { kind: "fixed" } };
    const unknown = { ...POOL, provisioning: { kind: "karpenter", instanceTypes: ["g9.large"] }, machine: undefined };
    for (const pool of [nameless, unknown]) {
      assert.equal(said({ ...STACK, pools: [pool] }), "");
    }
  });

  it("cannot sleep: nobody would hold a request", () => {
    const validation = validateStack({
      ...STACK,
      platform: { ...PLATFORM, autoscaler: { kind: "present" } },
      endpoints: [{ ...SMALL, scaling: { kind: "auto", min: 0, max: 2 } }],
    });
    assert.ok("problems" in validation);
    assert.deepEqual(
      validation.problems.map(({ path }) => path),
      ["endpoints[0].scaling.min"],
    );
  });
});

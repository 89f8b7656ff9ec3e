import assert from "node:assert/strict";
import fc from "fast-check";
import { quotasOf } from "../../../../components/compute/scheduling/teams.ts";
import { schedulingWarnings, validateScheduling } from "../../../../components/compute/scheduling/validate.ts";
import { type SchedulingSpec, schedulingSchema } from "../../../../stacks/scheduling.ts";
import { COUNTED, changed, QUEUED, SUPPLIES } from "./fixtures.ts";

type Case = readonly [title: string, spec: SchedulingSpec, ...expected: (readonly [path: string, says: string])[]];

const TEAM = "scheduling.teams[0]";
const QUOTA = `${TEAM}.quotas[0]`;

const CASES: readonly Case[] = [
  [
    "a pool that there is not",
    changed(QUEUED, (draft) => (draft.teams[0].quotas[1].pool = "gone")),
    [`${TEAM}.quotas[1].pool`, "must be one of the pools: training, serving, parts, turns, plain."],
  ],
  [
    "a pool twice",
    changed(QUEUED, (draft) => (draft.teams[0].quotas[1].pool = "training")),
    [`${TEAM}.quotas[1].pool`, "quotas[0] is of this pool already"],
    ["scheduling.teams", "vision 20 + vision 12 + language 12 = 44, and 4 nodes x 8 = 32."],
    ["scheduling.teams", "of cpu"],
    ["scheduling.teams", "of memory"],
  ],
  [
    "more devices than there are",
    changed(QUEUED, (draft) => (draft.teams[1].quotas[0].accelerators = 13)),
    ["scheduling.teams", "nvidia.com/gpu at its largest: vision 20 + language 13 = 33, and 4 nodes x 8 = 32."],
    ["scheduling.teams", "of cpu at its largest: vision 480 cores + language 312 cores = 792 cores"],
    ["scheduling.teams", "of memory at its largest"],
  ],
  [
    "more cores than there are, with devices to spare",
    changed(QUEUED, (draft) => (draft.teams[0].quotas[1].cpu = 1000)),
    ["scheduling.teams", "vision 1000 cores = 1000 cores, and 5 nodes x 48 cores = 240 cores."],
  ],
  [
    "lending more than it has",
    changed(QUEUED, (draft) => (draft.teams[0].quotas[0].lend = 21)),
    [`${QUOTA}.lend`, "must be at most the team's own accelerators, which are 20."],
  ],
  [
    "lending, borrowing and weights without Kueue",
    changed(QUEUED, (draft) => {
      draft.queues = { kind: "resourceQuota" };
      draft.topology = [];
    }),
    [`${QUOTA}.borrow`, "a ResourceQuota lends nothing; write queues: {kind: kueue}."],
    [`${QUOTA}.lend`, "a ResourceQuota lends nothing"],
    [`${TEAM}.weight`, "only Kueue shares what is free"],
  ],
  [
    "a topology without Kueue",
    changed(COUNTED, (draft) => (draft.topology = ["topology.kubernetes.io/zone"])),
    ["scheduling.topology", "only Kueue places groups by the network"],
  ],
  [
    "a level that no node of a pool has",
    changed(QUEUED, (draft) => (draft.topology = ["example.com/rack"])),
    ["scheduling.topology[0]", "must be a label of the nodes of pool serving"],
    ["scheduling.topology[0]", "must be a label of the nodes of pool training"],
  ],
  [
    "levels of AWS on nodes that are simulated",
    changed(QUEUED, (draft) => (draft.teams[1].quotas[0] = { pool: "plain", cpu: 1, memoryGiB: 1 })),
    ["scheduling.topology[0]", "of pool plain"],
    ["scheduling.topology[1]", "of pool plain"],
  ],
  [
    "a level twice, and the node in the middle",
    changed(QUEUED, (draft) => {
      draft.topology = ["topology.kubernetes.io/zone", "kubernetes.io/hostname", "topology.kubernetes.io/zone"];
    }),
    ["scheduling.topology[1]", "must be the last"],
    ["scheduling.topology[2]", "must be named once"],
  ],
  [
    "two teams of one name",
    changed(QUEUED, (draft) => (draft.teams[1] = { ...draft.teams[1], name: "vision" })),
    ["scheduling.teams[1].name", "scheduling.teams[0] has this name already"],
  ],
  [
    "two teams in one namespace",
    changed(QUEUED, (draft) => (draft.teams[1].namespace = "vision")),
    ["scheduling.teams[1].namespace", "scheduling.teams[0] has it already"],
  ],
  [
    "a team in a namespace of the system",
    changed(QUEUED, (draft) => (draft.teams[1].namespace = "kube-system")),
    ["scheduling.teams[1].namespace", "not default, kube-* or kueue-system"],
  ],
  [
    "devices of a pool without any, and no cores of it",
    changed(COUNTED, (draft) => (draft.teams[1].quotas[1] = { pool: "plain", accelerators: 2 })),
    ["scheduling.teams[1].quotas[1].accelerators", "the nodes of pool plain have no devices"],
    ["scheduling.teams[1].quotas[1].cpu", "is required: pool plain has no devices"],
    ["scheduling.teams[1].quotas[1].memoryGiB", "is required"],
  ],
];

describe("queues and quotas", () => {
  it("are taken as they stand in the fixtures", () => {
    assert.deepEqual(validateScheduling(QUEUED, SUPPLIES), []);
    assert.deepEqual(validateScheduling(COUNTED, SUPPLIES), []);
  });

  for (const [title, spec, ...expected] of CASES) {
    it(`are refused with ${title}`, () => {
      const problems = validateScheduling(spec, SUPPLIES).sort((a, b) =>
        a.path === b.path ? 0 : a.path < b.path ? -1 : 1,
      );
      const text = JSON.stringify(problems, undefined, 1);
      assert.deepEqual(problems.map(({ path }) => path).sort(), expected.map(([path]) => path).sort(), text);
      for (const [path, says] of expected) {
        assert.ok(
          problems.some((problem) => problem.path === path && problem.message.includes(says)),
          `${path} ${says}\n${text}`,
        );
      }
    });
  }

  it("that pass never promise more of anything than a pool has", () => {
    const accelerators = fc.integer({ min: 0, max: 20 });
    const cores = fc.option(fc.integer({ min: 0, max: 400 }), { nil: undefined });
    const quota = fc.record({ pool: fc.constantFrom("training", "serving", "parts"), accelerators, cpu: cores });
    const quotas = fc.uniqueArray(quota, { minLength: 1, selector: ({ pool }) => pool });
    const teams = fc
      .array(quotas, { minLength: 1, maxLength: 4 })
      .map((all) => all.map((each, index) => ({ name: `team-${index}`, quotas: each })));
    let [accepted, refused] = [0, 0];
    fc.assert(
      fc.property(teams, (drawn) => {
        const spec = schedulingSchema.parse({ queues: { kind: "kueue" }, teams: drawn });
        const isAccepted = validateScheduling(spec, SUPPLIES).length === 0;
        const isWithin = SUPPLIES.supplies.every(({ pool, total }) =>
          Object.entries(total).every(([resource, most]) => {
            const nominal = quotasOf(spec, SUPPLIES.supplies).flatMap((team) =>
              team.quotas.filter((each) => each.pool === pool).map((each) => each.nominal[resource] ?? 0),
            );
            return nominal.reduce((sum, amount) => sum + amount, 0) <= most;
          }),
        );
        accepted += isAccepted ? 1 : 0;
        refused += isAccepted ? 0 : 1;
        assert.equal(isAccepted, isWithin);
      }),
      { numRuns: 500 },
    );
    assert.ok(accepted > 20 && refused > 20, `${accepted} accepted, ${refused} refused: nothing was shown`);
  });
});

describe("what is warned of", () => {
  it("is nothing where Kueue keeps the quotas of pools that are all there", () => {
    const spec = changed(QUEUED, (draft) => (draft.topology = []));
    assert.deepEqual(schedulingWarnings(spec, SUPPLIES), []);
  });

  it("is that the core tells neither pools of one device nor groups apart", () => {
    const [pools, groups, ...others] = schedulingWarnings(COUNTED, SUPPLIES);
    assert.match(pools!, /Team vision has quotas of the pools training, serving, .* nvidia\.com\/gpu/);
    assert.match(groups!, /a group of workers may get a part of its pods/);
    assert.deepEqual(others, []);
  });

  it("is a topology over pools that grow", () => {
    assert.match(schedulingWarnings(QUEUED, SUPPLIES).join("\n"), /pools serving grow/);
  });
});

import assert from "node:assert/strict";
import { parse } from "yaml";
import { validateStack } from "../../stacks/validate.ts";
import { VALID_STACK } from "./repository.ts";

type Fields = Record<string, unknown>;

/** `{platform, models}` of a valid stack whose one model is scaled so. */
function stackWith(scaling: Fields, platform: Fields = { autoscaler: { kind: "install" } }): unknown {
  const { config } = parse(VALID_STACK) as { config: Record<string, unknown> };
  const models = structuredClone(config["millwright:models"]) as { serving: Fields }[];
  models[0]!.serving["scaling"] = scaling;
  return { platform: { ...(config["millwright:platform"] as Fields), ...platform }, models };
}

const SCALING = "models[0].serving.scaling";
const AUTO = { kind: "auto", max: 4 };

/** What is wrong, the stack, and for each problem its path and a part of its message. */
const CASES: [title: string, stack: unknown, ...problems: [path: string, says: string][]][] = [
  ["scaling where nothing scales", stackWith(AUTO, {}), [`${SCALING}.kind`, "must be fixed, or platform.autoscaler"]],
  ["no upper bound", stackWith({ kind: "auto" }), [`${SCALING}.max`, "is required: a whole number"]],
  [
    "at least more than at most",
    stackWith({ ...AUTO, min: 5 }),
    [`${SCALING}.min`, "must be at most max, which is 4."],
  ],
  ["less than none", stackWith({ ...AUTO, min: -1 }), [`${SCALING}.min`, "a whole number from 0 to 1000"]],
  ["at most none", stackWith({ ...AUTO, min: 0, max: 0 }), [`${SCALING}.max`, "a whole number from 1 to 1000"]],
  ["no requests", stackWith({ ...AUTO, concurrency: 0 }), [`${SCALING}.concurrency`, "above 0"]],
  ["a fixed number too", stackWith({ ...AUTO, replicas: 2 }), [`${SCALING}.replicas`, "is not a known field"]],
  ["minutes of idleness", stackWith({ ...AUTO, idleMinutes: 5 }), [`${SCALING}.idleMinutes`, "idleSeconds: 300"]],
  ["no growth", stackWith({ ...AUTO, growthReplicas: 0 }), [`${SCALING}.growthReplicas`, "from 1 to 1000"]],
  [
    "growth in longer than HPA remembers",
    stackWith({ ...AUTO, growthSeconds: 3600 }),
    [`${SCALING}.growthSeconds`, "1800"],
  ],
  [
    "two things that do not fit at once",
    stackWith({ ...AUTO, min: 9 }, {}),
    [`${SCALING}.kind`, "must be fixed"],
    [`${SCALING}.min`, "must be at most max"],
  ],
  [
    "KEDA among the models",
    stackWith(AUTO, { namespace: "models", autoscaler: { kind: "install", namespace: "models" } }),
    ["platform.autoscaler.namespace", "must be a namespace of its own"],
  ],
  [
    "KEDA among the models of a stack that names no namespace",
    stackWith(AUTO, { namespace: undefined, autoscaler: { kind: "install", namespace: "millwright" } }),
    ["platform.autoscaler.namespace", "must be a namespace of its own"],
  ],
  [
    "KEDA in the cluster's own namespace",
    stackWith(AUTO, { autoscaler: { kind: "install", namespace: "kube-system" } }),
    ["platform.autoscaler.namespace", "must be a namespace of its own"],
  ],
  [
    "another autoscaler",
    stackWith(AUTO, { autoscaler: { kind: "knative" } }),
    ["platform.autoscaler.kind", 'one of "install", "present"'],
  ],
];

describe("autoscaling of a stack", () => {
  for (const [title, stack, ...expected] of CASES) {
    it(`refuses ${title}`, () => {
      const validation = validateStack(stack);
      assert.ok("problems" in validation, "the stack passed");
      const found = [...validation.problems].sort((a, b) => (a.path < b.path ? -1 : 1));
      assert.deepEqual(
        found.map(({ path }) => path),
        expected.map(([path]) => path),
        JSON.stringify(found),
      );
      for (const [i, [, says]] of expected.entries()) {
        assert.ok(found[i]!.message.includes(says), found[i]!.message);
      }
    });
  }

  for (const [title, stack] of [
    ["servers at least one, by an autoscaler of the stack's own", stackWith(AUTO)],
    ["servers at least none, by the cluster's", stackWith({ ...AUTO, min: 0 }, { autoscaler: { kind: "present" } })],
    ["a number that is always the same, and yet scaled", stackWith({ ...AUTO, min: 4 })],
    ["an autoscaler for later", stackWith({ kind: "fixed", replicas: 1 })],
  ] as const) {
    it(`takes ${title}`, () => {
      const validation = validateStack(stack);
      assert.ok("spec" in validation, JSON.stringify(validation));
    });
  }
});

/** What a suite needs beyond Node and the npm packages. */
export type Requirement = "python" | "services" | "autoscaler" | "queues" | "controlPlane" | "node";

export interface Suite {
  readonly name: string;
  /** One line for `npm test -- --help` and the summary. */
  readonly proves: string;
  /** Test files, as globs relative to the repository. */
  readonly files: readonly string[];
  readonly ignore?: readonly string[];
  readonly needs: readonly Requirement[];
  /** Longest time one test may take, in seconds, before mocha fails it. */
  readonly timeoutSeconds: number;
}

const CLUSTER_TESTS = "tests/**/*.cluster.test.ts";
const SERVICE_TESTS = "tests/**/*.service.test.ts";

/** Cheapest first, so that a broken rule is known before a cluster is started. */
export const SUITES: readonly Suite[] = [
  {
    name: "unit",
    proves: "pure decisions: schema, plan, rendering, tools, each as tables and properties",
    files: [
      "tests/bench/**/*.test.ts",
      "tests/stacks/**/*.test.ts",
      "tests/components/**/*.test.ts",
      "tests/scripts/**/*.test.ts",
    ],
    ignore: [CLUSTER_TESTS, SERVICE_TESTS],
    needs: [],
    timeoutSeconds: 30,
  },
  {
    name: "policies",
    proves: "every rule on a compliant resource with one thing broken, and on unknown values",
    files: ["tests/policies/**/*.test.ts"],
    needs: [],
    timeoutSeconds: 30,
  },
  {
    name: "services",
    proves: "what is rendered for HAProxy, PostgreSQL, Prometheus and the workloads, on those programs themselves",
    files: [SERVICE_TESTS],
    needs: ["python", "services"],
    timeoutSeconds: 120,
  },
  {
    name: "workloads",
    proves: "the Python that runs inside the Jobs: splits, training, resume, recorder, server",
    files: ["tests/workloads/**/*.test.ts"],
    needs: ["python", "services"],
    timeoutSeconds: 600,
  },
  {
    name: "conformance",
    proves:
      "the loop on the official provider and a real API server, killed, disturbed and raced; KEDA, Kueue, the scheduler",
    files: ["tests/conformance/**/*.test.ts", CLUSTER_TESTS],
    needs: ["controlPlane", "autoscaler", "queues"],
    timeoutSeconds: 300,
  },
  {
    name: "integration",
    proves: "the main job end to end on a real node: data to a served model, drift, crashes, policies",
    files: ["tests/integration/**/*.test.ts"],
    needs: ["controlPlane", "node", "autoscaler"],
    timeoutSeconds: 1800,
  },
];

/** The checks of `npm run check`, beside the suites of mocha. */
export const STATIC = "static";

/** Names for several suites at once. */
export const GROUPS: Readonly<Record<string, readonly string[]>> = {
  /** What to run before every commit: nothing is set up for it. */
  fast: [STATIC, "unit", "policies"],
};

/**
 * The suites that these names stand for, each once.
 *
 * @returns undefined for all of them, where nothing is named
 */
export function namedSuites(names: readonly string[]): ReadonlySet<string> | undefined {
  return names.length === 0 ? undefined : new Set(names.flatMap((name) => GROUPS[name] ?? [name]));
}

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { copyFile, mkdir } from "node:fs/promises";
import path from "node:path";
import { parse } from "yaml";
import { loadStack, StackError, stackNames } from "../../stacks/load.ts";
import type { Stack } from "../../stacks/schema.ts";
import { validateStack } from "../../stacks/validate.ts";
import { Repository } from "./repository.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");
const load = (name: string): Promise<Stack> => loadStack({ name, repositoryRoot: ROOT });

interface Raw {
  readonly platform: Record<string, unknown>;
  readonly models?: unknown;
  readonly endpoints?: Record<string, unknown>[];
  readonly pools?: Record<string, unknown>[];
}

/** The values of a stack that comes with the program, as written. */
function raw(name: string): Raw {
  const { config } = parse(readFileSync(path.join(ROOT, "stacks", `Pulumi.${name}.yaml`), "utf8")) as {
    config: Record<string, unknown>;
  };
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [key.replace(/^millwright:/, ""), value]),
  ) as unknown as Raw;
}

/** Paths at which two values differ. */
function differences(a: unknown, b: unknown, at = ""): string[] {
  if (a === null || b === null || typeof a !== "object" || typeof b !== "object") {
    return Object.is(a, b) ? [] : [at];
  }
  const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])].sort();
  return keys.flatMap((key) =>
    differences(
      (a as Record<string, unknown>)[key],
      (b as Record<string, unknown>)[key],
      at === "" ? key : `${at}.${key}`,
    ),
  );
}

const PLATFORMS = { "production-models": "production", "staging-models": "staging" } as const;

describe("the stacks that come with the program", () => {
  it("can all be, each for what it names", async () => {
    for (const name of await stackNames(ROOT)) {
      const stack = await load(name);
      const other = PLATFORMS[name as keyof typeof PLATFORMS];
      assert.equal(stack.platformStack?.platform.cluster.kind, other === undefined ? undefined : "eks", name);
    }
  });

  it("move mail-triage from this machine to production without a change", async () => {
    const [local, production, staging] = await Promise.all(["local", "production-models", "staging-models"].map(load));
    const mail = (stack: Stack | undefined) => stack?.models.find(({ name }) => name === "mail-triage");
    assert.ok(mail(local));
    assert.deepEqual(mail(production), mail(local));
    assert.deepEqual(mail(staging), mail(local));
    // The same data as well. Images are built on another base, so a run is another: it is named by all that determines it.
    for (const each of [production, staging]) {
      assert.equal(each?.content.sources["mail-triage"], local?.content.sources["mail-triage"]);
    }
    assert.deepEqual(differences(local?.platform, production?.platform), [
      "autoscaler",
      "baseImage",
      "cluster.kind",
      "cluster.stack",
      "database.kind",
      "database.passwordGeneration",
      "namespace",
      "registry",
      "storage.kind",
      "storage.node",
      "storage.path",
      "storage.sizeGiB",
      "storage.storageClassName",
      "team",
      "tracking.artifacts",
    ]);
  });

  it("differ between staging and production in where they are and how large, and in nothing else", () => {
    const [production, staging] = [raw("production-models"), raw("staging-models")];
    assert.deepEqual(differences(production.models, staging.models), []);
    assert.deepEqual(differences(production.platform, staging.platform), [
      "cluster.stack",
      "registry",
      "tracking.artifacts",
    ]);
    assert.deepEqual(differences(raw("production").platform, raw("staging").platform), [
      "cluster.cidr",
      "cluster.database.backupDays",
      "cluster.database.instanceClass",
      "cluster.database.multiZone",
      "cluster.database.storageGiB",
      "cluster.logRetentionDays",
      "cluster.lustre.sizeGiB",
      "cluster.lustre.throughputPerTiB",
      "cluster.natGateways",
      "cluster.systemNodes.instanceType",
      "cluster.systemNodes.nodes",
      "cluster.zones.2",
      "registry",
    ]);
    const names = (name: string) => (raw(name).pools ?? []).map((pool) => pool["name"]);
    assert.deepEqual(names("production"), ["pretraining", ...names("staging")]);
  });

  it("hold no account but AWS's documentation's", async () => {
    for (const name of await stackNames(ROOT)) {
      const text = readFileSync(path.join(ROOT, "stacks", `Pulumi.${name}.yaml`), "utf8");
      const accounts = [...text.matchAll(/(?<!\d)\d{12}(?!\d)/g)].map(([account]) => account);
      assert.deepEqual(
        [...new Set(accounts)].filter((account) => account !== "111122223333"),
        [],
        name,
      );
    }
  });
});

describe("a stack on another one's cluster", () => {
  type Change = (raw: Raw) => unknown;
  const platform =
    (change: object): Change =>
    (raw) => ({ ...raw, platform: { ...raw.platform, ...change } });
  const endpoint =
    (change: object): Change =>
    (raw) => ({ ...raw, endpoints: [{ ...raw.endpoints?.[0], ...change }] });

  const CASES: [what: string, change: Change, path: string, says: RegExp][] = [
    ["a team that the other has not", platform({ team: "marketing" }), "platform.team", /research, customer-service/],
    ["a namespace of another team", platform({ namespace: "research" }), "platform.namespace", /customer-service/],
    ["a pool that the other has not", endpoint({ pool: "gpu" }), "endpoints[0].pool", /pretraining, training, serving/],
    [
      "a folder of a node",
      platform({ storage: { kind: "node", path: "/a", sizeGiB: 1 } }),
      "platform.storage.kind",
      /nodes on AWS come and go/,
    ],
    [
      "a registry without repositories",
      platform({ registry: "111122223333.dkr.ecr.us-east-2.amazonaws.com/mine" }),
      "platform.registry",
      /millwright-production, where the platform's stack makes/,
    ],
    [
      "artifacts where its role may not write",
      platform({ tracking: { kind: "mlflow", artifacts: "s3://elsewhere/mlflow" } }),
      "platform.tracking.artifacts",
      /below s3:\/\/millwright-production-artifacts-111122223333\/customer-service\//,
    ],
    [
      "weights of another team",
      endpoint({
        model: {
          ...(raw("production-models").endpoints?.[0]?.["model"] as object),
          weights: "s3://millwright-production-artifacts-111122223333/research/weights",
        },
      }),
      "endpoints[0].model.weights",
      /\/customer-service\/ or .*\/models\//,
    ],
    [
      "a model that does not fit into the other's nodes",
      endpoint({ parallelism: { tensor: 8, pipeline: 1 }, scaling: { kind: "fixed", replicas: 1 } }),
      "endpoints[0].model",
      /GiB/,
    ],
  ];

  for (const [what, change, where, says] of CASES) {
    it(`is refused with ${what}`, () => {
      const result = validateStack(change(raw("production-models")), raw("production"));
      assert.ok("problems" in result);
      const found = result.problems.find((problem) => problem.path.startsWith(where));
      assert.ok(found, `only ${result.problems.map((problem) => problem.path).join()}`);
      assert.match(found.message, says);
    });
  }

  it("is refused a database and a file system that the other has not", () => {
    const { cluster, ...rest } = raw("production").platform as { cluster: Record<string, unknown> };
    const { database: _, lustre: __, ...bare } = cluster;
    const result = validateStack(raw("production-models"), {
      ...raw("production"),
      platform: { ...rest, cluster: bare },
    });
    assert.ok("problems" in result);
    assert.deepEqual(result.problems.map((problem) => problem.path).sort(), [
      "platform.database.kind",
      "platform.storage.storageClassName",
    ]);
  });

  it("is refused where nothing can run", () => {
    const simulated = { ...raw("production"), platform: { cluster: { kind: "simulated" } } };
    const result = validateStack(raw("production-models"), simulated);
    assert.ok("problems" in result);
    const found = result.problems.find((problem) => problem.path === "platform.cluster.stack");
    assert.match(found?.message ?? "", /nothing runs on simulated nodes/);
  });

  describe("is loaded", () => {
    let repository: Repository;
    beforeEach(async () => {
      repository = await Repository.create();
      await mkdir(path.join(repository.root, "stacks"), { recursive: true });
      await repository.write(
        "stacks/Pulumi.models.yaml",
        "config:\n  millwright:platform:\n    cluster: {kind: platform, stack: production}\n    team: customer-service\n" +
          "    namespace: customer-service\n    storage: {kind: storageClass, storageClassName: lustre, sizeGiB: 100}\n    registry: 111122223333.dkr.ecr.us-east-2.amazonaws.com/millwright-production\n" +
          "  millwright:endpoints:\n    - name: assistant\n      pool: serving\n      startupSeconds: 3600\n      context: {sequences: 8}\n" +
          "      model: {architecture: llama-3.1-8b, weights: s3://millwright-production-artifacts-111122223333/models/llama}\n" +
          `      image: vllm@sha256:${"0".repeat(64)}\n`,
      );
    });
    afterEach(() => repository.remove());
    const models = () => loadStack({ name: "models", repositoryRoot: repository.root });

    it("beside the file of the other one", async () => {
      await copyFile(
        path.join(ROOT, "stacks/Pulumi.production.yaml"),
        path.join(repository.root, "stacks/Pulumi.production.yaml"),
      );
      const { platformStack } = await models();
      assert.deepEqual(
        platformStack?.pools.map(({ name }) => name),
        (await load("production")).pools.map(({ name }) => name),
      );
    });

    it("not without it, and told which there are", async () => {
      await assert.rejects(models(), (error: unknown) => {
        assert.ok(error instanceof StackError);
        assert.match(
          error.message,
          /platform\.cluster\.stack \(line 3\): must be a stack with a file; there are local, models/,
        );
        return true;
      });
    });

    it("not on one that cannot be, with one word about it", async () => {
      const production = readFileSync(path.join(ROOT, "stacks/Pulumi.production.yaml"), "utf8");
      await repository.write("stacks/Pulumi.production.yaml", production.replace('version: "1.34"', 'version: "1.20"'));
      await assert.rejects(
        models(),
        /platform\.cluster\.stack[^:]*: must be a stack without problems; its file has 1 of its own, the first at platform\.cluster\.version/,
      );
    });

    it("not on one that stands on another itself", async () => {
      await repository.write(
        "stacks/Pulumi.production.yaml",
        "config:\n  millwright:platform:\n    cluster: {kind: platform, stack: models}\n",
      );
      await assert.rejects(models(), /a cluster of its own: that one stands on another itself/);
    });
  });
});

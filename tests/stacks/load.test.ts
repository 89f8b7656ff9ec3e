import assert from "node:assert/strict";
import fc from "fast-check";
import { parse } from "yaml";
import { type LoadOptions, loadStack, StackError } from "../../stacks/load.ts";
import { Repository, VALID_STACK } from "./repository.ts";

/** Replaces one part of the valid stack file. */
function broken(part: string, replacement: string, text = VALID_STACK): string {
  assert.ok(text.includes(part), `the valid stack has no ${part}`);
  return text.replace(part, replacement);
}

const SECOND_MODEL = VALID_STACK.slice(VALID_STACK.indexOf("    - name"), VALID_STACK.indexOf("  aws:region"));

/** What is wrong, the file, and for each problem in the order of paths: its path, its line, parts of its message. */
type Case = [title: string, text: string, ...problems: [path: string, line: number | undefined, ...says: string[]][]];

/** The valid stack with more in its model, written one level deep, before `serving`. */
function withPart(text: string): string {
  return broken("      serving:", `${text.replace(/^/gm, "      ")}\n      serving:`);
}
const search = (rest: string, space = "{kind: float, name: learningRate, low: 0.001, high: 0.1}") =>
  withPart(`search: {trials: 8, ${rest}space: [${space}]}`);
const compression = (...steps: string[]) =>
  withPart(`compression: {candidates: [{name: small, steps: [${steps.join(", ")}]}]}`);

/** The valid stack with a model that an image of its own trains; the rest is written after its network. */
function withImage(workload: string, rest = "", network = "{ kind: keras-mlp }"): string {
  const images = broken("text-classification", "image-classification")
    .replace(/source: .*/, "source: { kind: builtin, name: digits }")
    .replace("format: spam-assassin", "format: digits")
    .replace("workers: 2", "workers: 1")
    .replace(/network: .*/, `network: ${network}`);
  return broken("      serving:", `${workload}${rest}      serving:`, images);
}
const KERAS = "      workload: { kind: image, context: workloads/trainer }\n";

const CASES: Case[] = [
  ["an unknown field", broken("workers: 2", "worker: 2"), ["models[0].training.worker", 15, "did you mean workers?"]],
  [
    "an unknown field that is like none",
    broken("kind: fixed,", "kind: fixed, colour: red,"),
    ["models[0].serving.scaling.colour", 23, "not a known field", "the fields here are kind, replicas"],
  ],
  [
    "a field one level too high",
    broken("      serving:", "      epochs: 4\n      serving:"),
    ["models[0].epochs", 21, "did you mean training.epochs?"],
  ],
  [
    "a quantity with its unit in the value",
    broken("memoryGiB: 2 ", 'memoryGiB: "2Gi" '),
    ["models[0].training.resources.memoryGiB", 20, "a number of GiB", "write 2"],
  ],
  [
    "millicores",
    broken("cpu: 0.5", "cpu: 500m"),
    ["models[0].training.resources.cpu", 20, "a number of cores", "write 0.5"],
  ],
  [
    "a field in another unit",
    broken("memoryGiB: 2 ", "memoryMiB: 2048 "),
    ["models[0].training.resources.memoryGiB", 20, "is required: a number of GiB"],
    ["models[0].training.resources.memoryMiB", 20, "did you mean memoryGiB: 2?"],
  ],
  [
    "minutes for seconds",
    broken("deadlineSeconds: 1800", "deadlineMinutes: 30"),
    ["models[0].dataset.deadlineMinutes", 13, "did you mean deadlineSeconds: 1800?"],
  ],
  ["a negative count", broken("workers: 2", "workers: -1"), ["models[0].training.workers", 15, "from 1 to 1024", "-1"]],
  [
    "a number beyond all bounds",
    broken("workers: 2", "workers: 1e308"),
    ["models[0].training.workers", 15, "from 1 to 1024"],
  ],
  ["no workers", broken("workers: 2", "workers: 0"), ["models[0].training.workers", 15, "a whole number from 1"]],
  ["half an epoch", broken("epochs: 4", "epochs: 4.5"), ["models[0].training.epochs", 16, "a whole number"]],
  ["no epochs", broken("        epochs: 4\n", ""), ["models[0].training.epochs", 14, "is required: a whole number"]],
  ["a number that is none", broken("0.002", ".nan"), ["models[0].training.learningRate", 18, "NaN"]],
  ["text for a number", broken("batchSize: 64", 'batchSize: "64"'), ["models[0].training.batchSize", 17, "write 64"]],
  ["a batch too large", broken("batchSize: 64", "batchSize: 100000"), ["models[0].training.batchSize", 17, "to 65536"]],
  [
    "a package that is not installed",
    broken("@example/mail", "@example/post"),
    ["models[0].dataset.source.package", 10, "npm install --save-exact @example/post@1.2.3"],
  ],
  [
    "another version than the installed one",
    broken("version: 1.2.3", "version: 1.2.4"),
    ["models[0].dataset.source.version", 10, 'the installed version, which is "1.2.3"'],
  ],
  [
    "a range of versions",
    broken("version: 1.2.3", "version: ^1.2"),
    ["models[0].dataset.source.version", 10, "an exact version"],
  ],
  [
    "a folder the package does not have",
    broken("version: 1.2.3", "version: 1.2.3, path: mails"),
    ["models[0].dataset.source.path", 10, "must be a folder that exists"],
  ],
  [
    "a way out of the package",
    broken("version: 1.2.3", "version: 1.2.3, path: ../../secret"),
    ["models[0].dataset.source.path", 10, "without '..'"],
  ],
  [
    "a directory that does not exist",
    broken('{ kind: npm, package: "@example/mail", version: 1.2.3 }', "{ kind: directory, path: nowhere }"),
    ["models[0].dataset.source.path", 10, "must be a folder that exists", "nowhere"],
  ],
  [
    "a directory with nothing in it",
    broken('{ kind: npm, package: "@example/mail", version: 1.2.3 }', "{ kind: directory, path: empty }"),
    ["models[0].dataset.source.path", 10, "this one is empty"],
  ],
  [
    "a file for a directory",
    broken('{ kind: npm, package: "@example/mail", version: 1.2.3 }', "{ kind: directory, path: package-lock.json }"),
    ["models[0].dataset.source.path", 10, "must be a folder"],
  ],
  [
    "two models of one name",
    broken("  aws:region", `${SECOND_MODEL}  aws:region`),
    ["models[1].name", 24, "must be unique", "models[0]", "mail-triage"],
  ],
  [
    "a split that is not the whole",
    broken("validation: 0.2", "validation: 0.25"),
    ["models[0].dataset.split", 12, "add up to 1; these add up to 1.05"],
  ],
  [
    "a split with nothing to test on",
    broken("test: 0.1", "test: 0"),
    ["models[0].dataset.split.test", 12, "above 0 and below 1"],
  ],
  [
    "a limit below the request",
    broken("cpuLimit: 1", "cpuLimit: 0.25"),
    ["models[0].training.resources.cpuLimit", 20, "at least cpu, which is 0.5"],
  ],
  [
    "a network larger than its memory",
    broken("vocabularySize: 20000, embeddingSize: 64", "vocabularySize: 1000000, embeddingSize: 1024"),
    ["models[0].serving.resources.memoryGiB", 21, "must be at least 3.9"],
    ["models[0].training.resources.memoryGiB", 20, "must be at least 15.4"],
  ],
  ["a name in capitals", broken("mail-triage", "Mail-Triage"), ["models[0].name", 7, "a-z, 0-9", "Mail-Triage"]],
  ["a name that is too long", broken("mail-triage", "m".repeat(33)), ["models[0].name", 7, "at most 32"]],
  [
    "a kind that does not exist",
    broken("kind: local", "kind: lokal"),
    ["platform.cluster.kind", 3, '"existing"', "did you mean"],
  ],
  [
    "a choice without its kind",
    broken("kind: node, ", ""),
    ["platform.storage.kind", 4, "is required", '"storageClass"'],
  ],
  [
    "a field of another kind",
    broken("path: /artifacts", "storageClassName: fast"),
    ["platform.storage.path", 4, "is required: an absolute path"],
    ["platform.storage.storageClassName", 4, "the fields here are kind, node, path, sizeGiB"],
  ],
  ["a relative path", broken("/artifacts", "artifacts"), ["platform.storage.path", 4, "an absolute path"]],
  [
    "a registry with a scheme",
    broken("registry: 127", "registry: http://127"),
    ["platform.registry", 5, "without a scheme", "http://127.0.0.1:5000/millwright"],
  ],
  [
    "a task nobody knows",
    broken("task: text-classification", "task: image"),
    ["models[0].task", 8, '"text-classification"'],
  ],
  [
    "no models",
    broken(VALID_STACK.slice(VALID_STACK.indexOf("\n    - name"), VALID_STACK.indexOf("  aws:region")), " []\n"),
    ["models", 6, "a list of at least 1"],
  ],
  ["one model in place of a list", broken("    - name", "      name"), ["models", 6, "must be a list"]],
  [
    "a key of ours that nobody reads",
    broken("  aws:region", "  millwright:modles: []\n  aws:region"),
    ["modles", 24, "did you mean models?"],
  ],
  [
    "a key without its namespace",
    broken("millwright:platform", "platform"),
    ["config.platform", 2, "must be written millwright:platform"],
    ["platform", 1, "is required"],
  ],
  [
    "values outside of config",
    "millwright:models: []\n",
    ["millwright:models", 1, "must stand under config"],
    ["models", undefined, "is required"],
    ["platform", undefined, "is required"],
  ],
  [
    "an empty file",
    "",
    ["", undefined, "must be an object with the field config"],
    ["models", undefined],
    ["platform", undefined],
  ],
  [
    "text that is not YAML",
    broken("  millwright:models:", "\tmillwright:models:"),
    ["", 6, "is not valid YAML", "Tabs"],
  ],
  ["a key that stands there twice", `${VALID_STACK}encryptionsalt: v1:abc\n`, ["", 26, "is not valid YAML", "unique"]],
  ["two documents", `${VALID_STACK}---\n${VALID_STACK}`, ["", 26, "holds one document"]],
  [
    "a model named like a part of the platform",
    broken("name: mail-triage", "name: mlflow"),
    ["models[0].name", 7, "must be another than database, mlflow"],
  ],
  [
    "a network of another task",
    broken("text-classification", "image-classification"),
    ["models[0].dataset.format", 11, "must be digits"],
    [
      "models[0].training.network.kind",
      19,
      "must be image-cnn or keras-mlp or custom, which is what image-classification",
    ],
  ],
  [
    "a network that the trainer does not train",
    withImage(""),
    ["models[0].workload", 7, "is required: a network keras-mlp is trained by", "context: workloads/keras"],
  ],
  [
    "a network that nobody trains",
    withImage("", "", "{ kind: custom, parameters: { depth: 3 } }"),
    ["models[0].workload", 7, "is required: a network custom is trained by", "context: FOLDER"],
  ],
  [
    "a custom network's parameter that is no plain value",
    withImage(KERAS, "", "{ kind: custom, parameters: { depth: { of: 3 } } }"),
    ["models[0].training.network.parameters.depth", 19, "must be text, a number, true, false or a list of numbers"],
  ],
  [
    "workers of a network that is trained in one process",
    broken("workers: 1", "workers: 2", withImage(KERAS)),
    ["models[0].training.workers", 15, "must be 1"],
  ],
  [
    "layers without units",
    withImage(KERAS, "", "{ kind: keras-mlp, units: [64, 0] }"),
    ["models[0].training.network.units[1]", 19, "a whole number from 1"],
  ],
  [
    "a workload that is nowhere",
    withImage(KERAS.replace("trainer", "nowhere")),
    ["models[0].workload.context", 21, "must be a folder of the repository with a Dockerfile"],
  ],
  [
    "a workload outside of the repository",
    withImage(KERAS.replace("workloads/trainer", "workloads/../../elsewhere")),
    ["models[0].workload.context", 21, "a folder of the repository, relative to it"],
  ],
  [
    "a workload of the repository's root",
    withImage(KERAS.replace("workloads/trainer", ".")),
    ["models[0].workload.context", 21, "a folder of the repository, relative to it"],
  ],
  [
    "a search of what an image of its own trains",
    withImage(KERAS, "      search: {trials: 8, space: [{kind: float, name: learningRate, low: 0.001, high: 0.1}]}\n"),
    ["models[0].search", 22, "must be left out: trials are trained by the trainer", "workloads/trainer"],
  ],
  [
    "compression by an image that only trains",
    withImage(KERAS, "      compression: {candidates: [{name: small, steps: [{kind: quantize}]}]}\n"),
    ["models[0].compression", 22, "must be left out", "where workload.compresses is true"],
  ],
  [
    "builtin data of a format that is read from files",
    broken('{ kind: npm, package: "@example/mail", version: 1.2.3 }', "{ kind: builtin, name: digits }"),
    ["models[0].dataset.source.kind", 10, "must be of kind npm or directory"],
  ],
  [
    "a searched parameter that training does not have",
    search("", "{kind: float, name: network.width, low: 1, high: 2}"),
    ["models[0].search.space[0].name", 21, "must be the path of a number", "network.channels", "learningRate"],
  ],
  [
    "a searched parameter that decides nothing that is learned",
    search("", "{kind: integer, name: workers, low: 1, high: 2}"),
    ["models[0].search.space[0].name", 21, "decides what is learned"],
  ],
  [
    "a searched parameter that says what a worker may use",
    search("", "{kind: integer, name: resources.cpu, low: 1, high: 2}"),
    ["models[0].search.space[0].name", 21, "decides what is learned"],
  ],
  [
    "workers that hold their places as long as the run may last",
    broken("epochs: 4", "epochs: 4\n        gangSeconds: 7200"),
    ["models[0].training.gangSeconds", 17, "must be below deadlineSeconds, which is 7200"],
  ],
  [
    "a searched rule of how checkpoints are kept",
    search("", "{kind: integer, name: checkpointRetention.last, low: 1, high: 2}"),
    ["models[0].search.space[0].name", 21, "decides what is learned"],
  ],
  [
    "a searched size of a network that another one gives",
    broken(
      "workers: 2",
      "start: { kind: version }",
      search(
        "",
        "{kind: float, name: network.dropout, low: 0, high: 0.5}, {kind: integer, name: network.channels, low: 8, high: 9}",
      ),
    ),
    ["models[0].search.space[1].name", 21, "must be no size of the network"],
  ],
  [
    "a start from a network that is not kept",
    broken("workers: 1", "start: { kind: version }", withImage(KERAS)),
    ["models[0].training.start.kind", 15, "must be scratch", "workloads/keras"],
  ],
  [
    "a start from what is no training run",
    broken("workers: 2", "start: { kind: version, run: mail-triage-compression-0123456789 }"),
    ["models[0].training.start.run", 15, "must be the name of a training run"],
  ],
  [
    "a range that is empty",
    search("", "{kind: float, name: learningRate, low: 0.1, high: 0.1}"),
    ["models[0].search.space[0].high", 21, "must be above low, which is 0.1"],
  ],
  [
    "a range beyond what training takes",
    search("", "{kind: float, name: network.dropout, low: 0, high: 1.5}"),
    ["models[0].search.space[0].high", 21, "is not valid as training.network.dropout"],
  ],
  [
    "choices of the wrong kind",
    search("", "{kind: categorical, name: batchSize, choices: [16, many]}"),
    ["models[0].search.space[0].choices[1]", 21, "is not valid as training.batchSize"],
  ],
  [
    "a logarithm of nothing",
    search("", "{kind: float, name: network.dropout, low: 0, high: 0.5, log: true}"),
    ["models[0].search.space[0].low", 21, "must be above 0 with log"],
  ],
  [
    "one parameter twice",
    search(
      "",
      "{kind: float, name: learningRate, low: 0.1, high: 0.2}, {kind: float, name: learningRate, low: 0.1, high: 0.3}",
    ),
    ["models[0].search.space[1].name", 21, "must be unique"],
  ],
  [
    "a condition on what is not searched",
    search("", "{kind: float, name: learningRate, low: 0.1, high: 0.2, when: {parameter: batchSize, equals: 16}}"),
    ["models[0].search.space[0].when.parameter", 21, "another parameter of the space, a categorical one"],
  ],
  [
    "a condition that is never met",
    search(
      "",
      "{kind: categorical, name: batchSize, choices: [16, 32]}, {kind: float, name: learningRate, low: 0.1, high: 0.2, when: {parameter: batchSize, equals: 64}}",
    ),
    ["models[0].search.space[1].when.equals", 21, "must be a choice of batchSize: 16, 32"],
  ],
  [
    "a grid without steps",
    search("algorithm: grid, "),
    ["models[0].search.space[0].step", 21, "must have a step, or choices, for a grid"],
  ],
  [
    "more trials than a grid has points",
    search("algorithm: grid, ", "{kind: float, name: network.dropout, low: 0.1, high: 0.3, step: 0.1}"),
    ["models[0].search.trials", 21, "must be at most 3, the number of points of the grid"],
  ],
  [
    "a pruner with several objectives",
    search("objectives: [{metric: validationLoss, direction: minimize}, {metric: parameters, direction: minimize}], "),
    ["models[0].search.pruner", 21, "must be none with several objectives"],
  ],
  [
    "an unknown algorithm",
    search("algorithm: tpo, "),
    ["models[0].search.algorithm", 21, 'one of "tpe", "random"', 'did you mean "tpe"?'],
  ],
  [
    "integers that are to be trained further",
    compression("{kind: quantize}", "{kind: prune, target: {kind: sparsity, sparsity: 0.5}}"),
    ["models[0].compression.candidates[0].steps[0]", 21, "must be the last step"],
  ],
  [
    "all channels pruned",
    compression("{kind: prune, target: {kind: sparsity, sparsity: 1}}"),
    ["models[0].compression.candidates[0].steps[0].target.sparsity", 21, "above 0 and below 1"],
  ],
  [
    "a student with a size that its network does not have",
    compression("{kind: distill, network: {width: 8}}"),
    ["models[0].compression.candidates[0].steps[0].network.width", 21, "its sizes are vocabularySize, embeddingSize"],
  ],
  [
    "a student with a size that cannot be",
    compression("{kind: distill, network: {channels: 0}}"),
    ["models[0].compression.candidates[0].steps[0].network.channels", 21, "is not valid in the network"],
  ],
  [
    "a candidate named like the baseline",
    broken(
      "      serving:",
      "      compression: {candidates: [{name: baseline, steps: [{kind: quantize}]}]}\n      serving:",
    ),
    ["models[0].compression.candidates[0].name", 21, "not baseline"],
  ],
  [
    "canary weights that fall",
    broken("        engine: mlserver", "        engine: mlserver\n        canary: {weights: [50, 20]}"),
    ["models[0].serving.canary.weights[1]", 23, "must be above the one before it, 50"],
  ],
];

describe("loadStack", () => {
  let repository: Repository;
  const load = (options: Partial<LoadOptions> = {}) =>
    loadStack({ name: "local", repositoryRoot: repository.root, ...options });
  const refusal = async (options: Partial<LoadOptions> = {}): Promise<StackError> => {
    const error: unknown = await load(options).then(
      () => assert.fail("the stack was not refused"),
      (error: unknown) => error,
    );
    assert.ok(error instanceof StackError, String(error));
    return error;
  };

  before(async () => {
    repository = await Repository.create();
    await repository.write("empty/.keep", "");
    await repository.remove("empty/.keep");
  });
  after(() => repository.remove());
  beforeEach(() => repository.write("stacks/Pulumi.local.yaml", VALID_STACK));

  it("gives a valid stack with its defaults, as plain data", async () => {
    const stack = await load();
    assert.equal(stack.name, "local");
    assert.equal(stack.platform.namespace, "millwright");
    assert.equal(stack.models[0]?.training.maxRestarts, 3);
    assert.deepEqual(JSON.parse(JSON.stringify(stack)), stack);
    assert.deepEqual(structuredClone(stack), stack);
  });

  it("takes a model with an image of its own, which may compress what it trained", async () => {
    const compression = "      compression: {candidates: [{name: small, steps: [{kind: quantize}]}]}\n";
    await repository.write(
      "stacks/Pulumi.local.yaml",
      withImage(KERAS.replace("trainer }", "trainer, compresses: true }"), compression),
    );
    const { models, content } = await load();
    assert.deepEqual(models[0]?.training.network, { kind: "keras-mlp", units: [64, 32], dropout: 0.3 });
    assert.deepEqual(content.workloads, { "mail-triage": content.images.trainer });
  });

  it("leaves a network that only the model's image knows to that image, its workers and its students too", async () => {
    const network = { kind: "custom", parameters: { depth: 3, units: [8, 4], shape: "wide", deep: true } };
    const distill = "{kind: distill, network: {depth: 1}}";
    const text = withImage(
      KERAS.replace("trainer }", "trainer, compresses: true }"),
      `      compression: {candidates: [{name: small, steps: [${distill}]}]}\n`,
      JSON.stringify(network),
    );
    await repository.write("stacks/Pulumi.local.yaml", broken("workers: 1", "workers: 2", text));
    const { models } = await load();
    assert.deepEqual(models[0]?.training.network, network);
  });

  it("gives the same from the engine's configuration as from the file", async () => {
    const { config } = parse(VALID_STACK) as { config: Record<string, unknown> };
    const flat = Object.entries(config).map(([key, value]) => [
      key,
      typeof value === "string" ? value : JSON.stringify(value),
    ]);
    assert.deepEqual(await load({ config: Object.fromEntries(flat) }), await load());
  });

  it("names problems of the engine's configuration in the same way, without lines", async () => {
    const { problems, message } = await refusal({
      config: { "millwright:platform": "nonsense", "millwright:extra": "1" },
    });
    assert.deepEqual(problems.map(({ path }) => path).sort(), ["extra", "models", "platform"]);
    assert.ok(problems.every(({ line }) => line === undefined));
    assert.match(message, /The configuration of stack local has 3 problems/);
  });

  for (const [title, text, ...expected] of CASES) {
    it(`refuses ${title}`, async () => {
      await repository.write("stacks/Pulumi.local.yaml", text);
      const error = await refusal();
      const found = [...error.problems].sort((a, b) => (a.path < b.path ? -1 : 1));
      assert.deepEqual(
        found.map(({ path, line }) => [path, line]),
        expected.map(([path, line]) => [path, line]),
        error.message,
      );
      const lines = error.message.split("\n").slice(1);
      for (const [path, , ...says] of expected) {
        const line = lines.find((line) => new RegExp(`^  ${escapeRegExp(path || "(root)")}[ :]`).test(line));
        assert.ok(line !== undefined, `${path} is not in the message:\n${error.message}`);
        for (const part of says) {
          assert.ok(line.includes(part), `${part} is missing in ${line}`);
        }
      }
    });
  }

  it("names all problems at once, each once", async () => {
    const edits = CASES.filter(([, text]) => text.split("\n").length === VALID_STACK.split("\n").length);
    const lines = VALID_STACK.split("\n");
    const changed = new Map<number, string>();
    const expected = new Set<string>();
    for (const [, text, ...problems] of edits) {
      const differing = text
        .split("\n")
        .flatMap((line, index) => (line === lines[index] ? [] : [[index, line] as const]));
      const [only] = differing;
      if (
        differing.length === 1 &&
        only !== undefined &&
        !changed.has(only[0]) &&
        problems.every(([path]) => path.includes("."))
      ) {
        changed.set(...only);
        for (const [path] of problems) expected.add(path);
      }
    }
    assert.ok(changed.size >= 8, `only ${changed.size} cases could be combined`);
    await repository.write(
      "stacks/Pulumi.local.yaml",
      lines.map((line, index) => changed.get(index) ?? line).join("\n"),
    );
    const { problems } = await refusal();
    assert.deepEqual(problems.map(({ path }) => path).sort(), [...expected].sort());
  });

  it("names the stacks that exist when asked for one that does not", async () => {
    const { message } = await refusal({ name: "produktion" });
    assert.match(message, /stacks\/Pulumi\.produktion\.yaml: does not exist; the stacks that exist are local\./);
  });

  it("names an image's folder that is missing", async () => {
    await repository.remove("workloads/server");
    try {
      assert.deepEqual(
        (await refusal()).problems.map(({ path }) => path),
        ["workloads/server/Dockerfile"],
      );
    } finally {
      await repository.write("workloads/server/Dockerfile", "FROM scratch\n# server\n");
    }
  });

  it("takes anchors, merges and keys of other namespaces", async () => {
    const small = "resources: { <<: &small { cpu: 0.1, memoryGiB: 0.5 } }";
    const text = broken(
      "        engine: mlserver",
      `        engine: mlserver\n        resources: { <<: *small, cpu: 0.2 }`,
    );
    await repository.write(
      "stacks/Pulumi.local.yaml",
      broken("        deadlineSeconds: 1800", `        ${small}`, text).replace("encryptionsalt", "secretsprovider"),
    );
    assert.deepEqual((await load()).models[0]?.serving.resources, { cpu: 0.2, memoryGiB: 0.5 });
  });

  it("meets any other value anywhere with a list of problems or a valid stack", async () => {
    const { config } = parse(VALID_STACK) as { config: Record<string, unknown> };
    const paths = leafPaths(config);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom(...paths), strangeValue), { minLength: 1, maxLength: 4 }),
        async (edits) => {
          const mutated = edits.reduce<unknown>((value, [path, strange]) => withValue(value, path, strange), config);
          const entries = Object.entries(mutated as object).map(([key, value]) => [key, JSON.stringify(value)]);
          const outcome = await load({ config: Object.fromEntries(entries) }).catch((error: unknown) => error);
          assert.ok(!(outcome instanceof Error) || outcome instanceof StackError, String(outcome));
          if (outcome instanceof StackError) {
            const said = outcome.problems.map(({ path, message }) => `${path}: ${message}`);
            assert.ok(said.length > 0);
            assert.equal(new Set(said).size, said.length, `something is said twice:\n${said.join("\n")}`);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it("meets any text with a list of problems or a valid stack", async () => {
    const position = fc.integer({ min: 0, max: VALID_STACK.length });
    const noise = fc.oneof(
      fc.string({ maxLength: 5 }),
      fc.constantFrom("\t", ": ", "- ", "&a ", "*a", "{", "}", "[", "<<: ", "!!binary ", "? ", "|"),
    );
    await fc.assert(
      fc.asyncProperty(position, fc.integer({ min: 0, max: 10 }), noise, async (start, length, inserted) => {
        const text = VALID_STACK.slice(0, start) + inserted + VALID_STACK.slice(start + length);
        await repository.write("stacks/Pulumi.local.yaml", text);
        const outcome = await load().catch((error: unknown) => error);
        assert.ok(!(outcome instanceof Error) || outcome instanceof StackError, `${String(outcome)}\n${text}`);
      }),
      { numRuns: 300 },
    );
  });
});

type Path = readonly (string | number)[];

/** The paths of every value, of objects and lists as well as of what is in them. */
function leafPaths(value: unknown, path: Path = []): Path[] {
  if (value === null || typeof value !== "object") {
    return [path];
  }
  const below = Object.entries(value).flatMap(([key, member]) =>
    leafPaths(member, [...path, Array.isArray(value) ? Number(key) : key]),
  );
  return path.length === 0 ? below : [path, ...below];
}

const strangeValue = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom(-1, 0, 1e308, 0.1, "2Gi", "", "\0", "../..", "/", "__proto__", "constructor", null),
  fc.constantFrom(
    { kind: "directory", path: "\0" },
    { kind: "directory", path: "x".repeat(5000) },
    { kind: "toString" },
  ),
);

function withValue(value: unknown, [first, ...rest]: Path, strange: unknown): unknown {
  if (first === undefined || value === null || typeof value !== "object") {
    return strange;
  }
  if (Array.isArray(value)) {
    return value.map((member: unknown, index) => (index === first ? withValue(member, rest, strange) : member));
  }
  return { ...value, [first]: withValue((value as Record<string, unknown>)[first], rest, strange) };
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

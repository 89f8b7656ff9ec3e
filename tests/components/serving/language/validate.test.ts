// What is refused of an endpoint, and why, with the sum where there is one. Each case breaks one thing of an endpoint that is
// in order. Does not prove that a model in order fits: the arithmetic's own figures are in tests/components/catalog.
import assert from "node:assert/strict";
import fc from "fast-check";
import { servingMemory } from "../../../../components/catalog/memory.ts";
import { MODEL_ARCHITECTURES } from "../../../../components/catalog/model-architectures.ts";
import { hostOf } from "../../../../components/serving/language/host.ts";
import { mostThatFit } from "../../../../components/serving/language/resources.ts";
import { validateArguments, validateLanguageEndpoint } from "../../../../components/serving/language/validate.ts";
import { type PoolSpec, poolSchema } from "../../../../stacks/pools.ts";
import { endpointOf, H100_POOL, L40S_POOL, LARGE, LARGE_ARGS, SMALL, SMALL_ARGS } from "./fixtures.ts";

const problemsOf = (raw: object, pool: PoolSpec) => validateLanguageEndpoint(endpointOf(raw), hostOf(pool));
const said = (raw: object, pool: PoolSpec) =>
  problemsOf(raw, pool).map(({ path, message, value }) => `${path}: ${message} (${JSON.stringify(value)})`);

const poolOf = (instanceTypes: string[], rest: object = {}): PoolSpec =>
  poolSchema.parse({
    name: "pool",
    provisioning: { kind: "nodeGroup", instanceTypes },
    size: { kind: "fixed", nodes: 4 },
    ...rest,
  });
const A100 = poolOf(["p4d.24xlarge"]);

const REFUSED: readonly [what: string, raw: object, pool: PoolSpec, ...expected: RegExp[]][] = [
  [
    "an architecture nobody knows, with what was meant",
    { ...SMALL, model: { ...SMALL.model, architecture: "llama3.1-8b" } },
    L40S_POOL,
    /^model\.architecture: must be one of llama-3\.1-8b, .*; did you mean "llama-3\.1-8b"\?/,
  ],
  [
    "an architecture that is like no other, with where it would be written",
    { ...SMALL, model: { ...SMALL.model, architecture: "x" } },
    L40S_POOL,
    /model-architectures\.ts/,
  ],
  [
    "parts that do not divide the attention heads",
    { ...SMALL, parallelism: { tensor: 3 } },
    L40S_POOL,
    /^parallelism\.tensor: must divide the 32 attention heads of Llama 3\.1 8B: 1, 2, 4, 8, 16; 32 \/ 3 leaves 2\. \(3\)$/,
  ],
  [
    "parts that divide the attention heads, but not the key-value heads",
    {
      ...SMALL,
      model: { ...SMALL.model, architecture: "qwen2.5-7b" },
      parallelism: { tensor: 7 },
    },
    poolOf(["p4d.24xlarge"]),
    /^parallelism\.tensor: must divide the 4 key-value heads of Qwen2\.5 7B, or be a multiple of them: 4 \/ 7 leaves 4\. \(7\)$/,
  ],
  [
    "more parts of a layer than a node has devices",
    { ...SMALL, parallelism: { tensor: 8 } },
    L40S_POOL,
    /^parallelism\.tensor: must be at most 4, the devices of a node of pool serving: .*parallelism\.pipeline/,
  ],
  [
    "more nodes than there are",
    { ...LARGE, parallelism: { tensor: 8, pipeline: 8 } },
    H100_POOL,
    /^parallelism\.pipeline: must be at most 4, the nodes of pool frontier at its largest\. \(8\)$/,
  ],
  [
    "a context beyond the model's",
    { ...SMALL, context: { tokens: 140_000, sequences: 1 } },
    L40S_POOL,
    /^context\.tokens: must be at most 131072, the tokens Llama 3\.1 8B was made for\. \(140000\)$/,
  ],
  [
    "more requests than the memory holds, with the sum and how many it does",
    { ...SMALL, context: { tokens: 8192, sequences: 32 } },
    L40S_POOL,
    /^context\.sequences: must be at most 23 with 8192 tokens each.*weights 8\.03e9 x 2 B = 15\.0 GiB; KV cache 2 x 32 layers x 8 heads x 128 x 2 B x 8192 tokens x 32 sequences = 32\.0 GiB;.*44\.7 GiB x 0\.9 = 40\.2 GiB are there\. \(32\)$/,
  ],
  [
    "weights that leave no memory for a request",
    { ...SMALL, model: { ...SMALL.model, architecture: "llama-3.1-70b" } },
    L40S_POOL,
    /^model: must be smaller, of fewer bits, or spread over more devices: not one request .*70\.55e9 x 2 B = 131\.4 GiB/,
  ],
  [
    "NVFP4 on Hopper, with what has it",
    { ...LARGE, model: { ...LARGE.model, dataType: "nvfp4" } },
    H100_POOL,
    /^model\.dataType: must be one that NVIDIA H100 80 GB serves, .*nvfp4 is served by b200, b300, gb200/,
  ],
  [
    "BF16 on Turing",
    {
      ...SMALL,
      model: { ...SMALL.model, architecture: "llama-3.2-1b" },
      context: { tokens: 1024, sequences: 4 },
    },
    poolOf(["g4dn.2xlarge"]),
    /^model\.dataType: must be one that NVIDIA T4 serves/,
  ],
  [
    "a layer divided among MIG instances",
    {
      ...SMALL,
      model: { ...SMALL.model, architecture: "llama-3.2-1b" },
      context: { tokens: 1024, sequences: 1 },
      parallelism: { tensor: 2 },
    },
    { ...A100, devices: { kind: "mig", profile: "3g.20gb" } },
    /^parallelism\.tensor: must be 1 on pool pool, whose devices are divided: MIG instances/,
  ],
  [
    "a layer divided among turns of a device",
    { ...SMALL, parallelism: { tensor: 2 } },
    { ...L40S_POOL, devices: { kind: "timeSlicing", slices: 2 } },
    /^parallelism\.tensor: must be 1 .*turns of a device/,
  ],
  [
    "a group whose pods take turns",
    { ...SMALL, parallelism: { pipeline: 2 } },
    { ...L40S_POOL, devices: { kind: "timeSlicing", slices: 2 } },
    /^parallelism\.pipeline: must be 1 on pool serving, whose pods take turns/,
  ],
  [
    "more than the memory of a MIG instance",
    { ...SMALL },
    { ...A100, devices: { kind: "mig", profile: "1g.5gb" } },
    /^model: .*5\.0 GiB x 0\.9 = 4\.5 GiB are there/,
  ],
  ["a pool without devices", { ...SMALL }, poolOf(["m7i.8xlarge"]), /^pool: must be a pool with accelerators: /],
  ["a pool of another vendor", { ...SMALL }, poolOf(["trn2.48xlarge"]), /^pool: must be a pool with NVIDIA's devices/],
  [
    "more replicas than the pool has room for, with the sum",
    { ...LARGE, scaling: { kind: "fixed", replicas: 3 } },
    H100_POOL,
    /^scaling\.replicas: must be at most 2: 3 replicas x 2 nodes are 6 pods of 8 devices, and pool frontier has 4 nodes x 1 = 4 places\. \(3\)$/,
  ],
  [
    "scaling beyond the pool",
    { ...SMALL, scaling: { kind: "auto", max: 33 } },
    L40S_POOL,
    /^scaling\.max: must be at most 32: 33 replicas x 1 node are 33 pods of 1 devices, and pool serving has 8 nodes x 4 = 32 places/,
  ],
  [
    "scaling from more to fewer",
    { ...SMALL, scaling: { kind: "auto", min: 3, max: 2 } },
    L40S_POOL,
    /^scaling\.min: must be at most max, which is 2\. \(3\)$/,
  ],
  [
    "more cores than a node has",
    { ...SMALL, resources: { cpu: 48, memoryGiB: 12 } },
    L40S_POOL,
    /^resources\.cpu: must be at most 44\.16: a node of pool serving has 48, of which pods get 92 %\. \(48\)$/,
  ],
  [
    "more memory than a node has",
    { ...SMALL, resources: { cpu: 1, memoryGiB: 384 } },
    L40S_POOL,
    /^resources\.memoryGiB: must be at most 353\.28/,
  ],
  [
    "a limit below the request",
    { ...SMALL, resources: { cpu: 4, cpuLimit: 2, memoryGiB: 12 } },
    L40S_POOL,
    /^resources\.cpuLimit: must be at least cpu, which is 4\. \(2\)$/,
  ],
  [
    "EFA with too few huge pages",
    { ...LARGE },
    { ...H100_POOL, hugepages2MiGiB: 4 },
    /^pool: must keep at least 5 GiB as huge pages \(hugepages2MiGiB\), or none: 5 GiB for each of the 1 pods of a node that use its 32 adapters; frontier keeps 4\./,
  ],
  [
    "less time to start than reading the weights takes, with the sum",
    { ...LARGE, startupSeconds: 300 },
    H100_POOL,
    /^startupSeconds: must be at least 406: reading the weights alone takes 811\.7 GB \/ 1 GB\/s \/ 2 nodes = 405\.85 s\. \(300\)$/,
  ],
  [
    "a repository without a commit",
    { ...SMALL, model: { ...SMALL.model, weights: "meta-llama/Llama-3.1-8B" } },
    L40S_POOL,
    /^model\.revision: is required with a repository: the commit of meta-llama\/Llama-3\.1-8B/,
  ],
  [
    "a commit of a bucket",
    { ...SMALL, model: { ...SMALL.model, revision: "a".repeat(40) } },
    L40S_POOL,
    /^model\.revision: must be left out: only weights of a repository have one/,
  ],
  [
    "a token for a folder",
    { ...SMALL, model: { ...SMALL.model, weights: "/models/a", token: { secretName: "x" } } },
    L40S_POOL,
    /^model\.token: must be left out/,
  ],
  [
    "a folder outside the artifact store",
    { ...SMALL, model: { ...SMALL.model, weights: "/models/../../x" } },
    L40S_POOL,
    /^model\.weights: must be a relative path below the artifact store/,
  ],
];

describe("a language endpoint's problems", () => {
  it("are none of one that is in order, on one device and on two nodes of eight", () => {
    assert.deepEqual(said(SMALL, L40S_POOL), []);
    assert.deepEqual(said(LARGE, H100_POOL), []);
    assert.deepEqual(said(LARGE, { ...H100_POOL, hugepages2MiGiB: 0 }), []);
    assert.deepEqual(validateArguments(SMALL_ARGS), []);
  });

  for (const [what, raw, pool, ...expected] of REFUSED) {
    it(`name ${what}`, () => {
      const found = said(raw, pool);
      assert.equal(found.length, expected.length, found.join("\n"));
      for (const [index, pattern] of expected.entries()) {
        assert.match(found[index]!, pattern);
      }
    });
  }

  it("name stages without a layer, which no stack file can ask for yet", () => {
    const endpoint = endpointOf({ ...SMALL, model: { ...SMALL.model, architecture: "llama-3.2-1b" } });
    const many: PoolSpec = { ...L40S_POOL, size: { kind: "auto", min: 0, max: 40 } };
    const [problem, ...others] = validateLanguageEndpoint(
      { ...endpoint, parallelism: { tensor: 1, pipeline: 17 } },
      hostOf(many),
    );
    assert.deepEqual(others, []);
    assert.equal(problem?.path, "parallelism.pipeline");
    assert.match(problem.message, /^must be at most 16: Llama 3\.2 1B has that many layers/);
  });

  it("are all there at once", () => {
    const raw = {
      ...SMALL,
      model: { ...SMALL.model, revision: "a".repeat(40) },
      parallelism: { tensor: 3 },
      context: { tokens: 200_000, sequences: 1 },
      startupSeconds: 5,
    };
    assert.deepEqual(
      problemsOf(raw, L40S_POOL)
        .map(({ path }) => path)
        .sort(),
      ["context.tokens", "model.revision", "parallelism.tensor", "startupSeconds"],
    );
  });

  it("tell of what was not given beside the stack's words", () => {
    const folder = endpointOf({ ...SMALL, model: { ...SMALL.model, weights: "/models/a" } });
    assert.deepEqual(
      validateArguments({ ...SMALL_ARGS, endpoint: folder }).map(({ path }) => path),
      ["model.weights"],
    );
    assert.deepEqual(validateArguments({ ...SMALL_ARGS, endpoint: folder, claimName: "artifacts" }), []);
    const scaled = endpointOf({ ...SMALL, scaling: { kind: "auto", max: 2 } });
    assert.deepEqual(
      validateArguments({ ...SMALL_ARGS, endpoint: scaled }).map(({ path }) => path),
      ["scaling.kind"],
    );
    assert.deepEqual(
      validateArguments({ ...SMALL_ARGS, host: LARGE_ARGS.host }).map(({ path }) => path),
      ["pool"],
    );
  });

  it("are none exactly where the memory fits, whatever the context", () => {
    const { host } = SMALL_ARGS;
    fc.assert(
      fc.property(
        fc.integer({ min: 256, max: 131_072 }),
        fc.integer({ min: 1, max: 512 }),
        fc.constantFrom(1, 2, 4),
        (tokens, sequences, tensor) => {
          const raw = { ...SMALL, context: { tokens, sequences }, parallelism: { tensor } };
          const { fits, maxSequences } = servingMemory(
            {
              ...MODEL_ARCHITECTURES["llama-3.1-8b"],
              dataType: "bf16",
              contextTokens: tokens,
              sequences,
              tensorParallel: tensor,
              memoryFraction: 0.9,
            },
            { memoryMiB: host.deviceMemoryMiB },
          );
          const problems = validateLanguageEndpoint(endpointOf(raw), host);
          assert.equal(problems.length === 0, fits);
          // What the message allows is in order, so that who follows it is not refused again.
          if (!fits && maxSequences > 0) {
            const allowed = { ...raw, context: { tokens, sequences: maxSequences } };
            assert.deepEqual(validateLanguageEndpoint(endpointOf(allowed), host), []);
          }
        },
      ),
    );
  });

  it("never let more replicas through than have places", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 20 }),
        (nodes, pipeline, replicas) => {
          const pool: PoolSpec = { ...H100_POOL, size: { kind: "fixed", nodes } };
          const raw = { ...LARGE, parallelism: { tensor: 8, pipeline }, scaling: { kind: "fixed", replicas } };
          const crowded = problemsOf(raw, pool).some(
            ({ path }) => path === "scaling.replicas" || path === "parallelism.pipeline",
          );
          assert.equal(crowded, replicas * pipeline > nodes);
          assert.equal(mostThatFit(endpointOf(raw), hostOf(pool)), Math.floor(nodes / pipeline));
        },
      ),
    );
  });
});

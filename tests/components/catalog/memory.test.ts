import assert from "node:assert/strict";
import fc from "fast-check";
import { ACCELERATORS, migProfile } from "../../../components/catalog/accelerators.ts";
import { DATA_TYPES, type DataType } from "../../../components/catalog/formats.ts";
import {
  activationBytes,
  kvBytesPerToken,
  SERVING_OVERHEAD_GIB,
  type ServingInput,
  type Sharding,
  servingMemory,
  trainingMemory,
} from "../../../components/catalog/memory.ts";
import { MODEL_ARCHITECTURES } from "../../../components/catalog/model-architectures.ts";

/**
 * The arithmetic, against figures others have published and by properties. That a server or a training run takes what the
 * arithmetic says needs a device, and is not proved here.
 */

const GIB = 2 ** 30;
const near = (actual: number, expected: number, tolerance: number) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not within ${tolerance} of ${expected}`);

const LLAMA_8B: ServingInput = {
  ...MODEL_ARCHITECTURES["llama-3.1-8b"],
  dataType: "bf16",
  contextTokens: 8192,
  sequences: 1,
  memoryFraction: 0.9,
};
const LLAMA_70B: ServingInput = { ...LLAMA_8B, ...MODEL_ARCHITECTURES["llama-3.1-70b"] };

describe("memory of a served model", () => {
  // Hugging Face, "Llama 3.1": inference memory of the weights, in GB.
  for (const [model, dataType, gb] of [
    ["llama-3.1-8b", "bf16", 16],
    ["llama-3.1-70b", "bf16", 140],
    ["llama-3.1-405b", "bf16", 810],
    ["llama-3.1-8b", "fp8", 8],
    ["llama-3.1-70b", "fp8", 70],
    ["llama-3.1-405b", "fp8", 405],
    ["llama-3.1-8b", "int4", 4],
    ["llama-3.1-70b", "int4", 35],
    ["llama-3.1-405b", "int4", 203],
  ] as const) {
    it(`counts about ${gb} GB for the weights of ${model} in ${dataType}`, () => {
      const { weightsGiB } = servingMemory({ ...LLAMA_8B, ...MODEL_ARCHITECTURES[model], dataType }, ACCELERATORS.h100);
      near((weightsGiB * GIB) / 1e9 / gb, 1, 0.05);
    });
  }

  // The same page: KV cache in GB (2^30 bytes) of one sequence in FP16. Its 405B is the first release, of 16 KV heads.
  for (const [model, contextTokens, gib] of [
    ["llama-3.1-8b", 1000, 0.125],
    ["llama-3.1-8b", 16_000, 1.95],
    ["llama-3.1-8b", 128_000, 15.62],
    ["llama-3.1-70b", 1000, 0.313],
    ["llama-3.1-70b", 16_000, 4.88],
    ["llama-3.1-70b", 128_000, 39.06],
    ["llama-3.1-405b", 128_000, 123.05],
  ] as const) {
    it(`counts ${gib} GiB for ${contextTokens} tokens of ${model}`, () => {
      const { kvCacheGiB } = servingMemory(
        {
          ...LLAMA_8B,
          ...MODEL_ARCHITECTURES[model],
          ...(model === "llama-3.1-405b" ? { kvHeads: 16 } : {}),
          contextTokens,
          kvDataType: "fp16",
        },
        ACCELERATORS.h100,
      );
      near(kvCacheGiB, gib, 0.01);
    });
  }

  it("agrees with kvplan on Llama 3.1 8B on an L4", () => {
    // pypi.org/project/kvplan 0.1.1: weights 14.96 GiB; 131,072 B a token; of 20.69 GiB, 0.83 GiB overhead leave 4.91 for the
    // cache, so that 40,208 tokens fit.
    const on = (contextTokens: number) =>
      servingMemory(
        { ...LLAMA_8B, contextTokens, memoryFraction: 0.92, overheadGiB: 0.83 },
        { memoryMiB: 22.49 * 1024 },
      );
    near(on(1).weightsGiB, 14.96, 0.005);
    near(on(1).availableGiB, 20.69, 0.005);
    near(on(1).maxSequences, 40_208, 100);
    assert.ok(on(40_000).fits);
    assert.ok(!on(40_400).fits);
    near(on(131_072).kvCacheGiB, 16, 1e-9);
  });

  it("shows the whole sum in one line", () => {
    const { arithmetic, fits, maxSequences } = servingMemory(
      { ...LLAMA_70B, sequences: 16, tensorParallel: 4 },
      ACCELERATORS.l40s,
    );
    assert.equal(
      arithmetic,
      "weights 70.55e9 x 2 B / 4 devices = 32.9 GiB; " +
        "KV cache 2 x 80 layers x 2 heads x 128 x 2 B x 8192 tokens x 16 sequences = 10.0 GiB; " +
        "overhead 2.0 GiB; " +
        "needs 44.9 GiB a device, and 44.7 GiB x 0.9 = 40.2 GiB are there",
    );
    assert.equal(fits, false);
    assert.equal(maxSequences, 8);
  });

  it("shows how the layers are dealt out", () => {
    const { arithmetic } = servingMemory({ ...LLAMA_8B, pipelineParallel: 3 }, ACCELERATORS.h100);
    assert.match(
      arithmetic,
      /^weights 8\.03e9 x 2 B x 11\/32 layers = 5\.1 GiB; KV cache 2 x 11 layers x 8 heads x 128 /,
    );
  });

  it("counts the fullest stage where layers do not divide", () => {
    const whole = servingMemory(LLAMA_8B, ACCELERATORS.h100);
    const third = servingMemory({ ...LLAMA_8B, pipelineParallel: 3 }, ACCELERATORS.h100);
    near(third.weightsGiB / whole.weightsGiB, 11 / 32, 1e-12);
    near(third.kvCacheGiB / whole.kvCacheGiB, 11 / 32, 1e-12);
  });

  it("copies KV heads past as many devices as there are", () => {
    const at = (tensorParallel: number) => servingMemory({ ...LLAMA_8B, tensorParallel }, ACCELERATORS.h100).kvCacheGiB;
    assert.equal(at(8), at(1) / 8);
    assert.equal(at(16), at(8));
  });

  it("takes a MIG instance for a device", () => {
    const on = (profile: string) => {
      const instance = migProfile("h100", profile);
      assert.ok(instance);
      return servingMemory(LLAMA_8B, instance);
    };
    assert.ok(on("3g.40gb").fits);
    assert.ok(!on("2g.20gb").fits);
  });

  it("says how many sequences fit, and that they do", () => {
    const { maxSequences } = servingMemory(LLAMA_8B, ACCELERATORS.l40s);
    assert.ok(maxSequences > 1);
    assert.ok(servingMemory({ ...LLAMA_8B, sequences: maxSequences }, ACCELERATORS.l40s).fits);
    assert.ok(!servingMemory({ ...LLAMA_8B, sequences: maxSequences + 1 }, ACCELERATORS.l40s).fits);
    assert.equal(servingMemory(LLAMA_70B, ACCELERATORS.l40s).maxSequences, 0);
  });

  for (const [name, change, message] of [
    ["no layer", { layers: 0 }, /^layers is 0, and must be 1 or more, whole$/],
    ["half a sequence", { sequences: 0.5 }, /^sequences is 0\.5, /],
    ["no device", { tensorParallel: 0 }, /^tensorParallel is 0, /],
    [
      "no number of parameters",
      { parametersBillion: Number.NaN },
      /^parametersBillion is NaN, and must be more than 0$/,
    ],
    [
      "more than the memory",
      { memoryFraction: 1.1 },
      /^memoryFraction is 1\.1, and must be more than 0 and at most 1$/,
    ],
    ["overhead below nothing", { overheadGiB: -1 }, /^overheadGiB is -1, and must be 0 or more$/],
  ] as const) {
    it(`refuses ${name}`, () => {
      assert.throws(() => servingMemory({ ...LLAMA_8B, ...change }, ACCELERATORS.h100), {
        name: "RangeError",
        message,
      });
    });
  }

  it("refuses a device without memory", () => {
    assert.throws(() => servingMemory(LLAMA_8B, { memoryMiB: 0 }), { message: /^memoryMiB is 0, / });
  });

  const inputs = fc.record({
    parametersBillion: fc.double({ min: 0.1, max: 2000, noNaN: true }),
    layers: fc.integer({ min: 1, max: 200 }),
    kvHeads: fc.integer({ min: 1, max: 128 }),
    headSize: fc.constantFrom(64, 128, 256),
    dataType: fc.constantFrom(...(Object.keys(DATA_TYPES) as DataType[])),
    kvDataType: fc.constantFrom("bf16", "fp8") as fc.Arbitrary<DataType>,
    contextTokens: fc.integer({ min: 1, max: 1_000_000 }),
    sequences: fc.integer({ min: 1, max: 1024 }),
    tensorParallel: fc.integer({ min: 1, max: 64 }),
    pipelineParallel: fc.integer({ min: 1, max: 64 }),
    memoryFraction: fc.double({ min: 0.01, max: 1, noNaN: true }),
  });
  const devices = fc.record({ memoryMiB: fc.integer({ min: 1024, max: 300_000 }) });

  it("is the sum of its parts, and fits where that is no more than what is there", () => {
    fc.assert(
      fc.property(inputs, devices, (input, device) => {
        const memory = servingMemory(input, device);
        near(memory.neededGiB, memory.weightsGiB + memory.kvCacheGiB + SERVING_OVERHEAD_GIB, 1e-9 * memory.neededGiB);
        assert.equal(memory.fits, memory.neededGiB <= memory.availableGiB);
        near(memory.availableGiB, (device.memoryMiB * input.memoryFraction) / 1024, 1e-9);
      }),
    );
  });

  for (const axis of ["tensorParallel", "pipelineParallel"] as const) {
    it(`never grows a device's need with ${axis}`, () => {
      fc.assert(
        fc.property(inputs, fc.integer({ min: 1, max: 64 }), (input, more) => {
          const before = servingMemory(input, ACCELERATORS.h100);
          const after = servingMemory({ ...input, [axis]: input[axis] + more }, ACCELERATORS.h100);
          assert.ok(after.neededGiB <= before.neededGiB * (1 + 1e-12));
        }),
      );
    });
  }

  for (const axis of ["contextTokens", "sequences"] as const) {
    it(`grows the cache with ${axis}, and nothing else`, () => {
      fc.assert(
        fc.property(inputs, fc.integer({ min: 2, max: 8 }), (input, times) => {
          const before = servingMemory(input, ACCELERATORS.h100);
          const after = servingMemory({ ...input, [axis]: input[axis] * times }, ACCELERATORS.h100);
          near(after.kvCacheGiB / before.kvCacheGiB, times, 1e-9);
          assert.equal(after.weightsGiB, before.weightsGiB);
          assert.ok(after.maxSequences <= before.maxSequences);
        }),
      );
    });
  }

  it("holds all of the model on all devices together, or more", () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const { tensorParallel, pipelineParallel } = input;
        const one = servingMemory({ ...input, tensorParallel: 1, pipelineParallel: 1 }, ACCELERATORS.h100);
        const each = servingMemory(input, ACCELERATORS.h100);
        const count = tensorParallel * pipelineParallel * (1 + 1e-12);
        assert.ok(each.weightsGiB * count >= one.weightsGiB);
        assert.ok(each.kvCacheGiB * count >= one.kvCacheGiB);
      }),
    );
  });
});

describe("keys and values", () => {
  it("of Llama 3.1 70B take 320 KiB a token in BF16, and half of that in FP8", () => {
    assert.equal(kvBytesPerToken(MODEL_ARCHITECTURES["llama-3.1-70b"]), 320 * 1024);
    assert.equal(kvBytesPerToken(MODEL_ARCHITECTURES["llama-3.1-70b"], "fp8"), 160 * 1024);
  });
});

describe("memory of a training run", () => {
  // "ZeRO", arXiv:1910.02054, figure 1 and table 1: 7.5 billion parameters on 64 devices, in GB.
  for (const [sharding, gb] of [
    ["none", 120],
    ["optimizer", 31.4],
    ["gradients", 16.6],
    ["parameters", 1.9],
  ] as const) {
    it(`counts ${gb} GB of states a device with ${sharding} dealt out, as the paper`, () => {
      const { neededGiB } = trainingMemory({ parametersBillion: 7.5, devices: 64, sharding }, ACCELERATORS.h100);
      near((neededGiB * GIB) / 1e9, gb, 0.05);
    });
  }

  it("shows the whole sum in one line", () => {
    const input = { parametersBillion: 70.55, devices: 64, sharding: "parameters" } as const;
    assert.equal(
      trainingMemory(input, ACCELERATORS.h100).arithmetic,
      "weights 70.55e9 x 2 B / 64 devices = 2.1 GiB; gradients 70.55e9 x 2 B / 64 devices = 2.1 GiB; " +
        "optimizer 70.55e9 x 12 B / 64 devices = 12.3 GiB; activations not counted; " +
        "needs 16.4 GiB a device, and 79.6 GiB x 0.9 = 71.7 GiB are there",
    );
    const activations = { layers: 80, hidden: 8192, sequenceTokens: 8192, microBatch: 1, recompute: true };
    assert.match(
      trainingMemory({ ...input, activations }, ACCELERATORS.h100).arithmetic,
      /; two gathered layers of 80 = 3\.3 GiB; activations about 12\.1 GiB; needs 31\.8 GiB a device, /,
    );
    assert.match(
      trainingMemory({ ...input, sharding: "optimizer" }, ACCELERATORS.h100).arithmetic,
      /^weights 70\.55e9 x 2 B = 131\.4 GiB; gradients 70\.55e9 x 2 B = 131\.4 GiB; optimizer 70\.55e9 x 12 B \/ 64 /,
    );
  });

  it("gathers no more than the whole model's weights", () => {
    const activations = { layers: 1, hidden: 4096, sequenceTokens: 1, microBatch: 1, recompute: true };
    const input = { parametersBillion: 8, devices: 2, sharding: "parameters", activations } as const;
    near(trainingMemory(input, ACCELERATORS.h100).overheadGiB, (8e9 * 2) / GIB, 1e-9);
  });

  it("gathers nothing where there is one device, or nothing is known of the layers", () => {
    const activations = { layers: 32, hidden: 4096, sequenceTokens: 1, microBatch: 1, recompute: true };
    const at = (devices: number, known: boolean) =>
      trainingMemory(
        { parametersBillion: 8, devices, sharding: "parameters", ...(known ? { activations } : {}) },
        ACCELERATORS.h100,
      ).overheadGiB;
    assert.equal(at(1, true), 0);
    assert.equal(at(2, false), 0);
    near(at(2, true), (2 * 8e9 * 2) / 32 / GIB, 1e-9);
  });

  it("estimates activations by 34 bytes a number and layer, and 2 where they are computed again", () => {
    const input = { layers: 10, hidden: 1000, sequenceTokens: 100, microBatch: 2 };
    assert.equal(activationBytes({ ...input, recompute: false }), 200_000 * 34 * 10);
    assert.equal(activationBytes({ ...input, recompute: true }), 200_000 * (2 * 10 + 34));
  });

  const shardings: readonly Sharding[] = ["none", "optimizer", "gradients", "parameters"];
  const inputs = fc.record({
    parametersBillion: fc.double({ min: 0.1, max: 2000, noNaN: true }),
    devices: fc.integer({ min: 1, max: 4096 }),
    sharding: fc.constantFrom(...shardings),
    activations: fc.option(
      fc.record({
        layers: fc.integer({ min: 1, max: 200 }),
        hidden: fc.integer({ min: 64, max: 32_768 }),
        sequenceTokens: fc.integer({ min: 1, max: 100_000 }),
        microBatch: fc.integer({ min: 1, max: 64 }),
        recompute: fc.boolean(),
      }),
      { nil: undefined },
    ),
  });
  const sized = ({ activations, ...input }: ReturnType<typeof inputs.generate>["value"]) =>
    trainingMemory({ ...input, ...(activations === undefined ? {} : { activations }) }, ACCELERATORS.h100);

  it("never grows a device's need with more devices", () => {
    fc.assert(
      fc.property(inputs, fc.integer({ min: 1, max: 4096 }), (input, more) => {
        const before = sized(input).neededGiB;
        assert.ok(sized({ ...input, devices: input.devices + more }).neededGiB <= before * (1 + 1e-12));
      }),
    );
  });

  it("is the sum of its parts, 16 bytes a parameter on one device", () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const { weightsGiB, gradientsGiB, optimizerGiB, activationsGiB, overheadGiB, ...memory } = sized(input);
        const states = weightsGiB + gradientsGiB + optimizerGiB;
        near(memory.neededGiB, states + activationsGiB + overheadGiB, 1e-9 * memory.neededGiB);
        assert.equal(memory.fits, memory.neededGiB <= memory.availableGiB);
        if (input.devices === 1 || input.sharding === "none")
          near((states * GIB) / (input.parametersBillion * 1e9), 16, 1e-9);
      }),
    );
  });

  it("keeps less of the states the more is dealt out", () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const states = shardings.map((sharding) => {
          const { weightsGiB, gradientsGiB, optimizerGiB } = sized({ ...input, sharding });
          return weightsGiB + gradientsGiB + optimizerGiB;
        });
        assert.deepEqual(
          states,
          [...states].sort((a, b) => b - a),
        );
      }),
    );
  });

  for (const [name, change, message] of [
    ["no device", { devices: 0 }, /^devices is 0, /],
    ["no parameter", { parametersBillion: 0 }, /^parametersBillion is 0, /],
    ["a fraction of nothing", { memoryFraction: 0 }, /^memoryFraction is 0, /],
  ] as const) {
    it(`refuses ${name}`, () => {
      const input = { parametersBillion: 8, devices: 8, sharding: "parameters", ...change } as const;
      assert.throws(() => trainingMemory(input, ACCELERATORS.h100), { name: "RangeError", message });
    });
  }
});

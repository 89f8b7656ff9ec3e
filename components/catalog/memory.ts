import { bytesOf, type DataType } from "./formats.ts";

/**
 * How much of a device's memory a language model takes, served and trained: arithmetic on plain numbers, for saying no before
 * anything is created. Sizes are exact where the formula is (weights, KV cache, optimizer states) and estimates where they are
 * called so (overhead, activations).
 */

const GIB = 2 ** 30;

/** What a device offers, as a row of {@link ACCELERATORS} or of its MIG profiles has it. */
export interface DeviceMemory {
  readonly memoryMiB: number;
}

/** A model that is served, and how. A row of {@link MODEL_ARCHITECTURES} gives the first four. */
export interface ServingInput {
  /** All parameters, of every expert, in 10^9. */
  readonly parametersBillion: number;
  readonly layers: number;
  readonly kvHeads: number;
  readonly headSize: number;
  /** Of the weights. */
  readonly dataType: DataType;
  /** @default "bf16" */
  readonly kvDataType?: DataType;
  /** Tokens one sequence may have, of the question and the answer. */
  readonly contextTokens: number;
  /** Sequences that are in memory at a time, each with its whole context: the worst case. */
  readonly sequences: number;
  /** Devices each layer is spread over. @default 1 */
  readonly tensorParallel?: number;
  /** Groups of devices the layers are dealt out to. @default 1 */
  readonly pipelineParallel?: number;
  /** The part of a device's memory the server may take, as vLLM's `--gpu-memory-utilization`. */
  readonly memoryFraction: number;
  /**
   * For everything else within that part: activations of the largest step, CUDA graphs, the libraries' own.
   * @default {@link SERVING_OVERHEAD_GIB}
   */
  readonly overheadGiB?: number;
}

/**
 * An estimate on the safe side. For 8 billion parameters on an L4, kvplan 0.1.1 estimates 0.83 GiB (pypi.org/project/kvplan, read
 * on 2026-11-25); larger models and steps take more.
 */
export const SERVING_OVERHEAD_GIB = 2;

/** Of one device: the fullest, where the layers do not divide evenly. */
export interface MemoryNeed {
  readonly weightsGiB: number;
  readonly overheadGiB: number;
  readonly neededGiB: number;
  readonly availableGiB: number;
  readonly fits: boolean;
  /** One line that shows the sum, for an error message. */
  readonly arithmetic: string;
}

export interface ServingMemory extends MemoryNeed {
  readonly kvCacheGiB: number;
  /** Sequences of the whole context that would fit beside the weights: 0 where not even one does. */
  readonly maxSequences: number;
}

/**
 * Bytes of keys and values one token keeps, in all layers and heads: 2 x layers x KV heads x head size x bytes a number.
 * Llama 3.1 70B in BF16: 2 x 80 x 8 x 128 x 2 = 327,680 (320 KiB).
 */
export function kvBytesPerToken(
  { layers, kvHeads, headSize }: Pick<ServingInput, "layers" | "kvHeads" | "headSize">,
  kvDataType: DataType = "bf16",
): number {
  return 2 * layers * kvHeads * headSize * bytesOf(kvDataType);
}

/**
 * The memory one device of a served model needs and has.
 *
 *     weights   parameters x bytes / tensorParallel, x the fullest stage's share of the layers
 *     KV cache  2 x layers of the fullest stage x KV heads of a device x head size x bytes x contextTokens x sequences
 *     needed    weights + KV cache + overhead
 *     available memoryMiB / 1024 x memoryFraction
 *
 * A device has at least one KV head: past as many devices as heads, tensor parallelism copies them rather than divides them
 * (vLLM: max(1, heads / tensorParallel)). The tables of tokens are counted as if spread like the layers. Whether heads divide by
 * tensorParallel at all is for the caller to check.
 *
 * @throws RangeError where a number is not positive, a count is not whole, or memoryFraction is above 1
 */
export function servingMemory(input: ServingInput, device: DeviceMemory): ServingMemory {
  const { parametersBillion, layers, kvHeads, headSize, dataType, contextTokens, sequences, memoryFraction } = input;
  const { kvDataType = "bf16", tensorParallel = 1, pipelineParallel = 1 } = input;
  const { overheadGiB = SERVING_OVERHEAD_GIB } = input;
  requireCounts({ layers, kvHeads, headSize, contextTokens, sequences, tensorParallel, pipelineParallel });
  requirePositive({ parametersBillion, memoryMiB: device.memoryMiB });
  requireFraction(memoryFraction);
  if (!(overheadGiB >= 0)) throw new RangeError(`overheadGiB is ${overheadGiB}, and must be 0 or more`);

  const stageLayers = Math.ceil(layers / pipelineParallel);
  const deviceHeads = Math.ceil(kvHeads / tensorParallel);
  const weightsGiB = (parametersBillion * 1e9 * bytesOf(dataType) * (stageLayers / layers)) / tensorParallel / GIB;
  const sequenceGiB =
    (kvBytesPerToken({ layers: stageLayers, kvHeads: deviceHeads, headSize }, kvDataType) * contextTokens) / GIB;
  const kvCacheGiB = sequenceGiB * sequences;
  const neededGiB = weightsGiB + kvCacheGiB + overheadGiB;
  const deviceGiB = device.memoryMiB / 1024;
  const availableGiB = deviceGiB * memoryFraction;
  const fits = neededGiB <= availableGiB;
  const maxSequences = Math.max(0, Math.floor((availableGiB - weightsGiB - overheadGiB) / sequenceGiB));

  const stage = pipelineParallel > 1 ? ` x ${stageLayers}/${layers} layers` : "";
  const share = tensorParallel > 1 ? ` / ${tensorParallel} devices` : "";
  return {
    weightsGiB,
    kvCacheGiB,
    overheadGiB,
    neededGiB,
    availableGiB,
    fits,
    maxSequences,
    arithmetic: [
      `weights ${short(parametersBillion)}e9 x ${short(bytesOf(dataType))} B${stage}${share} = ${gib(weightsGiB)}`,
      `KV cache 2 x ${stageLayers} layers x ${deviceHeads} heads x ${headSize} x ${short(bytesOf(kvDataType))} B x ${contextTokens} tokens x ${sequences} sequences = ${gib(kvCacheGiB)}`,
      `overhead ${gib(overheadGiB)}`,
      `needs ${gib(neededGiB)} a device, and ${gib(deviceGiB)} x ${short(memoryFraction)} = ${gib(availableGiB)} are there`,
    ].join("; "),
  };
}

/** What is dealt out over the devices, and what each keeps whole: ZeRO's stages 0 to 3. FSDP's full sharding is `parameters`. */
export type Sharding = "none" | "optimizer" | "gradients" | "parameters";

/** What activations are estimated from. */
export interface ActivationInput {
  readonly layers: number;
  readonly hidden: number;
  /** Tokens of one sequence. */
  readonly sequenceTokens: number;
  /** Sequences a device works on at a time. */
  readonly microBatch: number;
  /** Whether each layer's activations are computed again on the way back, and only its input is kept. */
  readonly recompute: boolean;
}

/** A model that is trained with Adam in mixed precision, and how. */
export interface TrainingInput {
  /** All parameters, of every expert, in 10^9. */
  readonly parametersBillion: number;
  /** Devices that train together, each on sequences of its own. */
  readonly devices: number;
  readonly sharding: Sharding;
  /** @default activations are left out, and the arithmetic says so */
  readonly activations?: ActivationInput;
  /**
   * The part of a device's memory that may be planned with; the rest is the framework's, and lost between blocks.
   * @default 0.9
   */
  readonly memoryFraction?: number;
}

export interface TrainingMemory extends MemoryNeed {
  readonly gradientsGiB: number;
  readonly optimizerGiB: number;
  /** An estimate; 0 where it was left out. */
  readonly activationsGiB: number;
}

/**
 * Bytes a parameter takes with Adam in mixed precision: 2 of 16-bit weights, 2 of 16-bit gradients, and 12 of optimizer states
 * (FP32 weights, momentum and variance), 16 in all. Rajbhandari et al., "ZeRO", arXiv:1910.02054, section 3.1.
 */
export const TRAINING_BYTES = { weights: 2, gradients: 2, optimizer: 12 } as const;

/** What each sharding divides by the number of devices; the same paper, section 5. */
const DIVIDED: { readonly [S in Sharding]: readonly (keyof typeof TRAINING_BYTES)[] } = {
  none: [],
  optimizer: ["optimizer"],
  gradients: ["optimizer", "gradients"],
  parameters: ["optimizer", "gradients", "weights"],
};

/** Bytes of activations a layer keeps for each number of its input; {@link activationBytes}. */
const KEPT_A_LAYER = 34;

/**
 * Estimated bytes of activations: 34 x tokens x sequences x hidden a layer, with attention that keeps no matrix of scores (as
 * FlashAttention's). With recomputation, 2 x tokens x sequences x hidden a layer for its input, and one whole layer.
 * Korthikanti et al., arXiv:2205.05198, equations 1 and 2 without the term of the scores. Logits are not in it.
 */
export function activationBytes({ layers, hidden, sequenceTokens, microBatch, recompute }: ActivationInput): number {
  requireCounts({ layers, hidden, sequenceTokens, microBatch });
  const numbers = sequenceTokens * microBatch * hidden;
  return recompute ? numbers * (2 * layers + KEPT_A_LAYER) : numbers * KEPT_A_LAYER * layers;
}

/**
 * The memory one device of a training run needs and has.
 *
 *     weights, gradients, optimizer   parameters x 2, 2 and 12 B, each / devices where the sharding divides it
 *     overhead                        with `parameters`: two layers' weights gathered whole (one in use, one on its way), where
 *                                     `activations` says how many layers there are; else 0
 *     needed                          their sum, and the activations
 *     available                       memoryMiB / 1024 x memoryFraction
 *
 * @throws RangeError where a number is not positive, a count is not whole, or memoryFraction is above 1
 */
export function trainingMemory(input: TrainingInput, device: DeviceMemory): TrainingMemory {
  const { parametersBillion, devices, sharding, activations, memoryFraction = 0.9 } = input;
  requireCounts({ devices });
  requirePositive({ parametersBillion, memoryMiB: device.memoryMiB });
  requireFraction(memoryFraction);

  const divisor = (part: keyof typeof TRAINING_BYTES) => (DIVIDED[sharding].includes(part) ? devices : 1);
  const sizeGiB = (part: keyof typeof TRAINING_BYTES) =>
    (parametersBillion * 1e9 * TRAINING_BYTES[part]) / divisor(part) / GIB;
  const weightsGiB = sizeGiB("weights");
  const gradientsGiB = sizeGiB("gradients");
  const optimizerGiB = sizeGiB("optimizer");
  const gathers = sharding === "parameters" && devices > 1 && activations !== undefined;
  const overheadGiB = gathers
    ? (2 * parametersBillion * 1e9 * TRAINING_BYTES.weights) / Math.max(2, activations.layers) / GIB
    : 0;
  const activationsGiB = activations === undefined ? 0 : activationBytes(activations) / GIB;
  const neededGiB = weightsGiB + gradientsGiB + optimizerGiB + overheadGiB + activationsGiB;
  const deviceGiB = device.memoryMiB / 1024;
  const availableGiB = deviceGiB * memoryFraction;

  const term = (part: keyof typeof TRAINING_BYTES) =>
    `${part} ${short(parametersBillion)}e9 x ${TRAINING_BYTES[part]} B${divisor(part) > 1 ? ` / ${devices} devices` : ""} = ${gib(sizeGiB(part))}`;
  return {
    weightsGiB,
    gradientsGiB,
    optimizerGiB,
    activationsGiB,
    overheadGiB,
    neededGiB,
    availableGiB,
    fits: neededGiB <= availableGiB,
    arithmetic: [
      term("weights"),
      term("gradients"),
      term("optimizer"),
      ...(gathers ? [`two gathered layers of ${activations.layers} = ${gib(overheadGiB)}`] : []),
      activations === undefined ? "activations not counted" : `activations about ${gib(activationsGiB)}`,
      `needs ${gib(neededGiB)} a device, and ${gib(deviceGiB)} x ${short(memoryFraction)} = ${gib(availableGiB)} are there`,
    ].join("; "),
  };
}

function requireCounts(counts: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(counts))
    if (!Number.isInteger(count) || count < 1)
      throw new RangeError(`${name} is ${count}, and must be 1 or more, whole`);
}

function requirePositive(numbers: Readonly<Record<string, number>>): void {
  for (const [name, number] of Object.entries(numbers))
    if (!(number > 0 && number < Number.POSITIVE_INFINITY))
      throw new RangeError(`${name} is ${number}, and must be more than 0`);
}

function requireFraction(memoryFraction: number): void {
  if (!(memoryFraction > 0 && memoryFraction <= 1))
    throw new RangeError(`memoryFraction is ${memoryFraction}, and must be more than 0 and at most 1`);
}

function gib(size: number): string {
  return `${size.toFixed(1)} GiB`;
}

/** At most four decimals, and none that are 0. */
function short(number: number): string {
  return String(Number(number.toFixed(4)));
}

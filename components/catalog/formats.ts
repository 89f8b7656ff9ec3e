/**
 * Number formats of weights, caches and arithmetic, and what one number of each takes.
 *
 * A format with block scales stores one scale for every so many numbers; it is counted into the bits of each. Scales a whole
 * tensor or channel shares are not: at the sizes of language models they are less than one part in a thousand.
 */
export interface DataTypeFacts {
  readonly title: string;
  /** Bits of one number, by itself. */
  readonly elementBits: number;
  /**
   * The scale that a block of numbers shares.
   * @default none, or one a tensor or channel, which is not counted
   */
  readonly blockScale?: { readonly bits: number; readonly elements: number };
  /** Where what is said here was read. */
  readonly source: string;
  /** When, as yyyy-mm-dd. */
  readonly readOn: string;
}

/** Every format that {@link DATA_TYPES} describes, by the name used in stacks. */
export type DataType = "fp32" | "tf32" | "bf16" | "fp16" | "fp8" | "int8" | "int4" | "nvfp4" | "mxfp4";

const READ = { readOn: "2026-11-25" } as const;
const PRECISIONS = "https://docs.nvidia.com/deeplearning/tensorrt-rtx/latest/getting-started/support-matrix.html";

export const DATA_TYPES: { readonly [D in DataType]: DataTypeFacts } = {
  fp32: { title: "FP32", elementBits: 32, source: PRECISIONS, ...READ },
  // A way to multiply FP32 numbers with 10 bits of mantissa: what is stored stays FP32.
  tf32: { title: "TF32", elementBits: 32, source: PRECISIONS, ...READ },
  bf16: { title: "BF16", elementBits: 16, source: PRECISIONS, ...READ },
  fp16: { title: "FP16", elementBits: 16, source: PRECISIONS, ...READ },
  // A scale a tensor or channel.
  fp8: {
    title: "FP8 (E4M3, E5M2)",
    elementBits: 8,
    source: "https://nvidia.github.io/TransformerEngine/support_matrix.html",
    ...READ,
  },
  // A scale a channel.
  int8: { title: "INT8", elementBits: 8, source: PRECISIONS, ...READ },
  // llm-compressor's W4A16 with its default: symmetric, groups of 128, a 16-bit scale each.
  int4: {
    title: "INT4 in groups of 128",
    elementBits: 4,
    blockScale: { bits: 16, elements: 128 },
    source: "vllm-project/llm-compressor 009e5b9, examples/quantization_w4a16/llama3_example.py",
    readOn: "2026-11-24",
  },
  // Two levels of scales: FP8 a block of 16, and an FP32 a tensor that is not counted.
  nvfp4: {
    title: "NVFP4",
    elementBits: 4,
    blockScale: { bits: 8, elements: 16 },
    source: "https://modal.com/llm-almanac/block-quants",
    ...READ,
  },
  // OCP Microscaling: an E8M0 scale a block of 32.
  mxfp4: {
    title: "MXFP4",
    elementBits: 4,
    blockScale: { bits: 8, elements: 32 },
    source: "https://modal.com/llm-almanac/block-quants",
    ...READ,
  },
};

/**
 * Bits of one number with its share of the block's scale: 16 for BF16, 4.5 for NVFP4, 4.25 for MXFP4, 4.125 for INT4 in groups
 * of 128.
 */
export function bitsOf(dataType: DataType): number {
  const { elementBits, blockScale } = DATA_TYPES[dataType];
  return elementBits + (blockScale === undefined ? 0 : blockScale.bits / blockScale.elements);
}

/** Bytes of one number with its share of the block's scale. */
export function bytesOf(dataType: DataType): number {
  return bitsOf(dataType) / 8;
}

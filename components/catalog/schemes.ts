import type { LlmStep } from "../../stacks/schema.ts";

/** One of llm-compressor's modifiers, by its name, with its settings. */
type Modifiers = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** What is known of a scheme language models are compressed by, and where from. */
export interface Scheme {
  /** Where what is said here was read. */
  readonly source: string;
  /** When, as yyyy-mm-dd, or yyyy-mm where the day was not noted. */
  readonly readOn: string;
  /** Whether ranges are measured on items beforehand. */
  readonly isCalibrated: boolean;
  readonly modifiers: (ignore: readonly string[]) => Modifiers;
}

const READ = { readOn: "2026-11-24" } as const;

/** One row a scheme the stack file can name. None has been run here: it takes a GPU and images that are not here. */
export const SCHEMES: Readonly<Record<LlmStep["scheme"], Scheme>> = {
  fp8: {
    source: "vllm-project/llm-compressor, examples/quantization_w8a8_fp8/README.md",
    ...READ,
    // Ranges are taken anew in every request.
    isCalibrated: false,
    modifiers: (ignore) => ({ QuantizationModifier: { targets: ["Linear"], scheme: "FP8_DYNAMIC", ignore } }),
  },
  int8: {
    source: "vllm-project/llm-compressor 009e5b9, examples/quantization_w8a8_int8/llama3_example.py",
    ...READ,
    isCalibrated: true,
    modifiers: (ignore) => ({
      SmoothQuantModifier: { smoothing_strength: 0.8 },
      GPTQModifier: { targets: ["Linear"], scheme: "W8A8", ignore },
    }),
  },
  w4a16: {
    source: "vllm-project/llm-compressor 009e5b9, examples/quantization_w4a16/llama3_example.py",
    ...READ,
    isCalibrated: true,
    modifiers: (ignore) => ({ GPTQModifier: { targets: ["Linear"], scheme: "W4A16", ignore } }),
  },
  nvfp4: {
    source: "vllm-project/llm-compressor 00c1972, examples/quantization_w4a4_fp4/llama3_example.py",
    ...READ,
    isCalibrated: true,
    modifiers: (ignore) => ({ QuantizationModifier: { targets: ["Linear"], scheme: "NVFP4", ignore } }),
  },
};

/** The recipe llm-compressor is given: one stage that quantises. */
export function recipeOf({ scheme, ignore }: Pick<LlmStep, "scheme" | "ignore">) {
  return { quant_stage: { quant_modifiers: SCHEMES[scheme].modifiers(ignore) } };
}

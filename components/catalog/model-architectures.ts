/** What a language model's memory follows from. */
export interface ModelArchitecture {
  readonly title: string;
  /** All of them, of a mixture of experts too: every expert is in memory, whichever is used. In 10^9. */
  readonly parametersBillion: number;
  readonly layers: number;
  /** Numbers a token is, between layers. */
  readonly hidden: number;
  readonly attentionHeads: number;
  /** Heads whose keys and values are kept; fewer than {@link attentionHeads} where several share one. */
  readonly kvHeads: number;
  /** Numbers a head has. */
  readonly headSize: number;
  /** The inner width of the feed-forward part: of one expert, where there are several. */
  readonly feedForward: number;
  /** Rows of the table of tokens, with padding. */
  readonly vocabulary: number;
  /** Whether the last layer uses the table of tokens, rather than one more of its size. */
  readonly tiedEmbeddings: boolean;
  /** @default one feed-forward part a layer */
  readonly experts?: { readonly count: number; readonly active: number };
  /** Tokens it was made for, without stretching. */
  readonly maxContextTokens: number;
  readonly license: string;
  /** Where what is said here was read. */
  readonly source: string;
  /** When, as yyyy-mm-dd. */
  readonly readOn: string;
}

export type ModelArchitectureName =
  | "llama-3.1-8b"
  | "llama-3.1-70b"
  | "llama-3.1-405b"
  | "llama-3.2-1b"
  | "mistral-7b-v0.3"
  | "mixtral-8x7b"
  | "mixtral-8x22b"
  | "qwen2.5-0.5b"
  | "qwen2.5-7b"
  | "qwen2.5-32b"
  | "qwen2.5-72b"
  | "qwen3-8b"
  | "qwen3-32b"
  | "qwen3-30b-a3b"
  | "qwen3-235b-a22b";

/** LitGPT writes down each model's config.json, and says which. Parameters are counted from it: see {@link countParameters}. */
const read = (repository: string) => ({
  source: `https://huggingface.co/${repository}/blob/main/config.json, as written down in litgpt 0.5.13, litgpt/config.py`,
  readOn: "2026-11-25",
});

/**
 * Well-known open models with the attention the arithmetic of memory.ts is for: grouped queries, every layer over the whole
 * context. Models that keep less (sliding windows, latent attention as DeepSeek's, state spaces) are not in it.
 */
export const MODEL_ARCHITECTURES: { readonly [K in ModelArchitectureName]: ModelArchitecture } = {
  "llama-3.1-8b": {
    title: "Llama 3.1 8B",
    parametersBillion: 8.03,
    layers: 32,
    hidden: 4096,
    attentionHeads: 32,
    kvHeads: 8,
    headSize: 128,
    feedForward: 14_336,
    vocabulary: 128_256,
    tiedEmbeddings: false,
    maxContextTokens: 131_072,
    license: "Llama 3.1 Community License",
    ...read("meta-llama/Meta-Llama-3.1-8B"),
  },
  "llama-3.1-70b": {
    title: "Llama 3.1 70B",
    parametersBillion: 70.55,
    layers: 80,
    hidden: 8192,
    attentionHeads: 64,
    kvHeads: 8,
    headSize: 128,
    feedForward: 28_672,
    vocabulary: 128_256,
    tiedEmbeddings: false,
    maxContextTokens: 131_072,
    license: "Llama 3.1 Community License",
    ...read("meta-llama/Meta-Llama-3.1-70B"),
  },
  "llama-3.1-405b": {
    title: "Llama 3.1 405B",
    parametersBillion: 405.85,
    layers: 126,
    hidden: 16_384,
    attentionHeads: 128,
    kvHeads: 8,
    headSize: 128,
    feedForward: 53_248,
    vocabulary: 128_256,
    tiedEmbeddings: false,
    maxContextTokens: 131_072,
    license: "Llama 3.1 Community License",
    ...read("meta-llama/Meta-Llama-3.1-405B"),
  },
  "llama-3.2-1b": {
    title: "Llama 3.2 1B",
    parametersBillion: 1.236,
    layers: 16,
    hidden: 2048,
    attentionHeads: 32,
    kvHeads: 8,
    headSize: 64,
    feedForward: 8192,
    vocabulary: 128_256,
    tiedEmbeddings: true,
    maxContextTokens: 131_072,
    license: "Llama 3.2 Community License",
    ...read("meta-llama/Llama-3.2-1B"),
  },
  "mistral-7b-v0.3": {
    title: "Mistral 7B v0.3",
    parametersBillion: 7.248,
    layers: 32,
    hidden: 4096,
    attentionHeads: 32,
    kvHeads: 8,
    headSize: 128,
    feedForward: 14_336,
    vocabulary: 32_768,
    tiedEmbeddings: false,
    maxContextTokens: 32_768,
    license: "Apache-2.0",
    ...read("mistralai/Mistral-7B-v0.3"),
  },
  "mixtral-8x7b": {
    title: "Mixtral 8x7B v0.1",
    parametersBillion: 46.7,
    layers: 32,
    hidden: 4096,
    attentionHeads: 32,
    kvHeads: 8,
    headSize: 128,
    feedForward: 14_336,
    vocabulary: 32_000,
    tiedEmbeddings: false,
    experts: { count: 8, active: 2 },
    maxContextTokens: 32_768,
    license: "Apache-2.0",
    ...read("mistralai/Mixtral-8x7B-v0.1"),
  },
  "mixtral-8x22b": {
    title: "Mixtral 8x22B v0.1",
    parametersBillion: 140.63,
    layers: 56,
    hidden: 6144,
    attentionHeads: 48,
    kvHeads: 8,
    headSize: 128,
    feedForward: 16_384,
    vocabulary: 32_768,
    tiedEmbeddings: false,
    experts: { count: 8, active: 2 },
    maxContextTokens: 65_536,
    license: "Apache-2.0",
    ...read("mistralai/Mixtral-8x22B-Instruct-v0.1"),
  },
  "qwen2.5-0.5b": {
    title: "Qwen2.5 0.5B",
    parametersBillion: 0.494,
    layers: 24,
    hidden: 896,
    attentionHeads: 14,
    kvHeads: 2,
    headSize: 64,
    feedForward: 4864,
    vocabulary: 151_936,
    tiedEmbeddings: true,
    maxContextTokens: 32_768,
    license: "Apache-2.0",
    ...read("Qwen/Qwen2.5-0.5B"),
  },
  "qwen2.5-7b": {
    title: "Qwen2.5 7B",
    parametersBillion: 7.616,
    layers: 28,
    hidden: 3584,
    attentionHeads: 28,
    kvHeads: 4,
    headSize: 128,
    feedForward: 18_944,
    vocabulary: 152_064,
    tiedEmbeddings: false,
    maxContextTokens: 131_072,
    license: "Apache-2.0",
    ...read("Qwen/Qwen2.5-7B"),
  },
  "qwen2.5-32b": {
    title: "Qwen2.5 32B",
    parametersBillion: 32.76,
    layers: 64,
    hidden: 5120,
    attentionHeads: 40,
    kvHeads: 8,
    headSize: 128,
    feedForward: 27_648,
    vocabulary: 152_064,
    tiedEmbeddings: false,
    maxContextTokens: 131_072,
    license: "Apache-2.0",
    ...read("Qwen/Qwen2.5-32B"),
  },
  "qwen2.5-72b": {
    title: "Qwen2.5 72B",
    parametersBillion: 72.71,
    layers: 80,
    hidden: 8192,
    attentionHeads: 64,
    kvHeads: 8,
    headSize: 128,
    feedForward: 29_568,
    vocabulary: 152_064,
    tiedEmbeddings: false,
    maxContextTokens: 131_072,
    license: "Qwen License",
    ...read("Qwen/Qwen2.5-72B"),
  },
  "qwen3-8b": {
    title: "Qwen3 8B",
    parametersBillion: 8.19,
    layers: 36,
    hidden: 4096,
    attentionHeads: 32,
    kvHeads: 8,
    headSize: 128,
    feedForward: 12_288,
    vocabulary: 151_936,
    tiedEmbeddings: false,
    maxContextTokens: 40_960,
    license: "Apache-2.0",
    ...read("Qwen/Qwen3-8B"),
  },
  "qwen3-32b": {
    title: "Qwen3 32B",
    parametersBillion: 32.76,
    layers: 64,
    hidden: 5120,
    attentionHeads: 64,
    kvHeads: 8,
    headSize: 128,
    feedForward: 25_600,
    vocabulary: 151_936,
    tiedEmbeddings: false,
    maxContextTokens: 40_960,
    license: "Apache-2.0",
    ...read("Qwen/Qwen3-32B"),
  },
  "qwen3-30b-a3b": {
    title: "Qwen3 30B A3B",
    parametersBillion: 30.53,
    layers: 48,
    hidden: 2048,
    attentionHeads: 32,
    kvHeads: 4,
    headSize: 128,
    feedForward: 768,
    vocabulary: 151_936,
    tiedEmbeddings: false,
    experts: { count: 128, active: 8 },
    maxContextTokens: 40_960,
    license: "Apache-2.0",
    ...read("Qwen/Qwen3-30B-A3B"),
  },
  "qwen3-235b-a22b": {
    title: "Qwen3 235B A22B",
    parametersBillion: 235.09,
    layers: 94,
    hidden: 4096,
    attentionHeads: 64,
    kvHeads: 4,
    headSize: 128,
    feedForward: 1536,
    vocabulary: 151_936,
    tiedEmbeddings: false,
    experts: { count: 128, active: 8 },
    maxContextTokens: 40_960,
    license: "Apache-2.0",
    ...read("Qwen/Qwen3-235B-A22B"),
  },
};

/**
 * Parameters that follow from the other columns: the table of tokens (twice unless tied); and a layer's queries and output
 * (hidden x heads x head size each), keys and values (hidden x KV heads x head size each), three matrices of the feed-forward
 * part (hidden x its width) for each expert, and the router that picks among experts. Norms and biases are left out: less than
 * one in a thousand.
 */
export function countParameters(model: Omit<ModelArchitecture, "parametersBillion">): number {
  const { hidden, headSize } = model;
  const attention = 2 * hidden * model.attentionHeads * headSize + 2 * hidden * model.kvHeads * headSize;
  const feedForward =
    3 * hidden * model.feedForward * (model.experts?.count ?? 1) + hidden * (model.experts?.count ?? 0);
  return model.vocabulary * hidden * (model.tiedEmbeddings ? 1 : 2) + model.layers * (attention + feedForward);
}

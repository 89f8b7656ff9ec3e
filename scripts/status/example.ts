import { protocolOf, servedNameOf } from "../../components/catalog/engines.ts";
import type { EngineSpec, Protocol } from "../../stacks/engines.ts";
import type { ModelSpec } from "../../stacks/schema.ts";

/** A mail that a person would send on without a thought. */
export const EXAMPLE_TEXT = "Subject: You have won! Click here to claim your FREE prize, guaranteed cash, act now";

/** A handwritten one, eight rows of eight pixels from 0 to 16. */
const EXAMPLE_PIXELS = Array.from({ length: 8 }, () => [0, 0, 0, 12, 13, 0, 0, 0]);

const EXAMPLE_INPUT = {
  "text-classification": { name: "text", shape: [1], datatype: "BYTES", data: [EXAMPLE_TEXT] },
  "image-classification": { name: "pixels", shape: [1, 8, 8], datatype: "FP32", data: EXAMPLE_PIXELS.flat() },
} as const satisfies Record<ModelSpec["task"], object>;

type Task = ModelSpec["task"];

/** The same thing asked in each protocol: the path, and the body. */
const REQUESTS: Readonly<Record<Protocol, (name: string, task: Task) => readonly [path: string, body: object]>> = {
  v2: (name, task) => [`/v2/models/${name}/infer`, { inputs: [EXAMPLE_INPUT[task]] }],
  tensorflow: (name, task) => [
    `/v1/models/${name}:predict`,
    { instances: task === "text-classification" ? [EXAMPLE_TEXT] : [EXAMPLE_PIXELS] },
  ],
  openai: (name) => [
    "/v1/chat/completions",
    { model: name, messages: [{ role: "user", content: EXAMPLE_TEXT }], max_tokens: 16 },
  ],
};

/** A shell line that asks a model one thing it can answer. */
export function curlLine(
  { name, task, engine }: { readonly name: string; readonly task: Task; readonly engine: EngineSpec },
  endpoint: string,
): string {
  const [path, body] = REQUESTS[protocolOf(engine)](servedNameOf(engine, name), task);
  return `curl -s ${endpoint}${path} -H 'content-type: application/json' -d '${JSON.stringify(body)}'`;
}

export interface Classification {
  readonly label: string;
  readonly probability: number;
}

/** One V2 inference request of texts; throws where the endpoint does not answer 200. */
export async function classify(endpoint: string, model: string, texts: readonly string[]): Promise<Classification[]> {
  const response = await fetch(`${endpoint}/v2/models/${model}/infer`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ inputs: [{ name: "text", shape: [texts.length], datatype: "BYTES", data: texts }] }),
    signal: AbortSignal.timeout(10_000),
  });
  if (!response.ok) {
    throw new Error(`the endpoint answered ${response.status}: ${await response.text()}`);
  }
  const body = (await response.json()) as { outputs: { name: string; data: (string | number)[] }[] };
  const output = (name: string) => body.outputs.find((candidate) => candidate.name === name)?.data ?? [];
  const labels = output("label");
  return labels.map((label, i) => ({ label: String(label), probability: Number(output("probability")[i]) }));
}

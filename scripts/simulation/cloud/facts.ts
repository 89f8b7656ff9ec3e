import { z } from "zod";
import type { Api } from "../api.ts";

/** Where the simulation keeps what has happened, so that a new process goes on and `status` can show it. */
const NAMESPACE = "kube-system";
const NAME = "millwright-simulation";
export const FACTS_PATH = `/api/v1/namespaces/${NAMESPACE}/configmaps/${NAME}`;

const count = z.number().int().nonnegative().default(0);

const factsSchema = z.object({
  /** Simulated seconds since the beginning. */
  seconds: z.number().nonnegative().default(0),
  /** Simulated seconds a second, now. */
  speed: z.number().nonnegative().default(0),
  /** Accelerator days that nodes have worked. */
  acceleratorDays: z.number().nonnegative().default(0),
  failures: count,
  repairs: count,
  reclaims: count,
  /** Pods that were lost with their nodes. */
  interruptedPods: count,
  /** Jobs made so far. */
  jobsCreated: count,
  jobsSucceeded: count,
  jobsFailed: count,
  podsFinished: count,
});

/** What has happened since the beginning. */
export type Facts = z.infer<typeof factsSchema>;
export type FactName = keyof Facts;

export const NO_FACTS: Facts = factsSchema.parse({});

/** What the ConfigMap says; nothing has happened where there is none. */
export function parseFacts(object: unknown): Facts {
  const { data } = z.object({ data: z.record(z.string(), z.string()).default({}) }).parse(object ?? {});
  return factsSchema.parse(JSON.parse(data["facts"] ?? "{}"));
}

export async function readFacts(api: Api): Promise<Facts> {
  return parseFacts(await api.find(FACTS_PATH));
}

export async function writeFacts(api: Api, facts: Facts): Promise<void> {
  await api.apply(FACTS_PATH, "millwright-simulation", {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: NAME, namespace: NAMESPACE },
    data: { facts: JSON.stringify(facts) },
  });
}

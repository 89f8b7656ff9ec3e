import os from "node:os";
import type { RolloutRecord } from "../../components/lifecycle/types.ts";
import { Failure } from "../lib/failure.ts";
import { classify } from "../lib/inference.ts";
import { startLoad } from "../lib/load.ts";
import { StackCopy } from "../lib/stack-copy.ts";
import { CANARY, MAIL_MODEL, makeAlike, makeSlow, makeWrong, REQUESTS_PER_SECOND } from "./canary-cases.ts";
import { type Judgement, judgementOf, renderJudgements } from "./canary-table.ts";
import { recordsOf, withStackCopy } from "./copied-stack.ts";
import type { Part } from "./part.ts";

const CASES = [
  { version: "as good", make: makeAlike },
  { version: "answers wrongly", make: makeWrong },
  { version: "answers slowly", make: makeSlow },
] as const;

export const canary: Part = {
  name: "canary",
  measures:
    "a good, a wrong and a slow version tried under a fixed rate of requests: verdict, seconds to it, failed requests",
  run: (_options, report) =>
    withStackCopy(
      new StackCopy({ name: "bench", models: [MAIL_MODEL], without: ["search", "compression"], tracking: false }),
      report,
      async (stack) => {
        stack.edit((model) => {
          model["serving"] = { ...(model["serving"] as object), canary: CANARY };
        }, MAIL_MODEL);
        await report.step("bring the model up", () => stack.up());
        const judgements: Judgement[] = [];
        for (const { version, make } of CASES) {
          const known = new Set((await rollouts(stack)).map(({ run }) => run));
          const endpoint = (await stack.status()).models[0]?.endpoint;
          if (endpoint == null) throw new Failure("The model does not serve", "see npm run status");
          make(stack);
          const load = startLoad(
            (number) => classify(endpoint, MAIL_MODEL, [`Subject: hello ${number}`]),
            REQUESTS_PER_SECOND,
          );
          let sent: Awaited<ReturnType<typeof load.stop>>;
          try {
            await report.step(`try a version: ${version}`, () => stack.up());
          } finally {
            sent = await load.stop();
          }
          report.line(
            `load average ${os
              .loadavg()
              .map((each) => each.toFixed(1))
              .join(", ")}`,
          );
          const steps = (await rollouts(stack)).filter(({ run }) => !known.has(run));
          judgements.push(judgementOf(version, steps, sent));
        }
        return { text: renderJudgements(judgements, REQUESTS_PER_SECOND), json: judgements };
      },
    ),
};

async function rollouts(stack: StackCopy): Promise<RolloutRecord[]> {
  return (await recordsOf(stack)).filter((record): record is RolloutRecord => record.kind === "rollout");
}

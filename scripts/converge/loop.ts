import type { Observations, Plan } from "../../components/lifecycle/types.ts";
import { Failure } from "../lib/failure.ts";
import { type Changes, leftRescaled, mergeChanges, NO_CHANGES } from "./changes.ts";

/** What the loop needs from the world; the edges are in `engine.ts` and `up.ts`. */
export interface LoopEdges {
  /** Reads the cluster's records and Jobs. Throws where the cluster cannot be read. */
  observe(): Promise<Observations>;
  /** Plans on the stack as it is now: its file may be edited while a run is in progress. */
  plan(observations: Observations): Promise<Plan>;
  /** Runs the engine once and returns what it changed. Throws where it failed. */
  up(round: number, plan: Plan): Promise<Changes>;
  /** Called while a run is in progress, every `pollSeconds`. */
  waiting(plan: Plan, observations: Observations): Promise<void> | void;
  sleep(seconds: number): Promise<void>;
  /** The user asked to stop: no further round is begun. */
  interrupted(): boolean;
  /** Goes on looking when everything is settled, until the user stops it. @default false */
  readonly keepWatching?: boolean;
}

export interface LoopResult {
  readonly plan: Plan;
  /** The plan is settled, and the engine has applied it so that it stays. */
  readonly settled: boolean;
  readonly changes: Changes;
  /** Times the engine ran. */
  readonly rounds: number;
}

const POLL_SECONDS = 1;

/** Between two looks at a settled datacenter; what could change it takes minutes. */
const WATCH_SECONDS = 5;

/**
 * What a plan wants to exist, as text: two plans with the same fingerprint declare the same resources. `failed` matters
 * too, since a failed run changes what a user must do though not what exists.
 */
export function fingerprint(plan: Plan): string {
  return plan.models
    .map(({ name, stage, runs, stable, canary }) =>
      [
        name,
        stage,
        runs.map((run) => run.name).join(","),
        stable?.version ?? "-",
        canary === undefined ? "-" : `${canary.version.version}@${canary.weight}`,
      ].join("|"),
    )
    .join("\n");
}

/** Runs that should be in progress but have neither a Job nor a record: somebody deleted the Job. */
export function lostRuns(plan: Plan, observations: Observations): string[] {
  const seen = new Set(observations.runs.map((run) => run.run));
  return plan.models.flatMap(({ runs }) => runs.map(({ name }) => name).filter((name) => !seen.has(name)));
}

/**
 * What to do after a run of the engine. Observations only grow while the engine runs, so when the plan before it and the
 * plan after it are the same, the plan the program made in between was that one too, and it has been applied.
 */
export function nextStep(applied: Plan, now: Plan, observations: Observations): "up" | "wait" | "done" {
  if (fingerprint(applied) !== fingerprint(now) || lostRuns(now, observations).length > 0) {
    return "up";
  }
  return now.settled ? "done" : "wait";
}

/**
 * Runs `up` whenever the observations ask for another plan, until the plan is settled or the user stops it.
 *
 * @throws where the same run is lost twice in a row: something deletes Jobs as fast as they are made.
 */
export async function converge(edges: LoopEdges): Promise<LoopResult> {
  let changes = NO_CHANGES;
  let rounds = 0;
  let wanted = await edges.plan(await edges.observe());
  let lost: string[] = [];
  for (;;) {
    rounds += 1;
    const applied = wanted;
    const made = await edges.up(rounds, applied);
    changes = mergeChanges(changes, made);
    let observations = await edges.observe();
    wanted = await edges.plan(observations);
    const lostAgain = lostRuns(wanted, observations).filter((run) => lost.includes(run));
    if (lostAgain.length > 0) {
      throw new Failure(
        `The Job of ${lostAgain.join(", ")} is gone right after it was made`,
        "find what deletes Jobs in the namespace, then run this again",
      );
    }
    lost = lostRuns(wanted, observations);
    // Applied, and the datacenter is not yet as the plan says. Once more at the most: what is gone cannot go again.
    const isRescaled = leftRescaled(made).length > 0;
    const next = () => (isRescaled ? "up" : nextStep(applied, wanted, observations));
    for (
      let step = next();
      !edges.interrupted() && (step === "wait" || (step === "done" && edges.keepWatching === true));
      step = next()
    ) {
      await edges.waiting(wanted, observations);
      await edges.sleep(step === "done" ? WATCH_SECONDS : POLL_SECONDS);
      observations = await edges.observe();
      wanted = await edges.plan(observations);
    }
    const done = next() === "done";
    if (done || edges.interrupted()) {
      // Somebody who stops a watch stops it at rest; a run that was interrupted may not have been applied.
      return { plan: wanted, settled: done && (edges.keepWatching === true || !edges.interrupted()), changes, rounds };
    }
  }
}

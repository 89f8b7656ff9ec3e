import type { ModelSpec } from "../../stacks/schema.ts";
import { canonicalJson } from "../core/hash.ts";
import type { Incumbent } from "./runs.ts";
import type { Run, RunRecord, RunStatus, ServedVersion, TrainingRecord, TriggerRecord } from "./types.ts";

/** What the records and statuses say, whatever their order and however often each was seen. */

type RecordOf<K extends RunRecord["kind"]> = Extract<RunRecord, { kind: K }>;

/** What last asked for a model to be trained again. */
export function newestTrigger(model: ModelSpec, records: readonly RunRecord[]): TriggerRecord | undefined {
  return newestOf(ofKind("trigger", records).filter((record) => record.model === model.name));
}

/** The record a run left; of several, the newest. */
export function recordOf<K extends Run["kind"]>(
  run: { readonly kind: K; readonly name: string },
  records: readonly RunRecord[],
): RecordOf<K> | undefined {
  return newestOf(ofKind(run.kind, records).filter((record: RunRecord) => record.run === run.name));
}

/** What was promoted for a model, the newest first; promotions of versions whose own records are gone are left out. */
export function promotions(model: ModelSpec, records: readonly RunRecord[]): Incumbent[] {
  const promoted = ofKind("rollout", records).filter(
    (record) => record.model === model.name && record.verdict === "promote",
  );
  return sortedByAge(promoted).flatMap((promotion) => {
    const version = servedVersion(model, promotion.candidate, records);
    return version === undefined ? [] : [{ version, promotion }];
  });
}

/** What a model's training runs left, the oldest first. */
export function trainings(model: ModelSpec, records: readonly RunRecord[]): TrainingRecord[] {
  return sortedByAge(ofKind("training", records).filter((record) => record.model === model.name)).reverse();
}

/** The version a run made, by the run's name; undefined where its record, or that of its training, is gone. */
export function servedVersion(
  model: ModelSpec,
  version: string,
  records: readonly RunRecord[],
): ServedVersion | undefined {
  const trained = recordOf({ kind: "training", name: version }, records);
  if (trained !== undefined) {
    return { version, model, record: trained, training: trained };
  }
  const record = recordOf({ kind: "compression", name: version }, records);
  const training = record && recordOf({ kind: "training", name: record.training }, records);
  return record === undefined || training === undefined ? undefined : { version, model, record, training };
}

function ofKind<K extends RunRecord["kind"]>(kind: K, records: readonly RunRecord[]): RecordOf<K>[] {
  return records.filter((record): record is RecordOf<K> => record.kind === kind);
}

function newestOf<T extends RunRecord>(records: readonly T[]): T | undefined {
  return sortedByAge(records)[0];
}

function sortedByAge<T extends RunRecord>(records: readonly T[]): T[] {
  const distinct = new Map(records.map((record) => [canonicalJson(record), record]));
  return [...distinct]
    .sort(([a, one], [b, other]) => compareAge(one, other) || (a < b ? 1 : -1))
    .map(([, record]) => record);
}

/** Negative where `a` was finished after `b`; of two finished in the same instant the order of their names decides. */
function compareAge(a: RunRecord, b: RunRecord): number {
  const difference = Date.parse(b.completedAt) - Date.parse(a.completedAt);
  return difference !== 0 ? difference : a.run === b.run ? 0 : a.run > b.run ? -1 : 1;
}

/** Of statuses that contradict each other, the one that is furthest, so that their order does not matter. */
const BY_PROGRESS = ["pending", "running", "failed", "complete"] as const;

export function statusOf(run: Pick<Run, "name">, runs: readonly RunStatus[]): RunStatus | undefined {
  const rank = (status: RunStatus) => `${BY_PROGRESS.indexOf(status.state)} ${canonicalJson(status)}`;
  return runs
    .filter((status) => status.run === run.name)
    .reduce<RunStatus | undefined>(
      (best, next) => (best !== undefined && rank(best) > rank(next) ? best : next),
      undefined,
    );
}

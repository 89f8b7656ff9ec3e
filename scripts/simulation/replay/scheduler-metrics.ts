/** What the scheduler says of itself, as far as a replay asks. */
export interface SchedulerMetrics {
  /** Pods in its queues, by queue: `active`, `backoff`, `unschedulable`, `gated`. */
  readonly pending: Readonly<Record<string, number>>;
  /** Events it has taken in since its start, by kind, such as `AssignedPodDelete`. */
  readonly handled: Readonly<Record<string, number>>;
  /** Times it has tried to place a pod. */
  readonly attempts: number;
  /** Seconds it spent on that. */
  readonly attemptSeconds: number;
}

const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

/** Reads the scheduler's page of metrics (Prometheus' text format), of kube-scheduler 1.36. */
export function readSchedulerMetrics(page: string): SchedulerMetrics {
  const samples = (name: string, label: string) =>
    linesOf(page, name).map((line) => ({
      label: [...line.matchAll(LABEL)].find(([, key]) => key === label)?.[2] ?? "",
      value: Number(line.slice(line.lastIndexOf(" ") + 1)),
    }));
  const total = (name: string) => samples(name, "result").reduce((sum, { value }) => sum + value, 0);
  const byLabel = (name: string, label: string) =>
    Object.fromEntries(samples(name, label).map((sample) => [sample.label, sample.value]));
  return {
    pending: byLabel("scheduler_pending_pods", "queue"),
    handled: byLabel("scheduler_event_handling_duration_seconds_count", "event"),
    attempts: total("scheduler_scheduling_attempt_duration_seconds_count"),
    attemptSeconds: total("scheduler_scheduling_attempt_duration_seconds_sum"),
  };
}

/** Lines of one metric. The page has some thousand, and it is read thousands of times: so it is searched and not divided. */
function linesOf(page: string, name: string): string[] {
  const lines: string[] = [];
  for (let from = page.indexOf(`\n${name}{`); from >= 0; from = page.indexOf(`\n${name}{`, from + 1)) {
    const end = page.indexOf("\n", from + 1);
    lines.push(page.slice(from + 1, end < 0 ? undefined : end));
  }
  return lines;
}

/** What the scheduler must have come to before a replay goes on. */
export interface Expected {
  /** Pods it was given so far. */
  readonly added: number;
  /** Pods on nodes that were removed so far. */
  readonly removed: number;
  /** Pods that are on no node. */
  readonly waiting: number;
}

/**
 * Whether it has nothing left to do: it knows of every pod that came and went, and each that waits is one it has tried since and
 * found no room for. A pod it is working on is in no queue, so the count of those without room is then one short.
 */
export function isIdle({ pending, handled }: SchedulerMetrics, { added, removed, waiting }: Expected): boolean {
  const inQueue = (queue: string) => pending[queue] ?? 0;
  return (
    (handled["UnschedulablePodAdd"] ?? 0) >= added &&
    (handled["AssignedPodDelete"] ?? 0) >= removed &&
    inQueue("active") === 0 &&
    inQueue("backoff") === 0 &&
    inQueue("gated") === 0 &&
    inQueue("unschedulable") === waiting
  );
}

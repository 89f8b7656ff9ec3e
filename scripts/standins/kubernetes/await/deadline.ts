/** Runs `work` with a signal that is aborted when the time is up, when `outer` is, or when `work` itself says it is done. */
export async function withDeadline(
  millis: number,
  outer: AbortSignal,
  work: (signal: AbortSignal, finish: () => void) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const finish = () => stop.abort();
  const timer = setTimeout(finish, millis);
  outer.addEventListener("abort", finish);
  try {
    if (!outer.aborted) await work(stop.signal, finish);
  } finally {
    finish();
    clearTimeout(timer);
    outer.removeEventListener("abort", finish);
  }
}

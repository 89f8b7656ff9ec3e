import { setTimeout as sleep } from "node:timers/promises";

export interface Load {
  /** Requests that were sent and have no answer yet. */
  underWay(): number;
  /** Ends it and tells what became of it, once every request under way has ended. */
  stop(): Promise<{ readonly requests: number; readonly failures: readonly string[] }>;
}

/**
 * Sends requests at a fixed rate, whether or not those before were answered; what failed is what a user would have seen.
 *
 * @param ask one request, by its number from 1; it throws where there is no answer or a wrong one
 */
export function startLoad(ask: (number: number) => Promise<unknown>, requestsPerSecond: number): Load {
  const failures: string[] = [];
  const underWay = new Set<Promise<unknown>>();
  let requests = 0;
  let running = true;
  const sending = (async () => {
    const began = Date.now();
    while (running) {
      requests += 1;
      const request: Promise<unknown> = ask(requests)
        .catch((error: unknown) => failures.push(String(error)))
        .finally(() => underWay.delete(request));
      underWay.add(request);
      await sleep(Math.max(0, began + (requests * 1000) / requestsPerSecond - Date.now()));
    }
  })();
  return {
    underWay: () => underWay.size,
    async stop() {
      running = false;
      await sending;
      await Promise.all(underWay);
      return { requests, failures };
    },
  };
}

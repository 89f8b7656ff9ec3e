import { setTimeout as sleep } from "node:timers/promises";
import { classify } from "./datacenter.ts";

export interface Load {
  /** Ends it and tells what became of it, once every request under way has ended. */
  stop(): Promise<{ readonly requests: number; readonly failures: readonly string[] }>;
}

/** Sends requests at a fixed rate, whether or not those before were answered; what failed is what a user would have seen. */
export function startLoad(endpoint: string, requestsPerSecond: number): Load {
  const failures: string[] = [];
  const underWay = new Set<Promise<unknown>>();
  let requests = 0;
  let running = true;
  const sending = (async () => {
    const began = Date.now();
    while (running) {
      requests += 1;
      const request: Promise<unknown> = classify(endpoint, [`Subject: hello ${requests}`])
        .catch((error: unknown) => failures.push(String(error)))
        .finally(() => underWay.delete(request));
      underWay.add(request);
      await sleep(Math.max(0, began + (requests * 1000) / requestsPerSecond - Date.now()));
    }
  })();
  return {
    async stop() {
      running = false;
      await sending;
      await Promise.all(underWay);
      return { requests, failures };
    },
  };
}

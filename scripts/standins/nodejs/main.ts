import { setTimeout as sleep } from "node:timers/promises";
import { backendFolder, releaseLocksOf, startedAt } from "../../converge/stale-lock.ts";
import { servePlugin } from "../lib/plugin.ts";
import { Children } from "./children.ts";
import { NAME, registerLanguageHost } from "./host.ts";

const children = new Children();

/** The engine; asked now, because an orphan's parent is another. */
const engine = process.ppid;

/** Seconds a killed engine may take to be gone. */
const GONE_SECONDS = 5;

/** A killed engine leaves its stack locked, and plain `pulumi` would then refuse to go on. */
async function releaseLocks(): Promise<void> {
  children.killAll();
  const backend = backendFolder(process.env.PULUMI_BACKEND_URL);
  const deadline = Date.now() + GONE_SECONDS * 1000;
  while (startedAt(engine) !== undefined && Date.now() < deadline) await sleep(20);
  if (backend !== undefined) releaseLocksOf(engine, backend);
}

await servePlugin({
  name: NAME,
  register: (server, engineAddress) => {
    if (engineAddress === undefined) throw new Error(`${NAME}: needs the engine's address as its last argument`);
    registerLanguageHost(server, engineAddress, children);
  },
  stop: () => children.killAll(),
  orphaned: releaseLocks,
});

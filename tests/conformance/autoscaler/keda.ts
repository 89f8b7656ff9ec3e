import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { toolPath } from "../../../scripts/lib/roots.ts";

/** One of KEDA's programs as a process of this machine, started again whenever it ends, as the kubelet would. */
export class Program {
  /** Times it was started. */
  starts = 0;
  readonly #output: string[] = [];
  readonly #running: Promise<void>;
  #child: ChildProcess | undefined;
  #isStopping = false;

  /** @param namespace that of the pod it would run in */
  constructor(binary: string, args: readonly string[], namespace: string) {
    this.#running = this.#run(binary, args, namespace);
  }

  /** Everything it has said. */
  get output(): string {
    return this.#output.join("");
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#child?.kill("SIGKILL");
    await this.#running;
  }

  async #run(binary: string, args: readonly string[], namespace: string): Promise<void> {
    while (!this.#isStopping) {
      const child = spawn(toolPath("keda", binary), args, {
        env: {
          POD_NAMESPACE: namespace,
          WATCH_NAMESPACE: "",
          KEDA_RESTRICT_SECRET_ACCESS: "true",
          // In a pod it reads this from the account's folder.
          KEDA_CLUSTER_OBJECT_NAMESPACE: namespace,
        },
        stdio: ["ignore", "pipe", "pipe"],
      });
      this.#child = child;
      this.starts++;
      for (const stream of [child.stdout, child.stderr]) {
        stream?.setEncoding("utf8").on("data", (text: string) => this.#output.push(text));
      }
      await once(child, "exit");
      await sleep(500);
    }
  }
}

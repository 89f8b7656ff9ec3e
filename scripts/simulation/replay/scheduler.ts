import { setTimeout as sleep } from "node:timers/promises";
import type { PlacementKind } from "../../../components/compute/scheduler-profile.ts";
import { type ControlPlane, startControlPlane } from "../../cluster/control-plane.ts";
import { Failure } from "../../lib/failure.ts";
import { Api, concurrently, type KubernetesObject } from "../api.ts";
import type { Placer } from "./clock.ts";
import { GPU_MILLI, nodeObject, podObject, REPLAY_NAMESPACE } from "./objects.ts";
import { isIdle, readSchedulerMetrics, type SchedulerMetrics } from "./scheduler-metrics.ts";
import type { TraceNode, TracePod } from "./trace.ts";

/** How fast the scheduler was, on this machine at that time. */
export interface SchedulerSpeed {
  /** Times it tried to place a pod: one that waits is tried again whenever something is freed that may help. */
  readonly attempts: number;
  /** Mean time of one try. */
  readonly attemptMilliseconds: number;
  /** Seconds from handing it pods, or freeing room, until it was idle, all together. */
  readonly workingSeconds: number;
}

interface PodObject extends KubernetesObject {
  readonly spec: { readonly nodeName?: string };
}

interface NodeObject extends KubernetesObject {
  readonly spec: { readonly taints?: readonly unknown[] };
}

/** Nodes are independent, pods are not: these go one after the other, so that the scheduler gets them in the trace's order. */
const NODES_AT_ONCE = 8;

const PODS_PATH = `/api/v1/namespaces/${REPLAY_NAMESPACE}/pods`;

/** No moment of a trace takes the scheduler as long; one that does is a fault of ours or its own. */
const IDLE_SECONDS = 120;

/**
 * A real API server and a real scheduler of their own, in a temporary folder and on free ports, with the nodes of a trace as
 * mere objects. There are no controllers and no kubelets: a node is as it was made, and a pod that is placed just is.
 */
export class SchedulerUnderReplay implements Placer {
  readonly #plane: ControlPlane;
  readonly #api: Api;
  readonly #stopWatch = new AbortController();
  readonly #onNode = new Map<string, string>();
  readonly #waiting = new Set<string>();
  #placed: { name: string; node: string }[] = [];
  #wake: (() => void) | undefined;
  #lost: Error | undefined;
  #added = 0;
  #removed = 0;
  #workingMilliseconds = 0;
  #workingSince: number | undefined;

  private constructor(plane: ControlPlane) {
    this.#plane = plane;
    this.#api = new Api(plane.server, plane.identity);
  }

  /** @throws Failure where the control plane does not start; nothing is left running */
  static async start(
    placement: PlacementKind,
    nodes: readonly TraceNode[],
    note: (text: string) => void,
  ): Promise<SchedulerUnderReplay> {
    const plane = await startControlPlane({
      placement,
      accelerators: [GPU_MILLI],
      withControllers: false,
      auditLog: false,
    });
    const scheduler = new SchedulerUnderReplay(plane);
    try {
      await scheduler.#prepare(nodes, note);
      return scheduler;
    } catch (error) {
      await scheduler.stop();
      throw error;
    }
  }

  async #prepare(nodes: readonly TraceNode[], note: (text: string) => void): Promise<void> {
    // The controller that would make it is not there, and no pod is admitted without.
    await this.#api.create(`/api/v1/namespaces/${REPLAY_NAMESPACE}/serviceaccounts`, {
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: { name: "default" },
    });
    let done = 0;
    await concurrently(nodes, NODES_AT_ONCE, async (node) => {
      const { taints, ...spec } = (await this.#api.create<NodeObject>("/api/v1/nodes", nodeObject(node))).spec;
      if (taints !== undefined) {
        // Every new node is tainted as not ready, until the controller that is not there would see that it is.
        await this.#api.patch(`/api/v1/nodes/${node.name}`, "merge", { spec: { ...spec, taints: null } });
      }
      done += 1;
      note(`${done} of ${nodes.length} nodes`);
    });
    await this.#followPods();
  }

  #followPods(): Promise<void> {
    return new Promise((resolve) => {
      const follower = {
        onList: (pods: readonly PodObject[]) => {
          pods.forEach((pod) => {
            this.#see(pod);
          });
          resolve();
        },
        onEvent: ({ type, object }: { type: string; object: PodObject }) => {
          if (type !== "DELETED") this.#see(object);
        },
        onLoss: (error: Error) => {
          this.#lost = error;
          this.#wake?.();
        },
      };
      void this.#api.follow<PodObject>(PODS_PATH, follower, this.#stopWatch.signal);
    });
  }

  #see({ metadata: { name }, spec: { nodeName } }: PodObject): void {
    if (nodeName === undefined || !this.#waiting.delete(name)) return;
    this.#onNode.set(name, nodeName);
    this.#placed.push({ name, node: nodeName });
    if (this.#waiting.size === 0) this.#wake?.();
  }

  async add(pods: readonly TracePod[]): Promise<void> {
    this.#beginWork();
    for (const pod of pods) {
      // Before it is made: it may be seen on a node before the answer is here.
      this.#waiting.add(pod.name);
      this.#added += 1;
      await this.#api.create(PODS_PATH, podObject(pod));
    }
  }

  async remove(pods: readonly TracePod[]): Promise<void> {
    this.#beginWork();
    for (const { name } of pods) {
      if (!this.#onNode.delete(name)) throw new Error(`${name} is on no node`);
      await this.#api.remove(`${PODS_PATH}/${name}`);
      this.#removed += 1;
    }
  }

  async settle(): Promise<readonly { readonly name: string; readonly node: string }[]> {
    const deadline = Date.now() + IDLE_SECONDS * 1000;
    // About as long as trying each once takes: the scheduler's page of metrics costs about as much as placing a pod.
    let pause = Math.min(100, 2 + this.#waiting.size);
    // Where nobody waits nothing has to be known: the scheduler takes in what goes and what comes in the order in which it
    // happened, so the next pod it tries finds freed what was freed before.
    while (this.#waiting.size > 0) {
      await this.#allPlaced(pause);
      if (this.#waiting.size === 0 || (await this.#isIdle())) break;
      if (this.#lost !== undefined) throw this.#lost;
      if (Date.now() > deadline) {
        throw new Failure(
          `The scheduler was not idle after ${IDLE_SECONDS} s, with ${this.#waiting.size} pods that wait`,
          "see that this machine is not overloaded (uptime), and run this again",
        );
      }
      pause = Math.min(100, 2 * pause);
    }
    if (this.#workingSince !== undefined) this.#workingMilliseconds += performance.now() - this.#workingSince;
    this.#workingSince = undefined;
    const placed = this.#placed;
    this.#placed = [];
    return placed;
  }

  /** Ends as soon as nobody waits any more, or after that many milliseconds. */
  async #allPlaced(milliseconds: number): Promise<void> {
    const stop = new AbortController();
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    const timer = sleep(milliseconds, undefined, { signal: stop.signal }).catch(() => {});
    await Promise.race([woken, timer]);
    stop.abort();
    this.#wake = undefined;
  }

  async #isIdle(): Promise<boolean> {
    const metrics = await this.#metrics();
    return isIdle(metrics, { added: this.#added, removed: this.#removed, waiting: this.#waiting.size });
  }

  async #metrics(): Promise<SchedulerMetrics> {
    return readSchedulerMetrics(await this.#api.text(this.#plane.schedulerMetricsUrl));
  }

  #beginWork(): void {
    this.#workingSince ??= performance.now();
  }

  async speed(): Promise<SchedulerSpeed> {
    const { attempts, attemptSeconds } = await this.#metrics();
    return {
      attempts,
      attemptMilliseconds: attempts > 0 ? (1000 * attemptSeconds) / attempts : 0,
      workingSeconds: this.#workingMilliseconds / 1000,
    };
  }

  /** Ends its processes and removes their folder. */
  async stop(): Promise<void> {
    this.#stopWatch.abort();
    this.#api.close();
    await this.#plane.stop();
  }
}

import {
  SIMULATED_POOL_GROUP,
  SIMULATED_POOL_PLURAL,
  SIMULATED_POOL_VERSION,
  type SimulatedNodePool,
} from "../../../components/compute/pools/simulated.ts";
import { COMPONENT_LABEL, POOL_LABEL } from "../../../components/core/labels.ts";
import { ApiError } from "../../../components/lifecycle/cluster.ts";
import type { SimulationSpec } from "../../../stacks/simulation.ts";
import type { Api, WatchEvent } from "../api.ts";
import { TimeQueue } from "../time-queue.ts";
import type { SimulatedClock } from "./clock.ts";
import type { Facts } from "./facts.ts";
import {
  endOf,
  FAILED_UNTIL_ANNOTATION,
  indexOf,
  isReady,
  LIFE_ANNOTATION,
  leaseObject,
  type Machine,
  machineOf,
  type NodeObject,
  nodeNameOf,
  nodeObject,
  nodesToReplace,
  readyCondition,
  SINCE_ANNOTATION,
  shapeOf,
  wantedNodes,
} from "./nodes.ts";
import {
  durationOf,
  endedStatus,
  isOver,
  type PodObject,
  podPath,
  poolOf,
  runningStatus,
  shareOfNode,
} from "./pods.ts";
import type { WorkQueue } from "./work-queue.ts";

const POOLS_PATH = `/apis/${SIMULATED_POOL_GROUP}/${SIMULATED_POOL_VERSION}/${SIMULATED_POOL_PLURAL}`;
const NODES_PATH = "/api/v1/nodes";
const LEASES_PATH = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";

/** Seconds a node may be silent before the controllers count it as lost; it renews its lease three times in it. */
export const LEASE_SECONDS = 600;
const RENEW_MILLISECONDS = (LEASE_SECONDS / 3) * 1000;

/** Milliseconds between two looks at what is due. */
const TICK_MILLISECONDS = 100;
/** Milliseconds between two looks at how big pools should be, and two reports of how big they are. */
const POOL_MILLISECONDS = 1000;

/** Simulated seconds without pods after which a node of a pool that shrinks is taken away. */
const IDLE_SECONDS = 600;

type Due =
  | { readonly kind: "end" | "repair"; readonly node: string; readonly life: number }
  | { readonly kind: "finish"; readonly pod: string; readonly uid: string | undefined }
  | { readonly kind: "return"; readonly node: string };

interface NodeState {
  object: NodeObject;
  machine: Machine;
  readonly pods: Set<string>;
  /** Simulated second since which it has had no pod. */
  emptySince: number;
  renewedAt: number;
  /** The life that was ended by a repair, once one was begun. */
  repairedLife?: number;
}

export interface CloudOptions {
  readonly api: Api;
  readonly clock: SimulatedClock;
  readonly simulation: SimulationSpec;
  readonly facts: Facts;
  readonly work: WorkQueue;
  /** Told of what is worth a line in a log. */
  readonly log: (text: string) => void;
}

/**
 * The machines of a cluster without any: makes the nodes of each SimulatedNodePool and reports them in its status, runs the
 * pods that are placed on them for as long as they say, and lets nodes fail, be repaired and be taken back at the declared
 * rates. All it knows is in the API server, so a new process goes on where the one before ended.
 */
export class SimulatedCloud {
  readonly #options: CloudOptions;
  readonly #pools = new Map<string, SimulatedNodePool>();
  readonly #nodes = new Map<string, NodeState>();
  readonly #pods = new Map<string, PodObject>();
  readonly #due = new TimeQueue<Due>();
  /** Nodes that were asked for, or that are being removed, until that is seen. */
  readonly #creating = new Set<string>();
  readonly #removing = new Set<string>();
  /** Machines that were taken back and whose place is empty: the simulated second at which another comes. */
  readonly #away = new Map<string, { until: number; life: number }>();
  readonly #reported = new Map<string, string>();
  #seen = { pools: false, nodes: false, pods: false };
  #lastSeconds: number;

  constructor(options: CloudOptions) {
    this.#options = options;
    this.#lastSeconds = options.clock.seconds;
  }

  /** Follows the cluster until `signal`. */
  async run(signal: AbortSignal): Promise<void> {
    const { api, log } = this.#options;
    const onLoss = (what: string) => (error: Error) => log(`${what} are not seen now: ${error.message}`);
    const timers = [
      setInterval(() => this.#tick(), TICK_MILLISECONDS),
      setInterval(() => this.#keepPools(), POOL_MILLISECONDS),
    ];
    signal.addEventListener("abort", () => timers.forEach(clearInterval), { once: true });
    await Promise.all([
      api.follow<SimulatedNodePool>(
        POOLS_PATH,
        {
          onList: (items) => this.#seePools(items),
          onEvent: (event) => this.#seePool(event),
          onLoss: (error) => {
            // Until the stack has made it, there is no such kind.
            if (!(error instanceof ApiError && error.status === 404)) log(`pools are not seen now: ${error.message}`);
          },
        },
        signal,
      ),
      api.follow<NodeObject>(
        NODES_PATH,
        {
          onList: (items) => this.#seeNodes(items),
          onEvent: (event) => this.#seeNode(event),
          onLoss: onLoss("nodes"),
        },
        signal,
        `labelSelector=${encodeURIComponent(`${COMPONENT_LABEL}=pool,${POOL_LABEL}`)}`,
      ),
      api.follow<PodObject>(
        "/api/v1/pods",
        {
          onList: (items) => this.#seePods(items),
          onEvent: (event) => this.#seePod(event),
          onLoss: onLoss("pods"),
        },
        signal,
      ),
    ]);
  }

  /** Accelerator days since this was last asked. */
  takeAcceleratorDays(): number {
    const now = this.#options.clock.seconds;
    const seconds = now - this.#lastSeconds;
    this.#lastSeconds = now;
    let accelerators = 0;
    for (const { machine } of this.#nodes.values()) {
      if (machine.failedUntilSeconds === undefined) {
        accelerators += this.#pools.get(machine.pool)?.spec.accelerator?.count ?? 0;
      }
    }
    return (accelerators * seconds) / 86_400;
  }

  // ---- pools

  #seePools(items: readonly SimulatedNodePool[]): void {
    this.#pools.clear();
    for (const pool of items) this.#pools.set(pool.metadata.name, pool);
    this.#seen.pools = true;
    for (const state of this.#nodes.values()) this.#planEnd(state);
    this.#keepPools();
  }

  #seePool({ type, object }: WatchEvent<SimulatedNodePool>): void {
    const { name } = object.metadata;
    const isNew = !this.#pools.has(name);
    if (type === "DELETED") {
      this.#pools.delete(name);
      this.#reported.delete(name);
    } else this.#pools.set(name, object);
    if (isNew) {
      for (const state of this.#nodes.values()) if (state.machine.pool === name) this.#planEnd(state);
      this.#keepPools();
    }
  }

  #keepPools(): void {
    if (!this.#seen.pools || !this.#seen.nodes || !this.#seen.pods) return;
    for (const [name, { machine }] of this.#nodes) {
      if (!this.#pools.has(machine.pool)) this.#removeNode(name, "PoolRemoved");
    }
    for (const pool of this.#pools.values()) {
      this.#resize(pool);
      this.#replaceChanged(pool);
      this.#report(pool);
    }
  }

  #resize({ metadata: { name: pool }, spec }: SimulatedNodePool): void {
    const now = this.#options.clock.seconds;
    const members = [...this.#nodes.values()].filter(({ machine }) => machine.pool === pool);
    const names = new Set([
      ...members.map(({ machine }) => machine.name),
      ...[...this.#creating, ...this.#away.keys()].filter((name) => indexOf(pool, name) !== undefined),
    ]);
    const idle = members.filter(({ pods, emptySince }) => pods.size === 0 && now - emptySince > IDLE_SECONDS);
    const wanted = wantedNodes({
      ...spec.size,
      present: names.size,
      busy: members.filter(({ pods }) => pods.size > 0).length,
      idle: idle.length,
      pending: spec.size.min === spec.size.max ? 0 : this.#pendingNodes(pool, spec),
    });
    if (wanted > names.size) {
      for (let index = 0, missing = wanted - names.size; missing > 0; index += 1) {
        const name = nodeNameOf(pool, index);
        if (!names.has(name)) {
          this.#createNode(pool, index, 0);
          missing -= 1;
        }
      }
    } else if (wanted < names.size) {
      // Those without pods first, then the last by number.
      const staying = members.filter(({ machine }) => !this.#removing.has(machine.name));
      const leaving = members.length - staying.length;
      const last = staying.sort(
        (a, b) => Number(a.pods.size > 0) - Number(b.pods.size > 0) || indexOfState(b) - indexOfState(a),
      );
      for (const { machine } of last.slice(0, Math.max(0, names.size - leaving - wanted))) {
        this.#removeNode(machine.name, "PoolShrunk");
      }
    }
  }

  /** Takes nodes away whose pool has changed, few at a time; others come in their place. */
  #replaceChanged({ metadata: { name: pool }, spec }: SimulatedNodePool): void {
    const shape = shapeOf(spec);
    const members = [...this.#nodes.values()].filter(
      ({ machine: { name, pool: own } }) => own === pool && !this.#removing.has(name),
    );
    if (members.every(({ machine }) => machine.shape === shape)) return;
    const wanted = Math.max(spec.size.min, Math.min(spec.size.max, members.length));
    const nodes = members.map(({ object, machine, pods }) => ({
      name: machine.name,
      isReady: isReady(object),
      isChanged: machine.shape !== shape,
      pods: pods.size,
    }));
    for (const { name } of nodesToReplace(nodes, wanted)) this.#removeNode(name, "PoolChanged");
  }

  /** Nodes that the pods which wait for room in a pool would fill. */
  #pendingNodes(pool: string, { machine }: SimulatedNodePool["spec"]): number {
    const resources = {
      cpu: String(machine.cpu),
      memory: `${machine.memoryGiB}Gi`,
      ...machine.resources,
    };
    let share = 0;
    for (const pod of this.#pods.values()) {
      if (pod.spec.nodeName === undefined && !isOver(pod) && poolOf(pod) === pool) share += shareOfNode(pod, resources);
    }
    return Math.ceil(share);
  }

  #report({ metadata: { name } }: SimulatedNodePool): void {
    const members = [...this.#nodes.values()].filter(({ machine }) => machine.pool === name);
    const status = { nodes: members.length, ready: members.filter(({ object }) => isReady(object)).length };
    const text = JSON.stringify(status);
    if (this.#reported.get(name) === text) return;
    this.#reported.set(name, text);
    this.#options.work.add(`pool/${name}`, () =>
      this.#options.api.patch(`${POOLS_PATH}/${name}/status`, "merge", { status }),
    );
  }

  // ---- nodes

  #createNode(pool: string, index: number, life: number): void {
    const name = nodeNameOf(pool, index);
    this.#creating.add(name);
    this.#options.work.add(`node/${name}`, async () => {
      const current = this.#pools.get(pool);
      if (current === undefined) {
        this.#creating.delete(name);
        return;
      }
      const { api, clock } = this.#options;
      try {
        // The lease first: the controllers look at it as soon as there is a node.
        await api.create(LEASES_PATH, leaseObject(name, LEASE_SECONDS, new Date())).catch(ignoreConflict);
        await api.create(NODES_PATH, nodeObject(current, index, life, clock.seconds, new Date())).catch(ignoreConflict);
      } catch (error) {
        // The pool is short of it again, which is seen to in a second.
        this.#creating.delete(name);
        throw error;
      }
    });
  }

  #removeNode(name: string, reason: string): void {
    const state = this.#nodes.get(name);
    if (state === undefined || this.#removing.has(name)) return;
    this.#removing.add(name);
    this.#interruptPods(state, reason);
    this.#options.work.add(`node/${name}`, async () => {
      await this.#options.api.remove(`${NODES_PATH}/${name}`);
      await this.#options.api.remove(`${LEASES_PATH}/${name}`);
    });
  }

  #seeNodes(items: readonly NodeObject[]): void {
    const present = new Set(items.map(({ metadata }) => metadata.name));
    for (const name of this.#nodes.keys()) if (!present.has(name)) this.#forgetNode(name);
    for (const object of items) this.#seeNode({ type: "ADDED", object });
    this.#seen.nodes = true;
    for (const [key, pod] of this.#pods) this.#attach(key, pod);
    this.#keepPools();
  }

  #seeNode({ type, object }: WatchEvent<NodeObject>): void {
    const machine = machineOf(object);
    if (machine === undefined) return;
    const { name } = machine;
    if (type === "DELETED") {
      this.#forgetNode(name);
      return;
    }
    this.#creating.delete(name);
    const known = this.#nodes.get(name);
    if (known !== undefined) {
      const changed =
        known.machine.life !== machine.life || known.machine.failedUntilSeconds !== machine.failedUntilSeconds;
      known.object = object;
      known.machine = machine;
      if (changed) this.#planEnd(known);
      return;
    }
    const state: NodeState = {
      object,
      machine,
      pods: new Set(),
      emptySince: this.#options.clock.seconds,
      // Nodes made together renew at different times.
      renewedAt: Date.now() - Math.floor(((Math.abs(indexOfState({ machine })) % 97) / 97) * (RENEW_MILLISECONDS / 2)),
    };
    this.#nodes.set(name, state);
    this.#planEnd(state);
  }

  #forgetNode(name: string): void {
    this.#nodes.delete(name);
    this.#removing.delete(name);
  }

  /** Notes when a machine's life ends, or when a failed one is replaced. */
  #planEnd({ machine }: NodeState): void {
    const pool = this.#pools.get(machine.pool);
    if (pool === undefined) return;
    const failed = machine.failedUntilSeconds !== undefined;
    const at = machine.failedUntilSeconds ?? endOf(machine, pool.spec, this.#options.simulation).atSeconds;
    if (at !== Number.POSITIVE_INFINITY) {
      this.#due.add(at, { kind: failed ? "repair" : "end", node: machine.name, life: machine.life });
    }
  }

  #endLife(state: NodeState): void {
    const { machine } = state;
    const pool = this.#pools.get(machine.pool);
    if (pool === undefined) return;
    const { clock, simulation, facts } = this.#options;
    const back = Math.round(clock.seconds + simulation.failures.repairMinutes * 60);
    if (endOf(machine, pool.spec, simulation).kind === "reclaim") {
      facts.reclaims += 1;
      this.#away.set(machine.name, { until: back, life: machine.life + 1 });
      this.#due.add(back, { kind: "return", node: machine.name });
      this.#removeNode(machine.name, "SpotReclaimed");
      return;
    }
    facts.failures += 1;
    const until = pool.spec.repair ? String(back) : "never";
    // What is placed on it from now on is lost at once, until the scheduler sees that it is not ready.
    state.machine = { ...machine, failedUntilSeconds: pool.spec.repair ? back : Number.POSITIVE_INFINITY };
    if (pool.spec.repair) this.#due.add(back, { kind: "repair", node: machine.name, life: machine.life });
    this.#setReady(machine.name, "False", "AcceleratorFailed", { [FAILED_UNTIL_ANNOTATION]: until });
    this.#interruptPods(state, "AcceleratorFailed");
  }

  #repair(state: NodeState): void {
    const { machine } = state;
    // Until the object says so, events of before may ask for it again.
    if (state.repairedLife === machine.life) return;
    state.repairedLife = machine.life;
    this.#options.facts.repairs += 1;
    this.#setReady(machine.name, "True", "SimulatedNodeReady", {
      [FAILED_UNTIL_ANNOTATION]: null,
      [LIFE_ANNOTATION]: String(machine.life + 1),
      [SINCE_ANNOTATION]: this.#options.clock.seconds.toFixed(0),
    });
  }

  #setReady(node: string, ready: "True" | "False", reason: string, annotations: Record<string, string | null>): void {
    const { api, work } = this.#options;
    work.add(`node/${node}`, async () => {
      const conditions = [readyCondition(ready, reason, new Date())];
      await api.patch(`${NODES_PATH}/${node}/status`, "strategic", { status: { conditions } });
      await api.patch(`${NODES_PATH}/${node}`, "merge", { metadata: { annotations } });
    });
  }

  // ---- pods

  #seePods(items: readonly PodObject[]): void {
    const present = new Set(items.map(keyOf));
    for (const [key, pod] of this.#pods) {
      if (!present.has(key)) this.#seePod({ type: "DELETED", object: pod });
    }
    for (const object of items) {
      // What was to be said of it while nobody answered may be lost: it begins once more.
      if (object.status?.phase === "Pending") this.#pods.delete(keyOf(object));
      this.#seePod({ type: "ADDED", object });
    }
    this.#seen.pods = true;
    this.#keepPools();
  }

  #seePod({ type, object }: WatchEvent<PodObject>): void {
    const key = keyOf(object);
    const before = this.#pods.get(key);
    if (type === "DELETED" || isOver(object)) {
      this.#pods.delete(key);
      this.#detach(key, object);
      if (type !== "DELETED" && object.metadata.deletionTimestamp !== undefined) this.#let(object);
      return;
    }
    this.#pods.set(key, object);
    this.#attach(key, object);
    if (object.spec.nodeName === undefined) return;
    if (object.metadata.deletionTimestamp !== undefined) {
      this.#end(object, "Interrupted", "Deleted");
    } else if (before?.spec.nodeName === undefined || before.metadata.uid !== object.metadata.uid) {
      this.#begin(key, object);
    }
  }

  #attach(key: string, { spec: { nodeName } }: PodObject): void {
    if (nodeName !== undefined) this.#nodes.get(nodeName)?.pods.add(key);
  }

  #detach(key: string, { spec: { nodeName } }: PodObject): void {
    const state = nodeName === undefined ? undefined : this.#nodes.get(nodeName);
    if (state?.pods.delete(key) === true && state.pods.size === 0) state.emptySince = this.#options.clock.seconds;
  }

  /** What a kubelet does with a pod that is new on its node, or that it finds there after a restart. */
  #begin(key: string, pod: PodObject): void {
    const { clock, api, work } = this.#options;
    const machine = this.#nodes.get(pod.spec.nodeName ?? "")?.machine;
    if (machine?.failedUntilSeconds !== undefined) {
      this.#options.facts.interruptedPods += 1;
      this.#end(pod, "Interrupted", "AcceleratorFailed");
      return;
    }
    const ran = pod.status?.startTime === undefined ? 0 : clock.sinceWall(new Date(pod.status.startTime));
    const end = clock.seconds + Math.max(0, durationOf(pod) - ran);
    if (end !== Number.POSITIVE_INFINITY) this.#due.add(end, { kind: "finish", pod: key, uid: pod.metadata.uid });
    if (pod.status?.phase === "Running") return;
    const { namespace = "", name } = pod.metadata;
    work.add(keyOf(pod), () =>
      api.patch(`${podPath(namespace, name)}/status`, "strategic", { status: runningStatus(pod, new Date()) }),
    );
  }

  #interruptPods(state: NodeState, reason: string): void {
    for (const key of state.pods) {
      const pod = this.#pods.get(key);
      if (pod === undefined) continue;
      this.#options.facts.interruptedPods += 1;
      this.#end(pod, "Interrupted", reason);
    }
  }

  /** Says how a pod has ended; one that was lost, or is to go, is removed as well. */
  #end(pod: PodObject, outcome: "Succeeded" | "Interrupted", reason: string): void {
    const { api, work } = this.#options;
    const { namespace = "", name } = pod.metadata;
    work.add(keyOf(pod), async () => {
      const status = endedStatus(pod, outcome, reason, new Date());
      await api.patch(`${podPath(namespace, name)}/status`, "strategic", { status });
      if (outcome === "Interrupted") await api.remove(podPath(namespace, name), deletionOf(pod));
    });
  }

  /** Lets a pod go that has ended and is to be deleted. */
  #let(pod: PodObject): void {
    const { namespace = "", name } = pod.metadata;
    this.#options.work.add(keyOf(pod), () => this.#options.api.remove(podPath(namespace, name), deletionOf(pod)));
  }

  // ---- time

  #tick(): void {
    const { clock } = this.#options;
    for (const due of this.#due.take(clock.seconds)) this.#happen(due);
    this.#renewLeases();
  }

  #happen(due: Due): void {
    if (due.kind === "finish") {
      const pod = this.#pods.get(due.pod);
      if (pod !== undefined && pod.metadata.uid === due.uid) {
        this.#options.facts.podsFinished += 1;
        this.#end(pod, "Succeeded", "Completed");
      }
      return;
    }
    if (due.kind === "return") {
      const away = this.#away.get(due.node);
      this.#away.delete(due.node);
      for (const pool of this.#pools.keys()) {
        const index = indexOf(pool, due.node);
        if (away !== undefined && index !== undefined) this.#createNode(pool, index, away.life);
      }
      return;
    }
    const state = this.#nodes.get(due.node);
    if (state === undefined || state.machine.life !== due.life || this.#removing.has(due.node)) return;
    const failed = state.machine.failedUntilSeconds !== undefined;
    if (due.kind === "end" && !failed) this.#endLife(state);
    if (due.kind === "repair" && failed) this.#repair(state);
  }

  #renewLeases(): void {
    const now = Date.now();
    for (const [name, state] of this.#nodes) {
      // A failed node's kubelet works: it is the accelerator that does not.
      if (now - state.renewedAt < RENEW_MILLISECONDS) continue;
      state.renewedAt = now;
      const { renewTime } = leaseObject(name, LEASE_SECONDS, new Date(now)).spec;
      this.#options.work.add(`lease/${name}`, () =>
        this.#options.api.patch(`${LEASES_PATH}/${name}`, "merge", { spec: { renewTime } }),
      );
    }
  }
}

const keyOf = ({ metadata: { namespace = "", name } }: PodObject) => `${namespace}/${name}`;

const indexOfState = ({ machine }: { readonly machine: Machine }) => indexOf(machine.pool, machine.name) ?? 0;

/** Only this very pod, and at once. */
const deletionOf = ({ metadata: { uid } }: PodObject) => ({
  gracePeriodSeconds: 0,
  ...(uid === undefined ? {} : { preconditions: { uid } }),
});

function ignoreConflict(error: unknown): void {
  if (!(error instanceof ApiError && error.status === 409)) throw error;
}

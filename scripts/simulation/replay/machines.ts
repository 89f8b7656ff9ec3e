import type { TraceNode, TracePod } from "./trace.ts";

/** What of a node is free, device by device. */
export interface NodeRoom {
  readonly node: TraceNode;
  cpuMilli: number;
  memoryMiB: number;
  /** Thousandths that are free of each GPU. */
  readonly gpuMilli: number[];
}

/** What a pod of a kind asks for, and which share of the pods is so. */
export interface TypicalPod {
  readonly cpuMilli: number;
  readonly memoryMiB: number;
  readonly gpuMilli: number;
  readonly gpuModels: readonly string[];
  /** From 0 to 1; of all together 1. */
  readonly share: number;
}

/** Where a pod is: what it took of which devices. */
interface Placement {
  readonly room: NodeRoom;
  readonly taken: readonly { readonly device: number; readonly milli: number }[];
}

/**
 * The kinds of pods with GPUs in a workload, by what they ask for, and how frequent each is: the target workload of Weng et
 * al. (2023). Pods without GPUs are left out, as to them all GPUs are alike (the authors' simulator has the same switch).
 */
export function typicalPods(pods: readonly TracePod[]): TypicalPod[] {
  const kinds = new Map<string, { pod: TracePod; count: number }>();
  for (const pod of pods.filter(({ gpuMilli }) => gpuMilli > 0)) {
    const key = [pod.cpuMilli, pod.memoryMiB, pod.gpuMilli, ...pod.gpuModels].join("/");
    const kind = kinds.get(key);
    if (kind === undefined) kinds.set(key, { pod, count: 1 });
    else kind.count += 1;
  }
  const total = [...kinds.values()].reduce((sum, { count }) => sum + count, 0);
  return [...kinds.values()].map(({ pod: { cpuMilli, memoryMiB, gpuMilli, gpuModels }, count }) => ({
    cpuMilli,
    memoryMiB,
    gpuMilli,
    gpuModels,
    share: count / total,
  }));
}

/**
 * GPU thousandths of a node that are free and that the next pod of the workload could not use, on average: F_n(M), the sum
 * over the kinds m of their share times F_n(m), of section 4.1 of Weng et al., "Beware of Fragmentation: Scheduling
 * GPU-Sharing Workloads with Fragmentation Gradient Descent" (USENIX ATC 2023).
 *
 * F_n(m) is all that is free where the node cannot take m (too few cores, too little memory, another model, or not as many
 * devices with room), else what is free of the devices that have less room than m wants of one.
 */
export function fragmentMilli(room: NodeRoom, workload: readonly TypicalPod[]): number {
  const free = sum(room.gpuMilli);
  if (free === 0) return 0;
  let fragments = 0;
  for (const pod of workload) {
    const ofOne = Math.min(1000, pod.gpuMilli);
    const wanted = Math.max(1, pod.gpuMilli / 1000);
    const fits =
      room.cpuMilli >= pod.cpuMilli &&
      room.memoryMiB >= pod.memoryMiB &&
      (pod.gpuModels.length === 0 || pod.gpuModels.includes(room.node.gpuModel)) &&
      room.gpuMilli.filter((milli) => milli >= ofOne).length >= wanted;
    fragments += pod.share * (fits ? sum(room.gpuMilli.filter((milli) => milli < ofOne)) : free);
  }
  return fragments;
}

/**
 * All machines of a trace and what pods take of them. A scheduler that knows a node's GPUs only as one sum says on which node
 * a pod is; on which device is decided here, as a device plugin for shared GPUs would: a part goes to the device with the
 * least room that has enough, whole devices to free ones.
 */
export class Machines {
  readonly #rooms: ReadonlyMap<string, NodeRoom>;
  readonly #workload: readonly TypicalPod[];
  readonly #placements = new Map<string, Placement>();
  readonly #fragments = new Map<NodeRoom, number>();
  readonly totalMilli: number;
  #usedMilli = 0;
  #fragmentMilli = 0;
  #freeNodes = 0;
  #straddling = 0;

  constructor(nodes: readonly TraceNode[], workload: readonly TypicalPod[]) {
    this.#workload = workload;
    this.#rooms = new Map(
      nodes.map((node) => [
        node.name,
        {
          node,
          cpuMilli: node.cpuMilli,
          memoryMiB: node.memoryMiB,
          gpuMilli: Array.from({ length: node.gpus }, () => 1000),
        },
      ]),
    );
    this.totalMilli = nodes.reduce((total, { gpus }) => total + 1000 * gpus, 0);
    for (const room of this.#rooms.values()) {
      if (room.node.gpus > 0) this.#freeNodes += 1;
      this.#measure(room);
    }
  }

  /** GPU thousandths that pods have. */
  get usedMilli(): number {
    return this.#usedMilli;
  }

  /** GPU thousandths that are free and that the next pod could not use, on average. See {@link fragmentMilli}. */
  get fragmentMilli(): number {
    return this.#fragmentMilli;
  }

  /** Nodes with GPUs of which none is in use. */
  get freeNodes(): number {
    return this.#freeNodes;
  }

  /** Pods so far that their node had room for only on several devices together, which a real GPU cannot give. */
  get straddling(): number {
    return this.#straddling;
  }

  /** @throws Error for a node that is not there, a pod that is placed already, and one the node has no room for */
  place(pod: TracePod, nodeName: string): void {
    const room = this.#rooms.get(nodeName);
    if (room === undefined) throw new Error(`there is no node ${nodeName}, where ${pod.name} is said to be`);
    if (this.#placements.has(pod.name)) throw new Error(`${pod.name} is placed already`);
    if (room.cpuMilli < pod.cpuMilli || room.memoryMiB < pod.memoryMiB || sum(room.gpuMilli) < pod.gpuMilli) {
      throw new Error(`${nodeName} has no room for ${pod.name}, which is said to be there`);
    }
    this.#change(room, () => {
      const taken = this.#take(room, pod.gpuMilli);
      room.cpuMilli -= pod.cpuMilli;
      room.memoryMiB -= pod.memoryMiB;
      this.#placements.set(pod.name, { room, taken });
    });
    this.#usedMilli += pod.gpuMilli;
  }

  /** @throws Error for a pod that is not placed */
  release(pod: TracePod): void {
    const placement = this.#placements.get(pod.name);
    if (placement === undefined) throw new Error(`${pod.name} is nowhere`);
    const { room, taken } = placement;
    this.#change(room, () => {
      for (const { device, milli } of taken) room.gpuMilli[device]! += milli;
      room.cpuMilli += pod.cpuMilli;
      room.memoryMiB += pod.memoryMiB;
      this.#placements.delete(pod.name);
    });
    this.#usedMilli -= pod.gpuMilli;
  }

  #take({ gpuMilli: devices }: NodeRoom, wanted: number): { device: number; milli: number }[] {
    const ofOne = Math.min(1000, wanted);
    const fitting = devices
      .map((milli, device) => ({ milli, device }))
      .filter(({ milli }) => milli >= ofOne)
      .sort((a, b) => a.milli - b.milli || a.device - b.device)
      .slice(0, Math.max(1, wanted / 1000));
    const taken: { device: number; milli: number }[] = [];
    if (ofOne * fitting.length === wanted) {
      taken.push(...fitting.map(({ device }) => ({ device, milli: ofOne })));
    } else {
      // The sum of the node had room and no device has: taken from the emptiest, and counted.
      this.#straddling += 1;
      let left = wanted;
      for (const { milli, device } of devices.map((each, at) => ({ milli: each, device: at })).sort(byRoom)) {
        const part = Math.min(left, milli);
        if (part > 0) taken.push({ device, milli: part });
        left -= part;
      }
    }
    for (const { device, milli } of taken) devices[device]! -= milli;
    return taken;
  }

  #change(room: NodeRoom, work: () => void): void {
    const before = isFree(room);
    work();
    this.#freeNodes += Number(isFree(room)) - Number(before);
    this.#measure(room);
  }

  #measure(room: NodeRoom): void {
    const now = fragmentMilli(room, this.#workload);
    this.#fragmentMilli += now - (this.#fragments.get(room) ?? 0);
    this.#fragments.set(room, now);
  }
}

const byRoom = (a: { milli: number; device: number }, b: { milli: number; device: number }) =>
  b.milli - a.milli || a.device - b.device;

const isFree = ({ gpuMilli }: NodeRoom) => gpuMilli.length > 0 && gpuMilli.every((milli) => milli === 1000);

function sum(values: readonly number[]): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

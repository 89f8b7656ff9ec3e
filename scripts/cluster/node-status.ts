/** What of a Node object this reads. */
export interface NodeObject {
  readonly status?: {
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly message?: string;
      readonly lastHeartbeatTime?: string;
    }[];
  };
}

export type Readiness = { readonly ready: true } | { readonly ready: false; readonly reason: string };

/**
 * Whether a node is ready by its own word.
 *
 * @param since epoch milliseconds; what the kubelet said before does not count, for the object outlives the kubelet
 */
export function nodeReadiness(node: NodeObject, since: number): Readiness {
  const condition = node.status?.conditions?.find(({ type }) => type === "Ready");
  if (condition === undefined) {
    return { ready: false, reason: "the kubelet has not reported yet" };
  }
  // Kubernetes' times are whole seconds.
  if (Date.parse(condition.lastHeartbeatTime ?? "") < Math.floor(since / 1000) * 1000) {
    return { ready: false, reason: "the kubelet has not reported since its start" };
  }
  return condition.status === "True"
    ? { ready: true }
    : { ready: false, reason: condition.message ?? "no reason given" };
}

/** What of a list of pods this reads. */
export interface PodList {
  readonly items?: readonly {
    readonly metadata: { readonly name: string; readonly uid: string };
    readonly status?: {
      readonly containerStatuses?: readonly {
        readonly containerID?: string;
        readonly state?: { readonly running?: object };
      }[];
    };
  }[];
}

/**
 * Names of pods of which the API server says something that is not so.
 *
 * @param told the node's pods by the API server
 * @param taken the pods the kubelet knows
 * @param running ids of containers that run
 */
export function podsNotTakenUp(told: PodList, taken: PodList, running: ReadonlySet<string>): string[] {
  const known = new Set((taken.items ?? []).map(({ metadata }) => metadata.uid));
  return (told.items ?? [])
    .filter(({ metadata, status }) => {
      const claimed = (status?.containerStatuses ?? []).filter(({ state }) => state?.running !== undefined);
      const ids = claimed.map(({ containerID = "" }) => containerID.replace(/^containerd:\/\//, ""));
      return !known.has(metadata.uid) || ids.some((id) => !running.has(id));
    })
    .map(({ metadata }) => metadata.name);
}

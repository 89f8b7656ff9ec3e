import { isUnknownValue } from "./unknown.ts";

type Properties = Readonly<Record<string, unknown>>;

/** A container of an object that carries pods, wherever in the object it is. */
export interface Container {
  /** Property path, e.g. `spec.template.spec.containers[0]`. */
  readonly path: string;
  /** The container's name, or its path where it has none. */
  readonly name: string;
  /** Reads one property. @throws UnknownValueError at preview, where the value comes from what is not made yet. */
  readonly get: (property: string) => unknown;
}

/** Members of a Kubernetes object that lead to a pod's spec: templates, lists, and the custom resources that hold them. */
const LEADS_TO_PODS = new Set([
  "spec",
  "template",
  "jobTemplate",
  "items",
  "replicatedJobs",
  "leaderWorkerTemplate",
  "leaderTemplate",
  "workerTemplate",
]);

const CONTAINER_LISTS = ["initContainers", "containers", "ephemeralContainers"] as const;

/**
 * Judges every container of a Kubernetes object: Pod, Deployment, StatefulSet, DaemonSet, ReplicaSet, Job, CronJob, their
 * lists, and custom resources with a pod template.
 *
 * What is unknown at preview keeps only the container it belongs to from being judged: the others are judged first, then
 * the unknown value is reported, so that the engine says what it could not judge yet. At `up` everything is known before
 * an object is made.
 */
export function judgeContainers(type: string, props: Properties, judge: (container: Container) => void): void {
  if (!type.startsWith("kubernetes:")) {
    return;
  }
  const unknown: Error[] = [];
  const known = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      if (isUnknownValue(error)) {
        unknown.push(error);
        return undefined;
      }
      throw error;
    }
  };

  const visit = (value: unknown, path: string): void => {
    if (Array.isArray(value)) {
      for (let index = 0; index < value.length; index++) {
        visit(
          known(() => value[index]),
          `${path}[${index}]`,
        );
      }
    } else if (isProperties(value)) {
      for (const list of CONTAINER_LISTS) {
        visitContainers(
          known(() => value[list]),
          join(path, list),
        );
      }
      for (const member of Object.keys(value).filter((key) => LEADS_TO_PODS.has(key))) {
        visit(
          known(() => value[member]),
          join(path, member),
        );
      }
    }
  };

  const visitContainers = (list: unknown, path: string): void => {
    if (!Array.isArray(list)) {
      return;
    }
    for (let index = 0; index < list.length; index++) {
      known(() => {
        const container: unknown = list[index];
        if (isProperties(container)) {
          const at = `${path}[${index}]`;
          judge({ path: at, name: String(container["name"] ?? at), get: (property) => container[property] });
        }
      });
    }
  };

  visit(props, "");
  const [first] = unknown;
  if (first !== undefined) {
    throw first;
  }
}

/** The value at a path of members, or undefined where any of them is missing. */
export function memberAt(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce((at, member) => (isProperties(at) ? at[member] : undefined), value);
}

/** How messages name an object: its kind and name, as kubectl would. */
export function describeObject(type: string, props: Properties, name: string): string {
  const kind = type.slice(type.lastIndexOf(":") + 1);
  try {
    return `${kind} ${String(memberAt(props, "metadata", "name") ?? name)}`;
  } catch (error) {
    if (isUnknownValue(error)) {
      return `${kind} ${name}`;
    }
    throw error;
  }
}

function isProperties(value: unknown): value is Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function join(path: string, member: string): string {
  return path === "" ? member : `${path}.${member}`;
}

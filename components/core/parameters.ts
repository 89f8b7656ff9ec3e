/** A value of one parameter, as a search draws it. */
export type ParameterValue = number | string | boolean;

/**
 * A copy of a training with some of its parameters replaced. Parameters are named by their path, e.g. `network.channels`.
 *
 * @throws Error where a path leads to nothing: a parameter that is not there would be set without any effect.
 */
export function withParameters<T extends object>(training: T, values: Readonly<Record<string, ParameterValue>>): T {
  const changed = structuredClone(training);
  for (const [path, value] of Object.entries(values)) {
    const keys = path.split(".");
    const last = keys.pop() ?? "";
    const parent = keys.reduce<unknown>((object, key) => memberOf(object, key), changed);
    if (memberOf(parent, last) === undefined) {
      throw new Error(`a training has no parameter ${path}`);
    }
    (parent as Record<string, ParameterValue>)[last] = value;
  }
  return changed;
}

function memberOf(value: unknown, key: string): unknown {
  return value !== null && typeof value === "object" && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined;
}

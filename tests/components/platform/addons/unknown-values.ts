/**
 * The paths of values that a chart does not know. Below an empty map of the chart's everything is known: it is the user's to
 * fill; and a list is one value.
 */
export function unknownValues(values: unknown, known: unknown, path: readonly string[] = []): string[] {
  if (!isMap(values)) {
    return [];
  }
  if (!isMap(known)) {
    // A null or a scalar where we have a map: the chart says nothing of what belongs there.
    return known === undefined ? [path.join(".")] : [];
  }
  return Object.entries(values).flatMap(([name, value]) => {
    if (!Object.hasOwn(known, name)) {
      return path.length > 0 && Object.keys(known).length === 0 ? [] : [[...path, name].join(".")];
    }
    return unknownValues(value, known[name], [...path, name]);
  });
}

function isMap(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

/** A parameter as the search stage's spec has it. */
export type Parameter =
  | { readonly kind: "categorical"; readonly choices: readonly number[] }
  | { readonly kind: "integer" | "float"; readonly low: number; readonly high: number; readonly log?: boolean };

export type Space = Readonly<Record<string, Parameter>>;

/**
 * The space as a grid of so many values of each parameter: the middles of that many equal parts of its range, on its own
 * scale, so that nobody's knowledge of where the good values lie goes into the grid.
 */
export function gridOf(space: Space, levels: Readonly<Record<string, number>>): Space {
  return Object.fromEntries(
    Object.entries(space).map(([name, parameter]) => {
      const count = levels[name];
      if (count === undefined) throw new RangeError(`the grid has no number of values for ${name}`);
      const middles = Array.from({ length: count }, (_, at) => (at + 0.5) / count);
      return [name, { kind: "categorical", choices: middles.map((part) => valueAt(parameter, part)) }];
    }),
  );
}

function valueAt(parameter: Parameter, part: number): number {
  if (parameter.kind === "categorical") {
    return parameter.choices[Math.floor(part * parameter.choices.length)]!;
  }
  const { low, high, log } = parameter;
  const value = log === true ? low * (high / low) ** part : low + (high - low) * part;
  return parameter.kind === "integer" ? Math.round(value) : Number(value.toPrecision(4));
}

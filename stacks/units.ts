/** What a number of this repository's fields counts, read off the field's name. */
export interface Unit {
  readonly suffix: string;
  readonly plural: string;
  /** How many of this unit one of the written suffixes is, by suffix. */
  readonly conversions: Readonly<Record<string, number>>;
}

const GIB_PER_BYTE = 1 / 2 ** 30;

const GIB: Unit = {
  suffix: "GiB",
  plural: "GiB",
  conversions: {
    Ki: 2 ** -20,
    Mi: 2 ** -10,
    Gi: 1,
    Ti: 2 ** 10,
    K: 1e3 * GIB_PER_BYTE,
    M: 1e6 * GIB_PER_BYTE,
    G: 1e9 * GIB_PER_BYTE,
    T: 1e12 * GIB_PER_BYTE,
  },
};

const SECONDS: Unit = {
  suffix: "Seconds",
  plural: "seconds",
  conversions: {
    ms: 0.001,
    s: 1,
    sec: 1,
    seconds: 1,
    m: 60,
    min: 60,
    minutes: 60,
    h: 3600,
    hours: 3600,
    d: 86_400,
    days: 86_400,
  },
};

const CORES: Unit = { suffix: "cpu", plural: "cores", conversions: { m: 0.001 } };

/** The unit of a field's number, if it has one. */
export function unitOf(field: string): Unit | undefined {
  if (field === "cpu" || field === "cpuLimit") {
    return CORES;
  }
  return [GIB, SECONDS].find((unit) => field.endsWith(unit.suffix));
}

/**
 * How a quantity written as text, such as `2Gi`, `500m` or `30 min`, is written as this field's number; undefined where it
 * cannot be read.
 */
export function convert(written: string, field: string): number | undefined {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*$/.exec(written);
  if (match === null) {
    return undefined;
  }
  const [, digits = "", suffix = ""] = match;
  if (suffix === "") {
    return Number(digits);
  }
  const conversions = unitOf(field)?.conversions;
  // `GiB` and `GB` are ways to write `Gi` and `G`.
  const factor = conversions?.[suffix] ?? conversions?.[suffix.replace(/B$/, "")];
  return factor === undefined ? undefined : Number((Number(digits) * factor).toPrecision(6));
}

/**
 * How the number of an unknown field is written in the known one of the same meaning: `memoryMiB: 2048` is
 * `memoryGiB: 2`. Undefined where the two do not differ by unit alone.
 */
export function convertField(unknownField: string, value: unknown, knownField: string): number | undefined {
  const unit = unitOf(knownField);
  if (typeof value !== "number" || unit === undefined || unit === CORES) {
    return undefined;
  }
  const stem = knownField.slice(0, -unit.suffix.length);
  if (!unknownField.startsWith(stem)) {
    return undefined;
  }
  const suffix = unknownField.slice(stem.length);
  return suffix === ""
    ? undefined
    : (convert(`${value}${suffix}`, knownField) ?? convert(`${value}${suffix.toLowerCase()}`, knownField));
}

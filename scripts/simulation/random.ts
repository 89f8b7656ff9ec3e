/** A source of numbers that look random and are decided by a seed: the same seed draws the same on every machine. */
export interface Random {
  /** Evenly from 0 up to 1, without 1. */
  uniform(): number;
  /** Time to the next of events that come at random, `mean` apart on average: the exponential distribution. */
  exponential(mean: number): number;
  /** A normal distribution's `mean` and `deviation`. */
  normal(mean: number, deviation: number): number;
  /** Positive and skewed: its logarithm is normal. `median` is e to the mean of the logarithm, `sigma` its deviation. */
  logNormal(median: number, sigma: number): number;
  /** One of `choices`, each as often as its weight among all. */
  pick<T extends { readonly weight: number }>(choices: readonly T[]): T;
}

/**
 * Random numbers of a seed, and of a purpose: what is drawn for one purpose does not change what is drawn for another, so a
 * longer list of jobs leaves the failures as they were.
 *
 * The generator is SplitMix32, the 32-bit form of Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators"
 * (OOPSLA 2014), with MurmurHash3's finalizer; period 2^32. For simulation, not for secrets.
 *
 * @param seed a whole number from 0
 */
export function seededRandom(seed: number, purpose = ""): Random {
  let state = finalize((seed >>> 0) ^ hashOf(`${Math.floor(seed / 2 ** 32)}/${purpose}`));
  const uniform = () => {
    state = (state + 0x9e3779b9) | 0;
    return finalize(state) / 2 ** 32;
  };
  const normal = (mean: number, deviation: number) => {
    // Box and Muller; 1 - u is never 0, whose logarithm there is not.
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
    return mean + deviation * radius * Math.cos(2 * Math.PI * uniform());
  };
  return {
    uniform,
    normal,
    exponential: (mean) => -mean * Math.log(1 - uniform()),
    logNormal: (median, sigma) => median * Math.exp(normal(0, sigma)),
    pick: (choices) => {
      const total = choices.reduce((sum, { weight }) => sum + weight, 0);
      let left = uniform() * total;
      for (const choice of choices) {
        left -= choice.weight;
        if (left < 0) return choice;
      }
      const last = choices.at(-1);
      if (last === undefined) throw new RangeError("there is nothing to pick from");
      return last;
    },
  };
}

function finalize(value: number): number {
  let hash = value >>> 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** FNV-1a, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  return hash >>> 0;
}

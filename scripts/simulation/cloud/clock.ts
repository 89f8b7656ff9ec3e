/** Time of the simulation: so many seconds a second, from where it was when the process before this one ended. */
export class SimulatedClock {
  readonly #from: number;
  readonly #speed: number;
  readonly #wall: () => number;
  readonly #begun: number;

  /**
   * @param fromSeconds where it begins
   * @param speed simulated seconds a second
   * @param wall milliseconds; for tests
   */
  constructor(fromSeconds: number, speed: number, wall: () => number = () => performance.now()) {
    this.#from = fromSeconds;
    this.#speed = speed;
    this.#wall = wall;
    this.#begun = wall();
  }

  /** Simulated seconds since the beginning. */
  get seconds(): number {
    return this.#from + ((this.#wall() - this.#begun) / 1000) * this.#speed;
  }

  /** Simulated seconds that have passed since a moment of the wall. */
  sinceWall(time: Date, now: Date = new Date()): number {
    return Math.max(0, ((now.getTime() - time.getTime()) / 1000) * this.#speed);
  }
}

import { ApiError } from "../../../components/lifecycle/cluster.ts";

/** What is done about each of many objects, so many at once, in the order it was asked for. */
export class WorkQueue {
  readonly #atOnce: number;
  readonly #onError: (error: unknown) => void;
  readonly #waiting: (() => Promise<void>)[] = [];
  #head = 0;
  #running = 0;
  /** The last of what was asked for about each object. */
  readonly #last = new Map<string, Promise<void>>();
  #idle: (() => void)[] = [];

  /** @param onError told of what fails after three tries, and of what the API server refuses */
  constructor(atOnce: number, onError: (error: unknown) => void) {
    this.#atOnce = atOnce;
    this.#onError = onError;
  }

  get length(): number {
    return this.#waiting.length - this.#head + this.#running;
  }

  /**
   * @param about what it is done to: what is asked for about the same is done in that order, one after the other
   * @param work may be run several times: it must come to the same. An object that is gone, or that changed meanwhile, is no
   *   error, as what is seen of it next asks for what is right then.
   */
  add(about: string, work: () => Promise<unknown>): void {
    let ended: () => void = () => {};
    const before = this.#last.get(about);
    const own = new Promise<void>((resolve) => {
      ended = resolve;
    });
    this.#last.set(about, own);
    this.#waiting.push(async () => {
      // It was asked for earlier, so it is under way or over: nobody waits for one that cannot begin.
      await before;
      await this.#attempt(work);
      if (this.#last.get(about) === own) this.#last.delete(about);
      ended();
    });
    this.#advance();
  }

  /** Resolves when there is nothing left to do. */
  async idle(): Promise<void> {
    if (this.length > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #advance(): void {
    while (this.#running < this.#atOnce && this.#head < this.#waiting.length) {
      const next = this.#waiting[this.#head]!;
      this.#head += 1;
      if (this.#head > 1000) {
        this.#waiting.splice(0, this.#head);
        this.#head = 0;
      }
      this.#running += 1;
      void next().finally(() => {
        this.#running -= 1;
        this.#advance();
        if (this.length === 0) {
          for (const resolve of this.#idle.splice(0)) resolve();
        }
      });
    }
  }

  async #attempt(work: () => Promise<unknown>): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await work();
        return;
      } catch (error) {
        const status = error instanceof ApiError ? error.status : undefined;
        if (status === 404 || status === 409) return;
        const passing = status === undefined || status === 429 || status >= 500;
        if (!passing || attempt >= 3) {
          this.#onError(error);
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, 500 * attempt));
      }
    }
  }
}

/** Where progress goes. `process.stderr` is one. */
export interface ReportStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Tells the people in front of the machine what is being done; stdout is never touched. */
export interface Report {
  /**
   * Runs `work` and shows `title` with the elapsed time. `work` may call `note` to say how far it is. Steps may run
   * side by side and within each other. What `work` throws is passed on.
   */
  step<T>(title: string, work: (note: (text: string) => void) => Promise<T>): Promise<T>;
  /** Writes one line. */
  line(text: string): void;
}

export interface ReportOptions {
  /** @default process.stderr */
  readonly stream?: ReportStream;
  /** Milliseconds; for tests. @default Date.now */
  readonly now?: () => number;
  /** Milliseconds before a step that still runs is named where there is no terminal. @default 1000 */
  readonly announceAfter?: number;
  /** Milliseconds between two reminders of a running step where there is no terminal. @default 30000 */
  readonly remindEvery?: number;
}

interface Running {
  readonly title: string;
  readonly started: number;
  note: string;
}

/** `0.4s`, `12s`, `3m05s`, `1h02m`. */
export function formatElapsed(milliseconds: number): string {
  if (milliseconds < 9950) {
    return `${(milliseconds / 1000).toFixed(1)}s`;
  }
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 60) {
    return `${seconds}s`;
  }
  if (seconds < 3600) {
    return `${Math.floor(seconds / 60)}m${String(seconds % 60).padStart(2, "0")}s`;
  }
  return `${Math.floor(seconds / 3600)}h${String(Math.floor((seconds % 3600) / 60)).padStart(2, "0")}m`;
}

/**
 * A reporter. On a terminal the last line shows what runs now and is redrawn; elsewhere every line is written whole and
 * once, so that the output of steps that run side by side stays readable in a log.
 */
export function createReport(options: ReportOptions = {}): Report {
  const stream: ReportStream = options.stream ?? process.stderr;
  const now = options.now ?? Date.now;
  const live = stream.isTTY === true;
  const running = new Set<Running>();
  let ticker: NodeJS.Timeout | undefined;

  const status = (step: Running) =>
    `${step.title} ${formatElapsed(now() - step.started)}${step.note === "" ? "" : ` (${step.note})`}`;

  const liveLine = () => {
    const text = [...running].map(status).join(" · ");
    const width = (stream.columns ?? 80) - 1;
    return `\r\x1b[K${text.length > width ? `${text.slice(0, width - 1)}…` : text}`;
  };
  const redraw = () => {
    stream.write(liveLine());
  };
  const line = (text: string) => {
    stream.write(live ? `\r\x1b[K${text}\n${running.size > 0 ? liveLine().slice(4) : ""}` : `${text}\n`);
  };
  const tick = () => {
    if (live && running.size > 0) {
      ticker ??= setInterval(redraw, 250).unref();
      redraw();
    } else if (live) {
      clearInterval(ticker);
      ticker = undefined;
    }
  };

  /** Names a long step once it turns out to be long, then reminds of it; gives back how to stop that. */
  const announce = (step: Running): (() => void) => {
    if (live) {
      return () => {};
    }
    let reminder: NodeJS.Timeout | undefined;
    const first = setTimeout(() => {
      line(`… ${step.title}`);
      reminder = setInterval(() => line(`… ${status(step)}`), options.remindEvery ?? 30_000).unref();
    }, options.announceAfter ?? 1000).unref();
    return () => {
      clearTimeout(first);
      clearInterval(reminder);
    };
  };

  return {
    line,
    async step(title, work) {
      const step: Running = { title, started: now(), note: "" };
      running.add(step);
      tick();
      const silence = announce(step);
      let mark = "✗";
      try {
        const result = await work((note) => {
          step.note = note;
        });
        mark = "✓";
        return result;
      } finally {
        silence();
        running.delete(step);
        line(`${mark} ${title} ${formatElapsed(now() - step.started)}`);
        tick();
      }
    },
  };
}

/** The process's own reporter, to stderr. */
export const report: Report = createReport();

/** `report.step`. */
export const step: Report["step"] = report.step.bind(report);

/** A reporter that says nothing. */
export const silent: Report = { step: (_title, work) => work(() => {}), line: () => {} };

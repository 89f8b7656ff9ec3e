const INTERRUPTS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

const groups = new Set<number>();
let received: NodeJS.Signals | undefined;

/** The signal that interrupted this process while it waited for commands; undefined if none did. */
export function interruption(): NodeJS.Signals | undefined {
  return received;
}

/**
 * Makes a process group end when this process is interrupted or ends; gives back how to undo that. While there is one, a
 * signal ends the groups and not at once this process, so that what waits for them can clean up.
 */
export function endWithUs(group: number): () => void {
  if (groups.size === 0) {
    process.on("exit", killAll);
    for (const signal of INTERRUPTS) {
      process.on(signal, passOn);
    }
  }
  groups.add(group);
  return () => {
    groups.delete(group);
    if (groups.size === 0) {
      process.removeListener("exit", killAll);
      for (const signal of INTERRUPTS) {
        process.removeListener(signal, passOn);
      }
    }
  };
}

/** Signals a process group; nothing happens if it is gone. */
export function killGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") {
      throw error;
    }
  }
}

function killAll(): void {
  for (const group of groups) {
    killGroup(group, "SIGKILL");
  }
}

function passOn(signal: NodeJS.Signals): void {
  received = signal;
  for (const group of groups) {
    killGroup(group, signal);
  }
}

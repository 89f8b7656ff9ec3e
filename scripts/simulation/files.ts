import path from "node:path";

/** What the simulation of a cluster is told, in the cluster's folder. */
export const simulationFile = (root: string): string => path.join(root, "config", "simulation.json");

/** Written by the simulation's process again and again, as long as it works: `{pid, at}`, with milliseconds since 1970. */
export const heartbeatFile = (root: string): string => path.join(root, "run", "simulation.json");

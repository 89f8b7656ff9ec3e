import type { EngineSpec, Protocol } from "../../stacks/engines.ts";

/** How long requests take, as a server's own metrics tell it. */
export type LatencyMetric =
  /** A histogram, by its name without `_bucket`. */
  | {
      readonly kind: "histogram";
      readonly name: string;
      readonly labels: Readonly<Record<string, string>>;
      readonly perSecond: number;
    }
  /** A counter of the time all requests took together: a mean is all it gives. */
  | { readonly kind: "total"; readonly name: string; readonly perSecond: number };

/** What a server's metrics are called. A metric with labels is written as PromQL selects it. */
export interface MetricNames {
  /** Requests answered well. */
  readonly requests?: string;
  readonly errors?: string;
  readonly latency?: LatencyMetric;
  /** Requests that wait in the server. */
  readonly queue?: string;
}

export interface MetricsEndpoint extends MetricNames {
  readonly port: number;
  readonly path: string;
}

/** How one server is run, for one model. Plain data: components/serving makes a pod of it. */
export interface Server {
  /** @default the image's own */
  readonly command?: readonly string[];
  readonly args: readonly string[];
  /** Beside those every server is given. */
  readonly env: Readonly<Record<string, string>>;
  /** Where it takes requests. */
  readonly port: number;
  /** @default none: it tells nothing */
  readonly metrics?: MetricsEndpoint;
  readonly readyPath: string;
  readonly livePath: string;
  /** Where it finds what the version's run left. */
  readonly modelFolder: string;
  /** Configuration it reads, by file name, in {@link SERVER_CONFIG_FOLDER}. */
  readonly files: Readonly<Record<string, string>>;
  /** Whether its processes share memory by /dev/shm, of which a container by itself has 64 MiB. */
  readonly sharesMemory: boolean;
}

/** What is known of a kind of server, and where from. */
export interface Preset<E extends EngineSpec = EngineSpec> {
  readonly title: string;
  /** Where what is said here was read. */
  readonly source: string;
  /** When, as yyyy-mm-dd, or yyyy-mm where the day was not noted. */
  readonly readOn: string;
  /** Whether a server of this kind has been run on the local datacenter; else it is only declared. */
  readonly isProven: boolean;
  /** What a run must leave for it to load. */
  readonly loads: string;
  readonly usesGpu: boolean;
  /** Seconds it may take to load a model, unless the stack says otherwise. */
  readonly startupSeconds: number;
  /** Seconds it may take for one request. */
  readonly requestSeconds: number;
  /** Requests it is given at a time. */
  readonly requestsAtATime: number;
  readonly protocol: (engine: E) => Protocol;
  readonly server: (engine: E, model: string) => Server;
}

/** Where a server finds the files of its configuration. */
export const SERVER_CONFIG_FOLDER = "/etc/millwright/server";

import type { Log } from "../lib/engine.ts";
import type { Configuration } from "./configuration.ts";
import type { Discovery } from "./discovery.ts";
import type { RestClient } from "./rest.ts";

/** What every operation works with once the provider is configured. */
export interface Context {
  readonly configuration: Configuration;
  readonly client: RestClient;
  readonly discovery: Discovery;
  /** Where objects go that name no namespace. */
  readonly defaultNamespace: string;
  readonly log: Log;
  /** Aborted when the engine cancels: waits end, and what was made is reported as it is. */
  readonly signal: AbortSignal;
}

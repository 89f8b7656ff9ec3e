import { COMPONENT_LABEL } from "../../../components/core/labels.ts";
import { ApiError } from "../../../components/lifecycle/cluster.ts";
import type { Api, KubernetesObject } from "../api.ts";
import type { SimulatedClock } from "./clock.ts";
import type { Facts } from "./facts.ts";
import {
  endpointObject,
  endpointsOf,
  jobObject,
  jobsOf,
  type SimulatedEndpoint,
  type SimulatedJob,
  type SimulationConfig,
} from "./workload.ts";

interface JobObject extends KubernetesObject {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

const TICK_MILLISECONDS = 250;
/** Jobs that are made in one go; the rest waits for the next. */
const BATCH = 50;

export interface DriverOptions {
  readonly api: Api;
  readonly clock: SimulatedClock;
  readonly config: SimulationConfig;
  readonly facts: Facts;
  readonly log: (text: string) => void;
}

/** Makes the jobs and the services of the simulated day, each when its time has come. */
export class Driver {
  readonly #options: DriverOptions;
  readonly #jobs: readonly SimulatedJob[];
  #endpoints: readonly SimulatedEndpoint[];
  readonly #counted = new Set<string>();
  #said = "";

  constructor(options: DriverOptions) {
    this.#options = options;
    this.#jobs = jobsOf(options.config);
    this.#endpoints = endpointsOf(options.config);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { api, log } = this.#options;
    const counting = api.follow<JobObject>(
      "/apis/batch/v1/jobs",
      {
        onList: (jobs) => {
          for (const job of jobs) this.#count(job);
        },
        onEvent: ({ type, object }) => {
          if (type === "DELETED") this.#counted.delete(object.metadata.uid ?? "");
          else this.#count(object);
        },
        onLoss: (error) => log(`jobs are not seen now: ${error.message}`),
      },
      signal,
      `labelSelector=${encodeURIComponent(`${COMPONENT_LABEL}=simulation`)}`,
    );
    while (!signal.aborted) {
      await this.#advance();
      await new Promise((resolve) => setTimeout(resolve, TICK_MILLISECONDS));
    }
    await counting;
  }

  /** A job is kept for a while after its end, so a process that begins anew may count one again: at most those of a minute. */
  #count({ metadata: { uid = "" }, status }: JobObject): void {
    const has = (type: string) => status?.conditions?.some((each) => each.type === type && each.status === "True");
    const ended = has("Complete") === true ? "jobsSucceeded" : has("Failed") === true ? "jobsFailed" : undefined;
    if (ended === undefined || this.#counted.has(uid)) return;
    this.#counted.add(uid);
    this.#options.facts[ended] += 1;
  }

  async #advance(): Promise<void> {
    const { api, clock, facts } = this.#options;
    try {
      for (const endpoint of this.#endpoints) {
        const { namespace } = endpoint.team;
        await create(api, `/apis/apps/v1/namespaces/${namespace}/deployments`, endpointObject(endpoint));
        this.#endpoints = this.#endpoints.filter((each) => each !== endpoint);
      }
      for (let made = 0; made < BATCH; made += 1) {
        const job = this.#jobs[facts.jobsCreated];
        if (job === undefined || job.atSeconds > clock.seconds) return;
        await create(api, `/apis/batch/v1/namespaces/${job.team.namespace}/jobs`, jobObject(job));
        facts.jobsCreated += 1;
      }
    } catch (error) {
      // The stack may not have made the teams' namespaces yet; whatever else it is, the next tick tries again.
      const text = error instanceof Error ? error.message : String(error);
      if (text !== this.#said) this.#options.log(`not made yet: ${text}`);
      this.#said = text;
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}

/** One that is there already was made before this process began. */
async function create(api: Api, path: string, object: object): Promise<void> {
  try {
    await api.create(path, object);
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 409)) throw error;
  }
}

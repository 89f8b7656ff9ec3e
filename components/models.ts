import { relative } from "node:path";
import type { ComponentResource, ComponentResourceOptions, Output } from "@pulumi/pulumi";
import type { ImageName, ModelSpec, Stack, StorageSpec } from "../stacks/schema.ts";
import { sourceFolder } from "../stacks/sources.ts";
import type { Placements } from "./compute/scheduling/queue.ts";
import { hashOf } from "./core/hash.ts";
import { sourceImageName, workloadImageName } from "./core/names.ts";
import type { ModelPlan, Plan, RolloutRun, Run } from "./lifecycle/types.ts";
import { Prometheus, Watcher } from "./monitoring/component.ts";
import { Autoscaler } from "./platform/autoscaler/component.ts";
import { autoscalerOf } from "./platform/autoscaler/needed.ts";
import { POSTGRES_PORT, POSTGRES_USER } from "./platform/aws/database/defaults.ts";
import type { PlatformOutputs } from "./platform/aws/outputs.ts";
import type { Platform } from "./platform/component.ts";
import { Database } from "./platform/database/component.ts";
import { PASSWORD_KEY } from "./platform/database/defaults.ts";
import type { DatabaseConnection } from "./platform/database/types.ts";
import { ExternalDatabase } from "./platform/external-database/component.ts";
import { WorkloadImage } from "./platform/image/component.ts";
import { Registry } from "./platform/registry/component.ts";
import { REGISTRY_CLIENTS, REGISTRY_DATABASE } from "./platform/registry/defaults.ts";
import { routerMetricsUrl, versionServiceUrl } from "./serving/addresses.ts";
import { Endpoint } from "./serving/component.ts";
import { CompressionJob, DatasetJob, RolloutJob, RunIdentity, SearchJob, TrainingJob } from "./training/component.ts";
import { SEARCH_DATABASE } from "./training/contract.ts";
import type { RolloutUrls, RunContext } from "./training/types.ts";

/** Every model needs them sooner or later, and a build that fails should fail at once. */
const ALWAYS_BUILT = ["trainer", "recorder", "server", "router"] as const satisfies readonly ImageName[];

export interface ModelsArgs {
  /** What all of it belongs to. */
  readonly parent: ComponentResource;
  /** Where they live. */
  readonly platform: Platform;
  readonly storage: StorageSpec;
  readonly plan: Plan;
  /** Absolute path of the repository; image contexts are given relative to it. */
  readonly repositoryRoot: string;
  /** Pools and queues of the cluster; undefined where it has none of ours. */
  readonly placements: Placements | undefined;
  /** What the stack that has the cluster says of it, where another one does. */
  readonly ground: Output<PlatformOutputs> | undefined;
}

/** The Secret in the models' namespace that holds the password of the platform's database. */
const PLATFORM_PASSWORD = "database-platform";

/** Everything a plan says should exist of its models, with what stands beside them: images, database, registry, watch. */
export class Models {
  /** Where each model that serves is reached, by its name. */
  readonly endpoints: Readonly<Record<string, Output<string>>>;

  readonly #parent: ComponentResource;
  readonly #stack: Stack;
  readonly #repositoryRoot: string;
  readonly #placements: Placements | undefined;
  readonly #ground: Output<PlatformOutputs> | undefined;
  readonly #platform: Platform;
  readonly #storage: StorageSpec;
  readonly #images: Readonly<Record<(typeof ALWAYS_BUILT)[number], WorkloadImage>>;
  /** Of the models that name an image of their own, by the model's name. */
  readonly #workloads: Readonly<Record<string, WorkloadImage>>;
  readonly #database: Database | ExternalDatabase | undefined;
  readonly #autoscaler: Autoscaler | undefined;

  constructor({ parent, platform, storage, plan, repositoryRoot, placements, ground }: ModelsArgs) {
    this.#platform = platform;
    this.#storage = storage;
    this.#placements = placements;
    this.#ground = ground;
    this.#parent = parent;
    this.#stack = plan.stack;
    this.#repositoryRoot = repositoryRoot;

    const { namespace } = plan.stack.platform;
    this.#images = {
      trainer: this.#image("trainer"),
      recorder: this.#image("recorder"),
      server: this.#image("server"),
      router: this.#image("router"),
    };
    this.#workloads = this.#declareWorkloads();
    this.#database = this.#declareDatabase();
    const autoscaler = autoscalerOf(plan.stack);
    this.#autoscaler =
      autoscaler === undefined ? undefined : new Autoscaler("autoscaler", autoscaler, { parent: this.#parent });
    if (plan.stack.platform.tracking !== undefined && this.#database !== undefined) {
      this.#declareRegistry(this.#database);
    }

    this.#declareMonitoring();

    const endpoints: Record<string, Output<string>> = {};
    for (const model of plan.models) {
      const identity = new RunIdentity(`${model.name}-runs`, { model: model.name, namespace }, this.#onPlatform());
      const endpoint = this.#endpoint(model);
      for (const run of model.runs) {
        this.#run(run, identity, endpoint);
      }
      if (endpoint !== undefined) {
        endpoints[model.name] = endpoint.url;
      }
    }

    this.endpoints = endpoints;
  }

  #image(image: ImageName): WorkloadImage {
    const { platform, content } = this.#stack;
    const context = `workloads/${image}`;
    return new WorkloadImage(
      image,
      {
        image,
        registry: platform.registry,
        context,
        dockerfile: `${context}/Dockerfile`,
        buildArgs: { BASE_IMAGE: platform.baseImage },
        contentHash: content.images[image],
      },
      { parent: this.#parent },
    );
  }

  /** Built from the first `up` on, like the images of the repository: a build that fails should fail at once. */
  #declareWorkloads(): Readonly<Record<string, WorkloadImage>> {
    const { platform, content, models } = this.#stack;
    const named = models.flatMap(({ name, workload }) => {
      const contentHash = content.workloads[name];
      if (workload === undefined || contentHash === undefined) {
        return [];
      }
      const image = workloadImageName(name);
      const args = {
        image,
        registry: platform.registry,
        context: workload.context,
        dockerfile: `${workload.context}/Dockerfile`,
        buildArgs: { BASE_IMAGE: platform.baseImage },
        contentHash,
      };
      return [[name, new WorkloadImage(image, args, { parent: this.#parent })] as const];
    });
    return Object.fromEntries(named);
  }

  /** One server for all that needs one: the studies of every model's search, and what is shown of runs. */
  #declareDatabase(): Database | ExternalDatabase | undefined {
    const { platform, models } = this.#stack;
    const searches = models.flatMap(({ search }) => (search === undefined ? [] : [search]));
    const users = [
      ...(searches.length === 0 ? [] : [{ database: SEARCH_DATABASE, clients: sum(searches, "workers") }]),
      ...(platform.tracking === undefined ? [] : [{ database: REGISTRY_DATABASE, clients: REGISTRY_CLIENTS }]),
    ];
    if (users.length === 0) {
      return undefined;
    }
    const image = this.#image("database").reference;
    const databases = users.map(({ database }) => database);
    const { artifacts } = this.#platform;
    const server = this.#server();
    if (server !== undefined) {
      return new ExternalDatabase("database", { artifacts, image, databases, ...server }, this.#onPlatform());
    }
    return new Database(
      "database",
      {
        artifacts,
        storage: this.#storage,
        placements: this.#placements,
        image,
        databases,
        passwordGeneration: this.#passwordGeneration(),
        clients: sum(users, "clients"),
      },
      this.#onPlatform(),
    );
  }

  #passwordGeneration(): number {
    const { database } = this.#stack.platform;
    return database.kind === "inNamespace" ? database.passwordGeneration : 1;
  }

  /** The PostgreSQL server of somebody else, where the stack names one; undefined where it has its own. */
  #server(): { connection: DatabaseConnection; password?: Output<string> } | undefined {
    const { database } = this.#stack.platform;
    switch (database.kind) {
      case "inNamespace":
        return undefined;
      case "external": {
        const { kind: _, tls, ...connection } = database;
        return { connection: { ...connection, sslMode: tls } };
      }
      case "platform":
        return this.#platformServer();
    }
  }

  /** The server of the stack that has the cluster; stacks/platform-rules.ts refuses this where that has none. */
  #platformServer(): { connection: DatabaseConnection; password: Output<string> } {
    const server = this.#ground?.apply(({ database }) => {
      if (database === undefined) {
        throw new Error(`stack ${this.#stack.name} uses its platform's database, and the platform has none`);
      }
      return database;
    });
    if (server === undefined) {
      throw new Error(`stack ${this.#stack.name} uses its platform's database, but has its cluster itself`);
    }
    const connection = {
      host: server.host,
      port: POSTGRES_PORT,
      user: POSTGRES_USER,
      secretName: PLATFORM_PASSWORD,
      secretKey: PASSWORD_KEY,
      sslMode: "require" as const,
    };
    return { connection, password: server.password };
  }

  #declareRegistry(database: Database | ExternalDatabase): Registry {
    const { tracking } = this.#stack.platform;
    return new Registry(
      "registry",
      {
        artifacts: this.#platform.artifacts,
        placements: this.#placements,
        image: this.#image("mlflow").reference,
        database: database.connection,
        ...(tracking?.artifacts === undefined ? {} : { bucket: tracking.artifacts }),
      },
      this.#onPlatform(database),
    );
  }

  /** What looks at the models that are watched, and says when one should be trained again. */
  #declareMonitoring(): void {
    const models = this.#stack.models.flatMap(({ name, watch, serving: { engine } }) =>
      watch === undefined ? [] : [{ name, watch, engine }],
    );
    if (models.length === 0) {
      return;
    }
    const { artifacts } = this.#platform;
    const storage = this.#storage;
    const placements = this.#placements;
    const prometheus = new Prometheus(
      "prometheus",
      { artifacts, storage, image: this.#image("prometheus").reference, models, placements },
      this.#onPlatform(),
    );
    new Watcher(
      "watcher",
      { artifacts, image: this.#images.recorder.reference, models, prometheusUrl: prometheus.url, placements },
      this.#onPlatform(prometheus),
    );
  }

  /** What prepares a model's data: the trainer, with the raw data in it where that does not come with the trainer. */
  #sourceImage(model: ModelSpec): WorkloadImage {
    const { platform, content } = this.#stack;
    const { source } = model.dataset;
    if (source.kind === "builtin") {
      return this.#images.trainer;
    }
    const image = sourceImageName(model.name);
    return new WorkloadImage(
      image,
      {
        image,
        registry: platform.registry,
        context: relative(this.#repositoryRoot, sourceFolder(source, this.#repositoryRoot)),
        dockerfile: "workloads/source/Dockerfile",
        buildArgs: { TRAINER: this.#images.trainer.reference },
        contentHash: hashOf({ trainer: content.images.trainer, source: content.sources[model.name] }),
      },
      { parent: this.#parent },
    );
  }

  #run(run: Run, identity: RunIdentity, endpoint: Endpoint | undefined): void {
    const opts = this.#onPlatform(identity);
    const context = this.#runContext(identity, this.#images.trainer);
    // What trained a network is what can go on with it.
    const learning = this.#runContext(identity, this.#workloads[run.model.name] ?? this.#images.trainer);
    switch (run.kind) {
      case "dataset":
        new DatasetJob(run.name, { run, ...this.#runContext(identity, this.#sourceImage(run.model)) }, opts);
        break;
      case "search": {
        const database = this.#database;
        if (database === undefined) {
          throw new Error(`the run ${run.name} needs a database, and the stack has no model with a search`);
        }
        const connection = database.connection;
        new SearchJob(run.name, { run, database: connection, ...context }, this.#onPlatform(identity, database));
        break;
      }
      case "training":
        new TrainingJob(run.name, { run, ...learning }, opts);
        break;
      case "compression":
        new CompressionJob(run.name, { run, ...learning }, opts);
        break;
      case "rollout": {
        // Judged is what already answers: a judge that starts first would see refused connections.
        const after = endpoint === undefined ? [identity] : [identity, endpoint];
        new RolloutJob(run.name, { run, urls: this.#rolloutUrls(run), ...context }, this.#onPlatform(...after));
        break;
      }
    }
  }

  #rolloutUrls({ model, candidate, stable }: RolloutRun): RolloutUrls {
    const { namespace } = this.#platform.artifacts;
    return {
      candidate: versionServiceUrl(candidate.version, namespace),
      ...(stable === undefined ? {} : { stable: versionServiceUrl(stable.version, namespace) }),
      routerMetrics: routerMetricsUrl(model.name, namespace),
    };
  }

  /** What answers for a model: nothing before it has a first version to try. */
  #endpoint({ name, stable, canary }: ModelPlan): Endpoint | undefined {
    if (stable === undefined && canary === undefined) {
      return undefined;
    }
    const images = { server: this.#images.server.reference, router: this.#images.router.reference };
    const { artifacts } = this.#platform;
    const autoscaler = { autoscaler: this.#autoscaler, autoscalerNamespace: autoscalerOf(this.#stack)?.namespace };
    const args = { stable, canary, artifacts, images, placements: this.#placements, ...autoscaler };
    return new Endpoint(name, args, this.#onPlatform());
  }

  #runContext({ serviceAccountName }: RunIdentity, workload: WorkloadImage): RunContext {
    const images = { workload: workload.reference, recorder: this.#images.recorder.reference };
    const { artifacts } = this.#platform;
    return { artifacts, serviceAccountName, images, placements: this.#placements };
  }

  #onPlatform(...dependsOn: ComponentResource[]): ComponentResourceOptions {
    return { parent: this.#parent, dependsOn: [this.#platform, ...dependsOn] };
  }
}

function sum<K extends string>(items: readonly Readonly<Record<K, number>>[], key: K): number {
  return items.reduce((total, item) => total + item[key], 0);
}

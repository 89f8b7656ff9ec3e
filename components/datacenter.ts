import { CustomResourceDefinition } from "@pulumi/kubernetes/apiextensions/v1/customResourceDefinition.js";
import { ComponentResource, type ComponentResourceOptions, type Output, output, type Resource } from "@pulumi/pulumi";
import type { EndpointSpec } from "../stacks/endpoints.ts";
import type { Stack, StackSpec, StorageSpec } from "../stacks/schema.ts";
import { GpuNodePool } from "./compute/pools/component.ts";
import { renderSimulatedPoolDefinition } from "./compute/pools/simulated.ts";
import { Scheduling } from "./compute/scheduling/component.ts";
import { type Placements, place, placementsOf } from "./compute/scheduling/queue.ts";
import { sourceImageName, workloadImageName } from "./core/names.ts";
import type { Plan, Stage } from "./lifecycle/types.ts";
import { Models } from "./models.ts";
import { platformRules } from "./monitoring/platform-rules.ts";
import { Addons } from "./platform/addons/component.ts";
import type { AwsPlatform } from "./platform/aws/component.ts";
import { AwsModels, type AwsModelsArgs } from "./platform/aws/models/component.ts";
import type { PlatformOutputs } from "./platform/aws/outputs.ts";
import { AwsStorageClasses } from "./platform/aws/storage-classes/component.ts";
import { Platform } from "./platform/component.ts";
import { REGISTRY_NAME } from "./platform/registry/defaults.ts";
import { serviceAccountName } from "./serving/addresses.ts";
import { LanguageEndpoint } from "./serving/language/component.ts";
import { hostOf } from "./serving/language/host.ts";
import type { LanguageEndpointArgs, MetricsSource } from "./serving/language/types.ts";
import { runAccountName } from "./training/identity.ts";

export interface DatacenterArgs {
  readonly plan: Plan;
  /** Absolute path of the repository; image contexts are given relative to it. */
  readonly repositoryRoot: string;
  /** The cluster, where this stack makes it on AWS. */
  readonly aws?: AwsPlatform;
  /** What the stack that has the cluster says of it, where another one does. */
  readonly ground?: Output<PlatformOutputs>;
}

/**
 * Everything a plan says should exist. It decides nothing: what a plan names is declared, and what it names no longer the
 * engine removes.
 */
export class Datacenter extends ComponentResource {
  static readonly __pulumiType = "millwright:datacenter:Datacenter";

  /** Where each model and published model that serves is reached, by its name. */
  readonly endpoints: Readonly<Record<string, Output<string>>>;
  /** The stage of each model, by its name. */
  readonly stages: Readonly<Record<string, Stage>>;

  readonly #args: DatacenterArgs;
  readonly #stack: Stack;

  constructor(name: string, args: DatacenterArgs, opts?: ComponentResourceOptions) {
    const { plan } = args;
    super(Datacenter.__pulumiType, name, { stack: plan.stack.name }, opts);
    this.#args = args;
    this.#stack = plan.stack;

    const scheduling = this.#declareScheduling(this.#declarePools(this.#declareAddons()));
    const runsSomething = plan.models.length + plan.stack.endpoints.length > 0;
    this.endpoints = runsSomething ? this.#declareWorkloads(scheduling) : {};
    this.stages = Object.fromEntries(plan.models.map(({ name, stage }) => [name, stage]));
    this.registerOutputs({ endpoints: this.endpoints, stages: this.stages });
  }

  /** Of a cluster on AWS the charts that something calls for; another cluster has what it has. */
  #declareAddons(): Resource[] {
    const { cluster } = this.#stack.platform;
    const { aws } = this.#args;
    if (cluster.kind !== "eks" || aws === undefined) {
      return [];
    }
    const args = {
      stack: this.#stack,
      guests: this.#stack.guests ?? [],
      kubernetesVersion: cluster.version,
      clusterName: aws.poolCluster.name,
      interruptionQueue: aws.interruptionQueue,
      region: cluster.region,
      rules: platformRules(this.#stack),
    };
    return [
      new Addons("addons", args, { parent: this, dependsOn: aws }),
      new AwsStorageClasses("storage-classes", aws.lustreClass === undefined ? {} : { lustre: aws.lustreClass }, {
        parent: this,
        dependsOn: aws,
      }),
    ];
  }

  #declarePools(dependsOn: Resource[]): Resource[] {
    const { pools, platform } = this.#stack;
    const { kind } = platform.cluster;
    const before =
      kind === "simulated" && pools.length > 0
        ? [
            ...dependsOn,
            new CustomResourceDefinition("simulated-pools", renderSimulatedPoolDefinition(), { parent: this }),
          ]
        : dependsOn;
    const cluster = kind === "eks" ? this.#args.aws?.poolCluster : kind === "platform" ? undefined : { kind };
    if (cluster === undefined) {
      return before;
    }
    return [
      ...before,
      ...pools.map(
        (pool) => new GpuNodePool(`pool-${pool.name}`, { pool, cluster }, { parent: this, dependsOn: before }),
      ),
    ];
  }

  /** @returns what a workload in a team's namespace waits for */
  #declareScheduling(dependsOn: Resource[]): Resource[] {
    const { scheduling: spec, pools } = this.#stack;
    return spec === undefined ? [] : [new Scheduling("scheduling", { spec, pools }, { parent: this, dependsOn })];
  }

  /** What its pods have in AWS, where their cluster is there: before the pods, which would else start without a role. */
  #declareAwsModels(): Resource[] {
    const { ground: outputs } = this.#args;
    const { name, platformStack } = this.#stack;
    const cluster = platformStack?.platform.cluster;
    if (outputs === undefined || platformStack === undefined || cluster?.kind !== "eks") {
      return [];
    }
    const { accountId, region } = cluster;
    const { namespace } = this.#stack.platform;
    const args = { stack: name, platform: platformStack.name, accountId, region, outputs, namespace };
    return [new AwsModels("aws-models", { ...args, ...needsInAws(this.#stack) }, { parent: this })];
  }

  #declareWorkloads(before: Resource[]): Datacenter["endpoints"] {
    const dependsOn = [...before, ...this.#declareAwsModels()];
    const { plan, repositoryRoot, ground } = this.#args;
    const { namespace, team } = this.#stack.platform;
    const storage = storageOf(this.#stack);
    const home = new Platform(
      "platform",
      { namespace, storage, ...(team === undefined ? {} : { makesNamespace: false }) },
      { parent: this, dependsOn },
    );
    const placements = placementsFor(this.#stack);
    const models =
      plan.models.length === 0
        ? undefined
        : new Models({ parent: this, platform: home, storage, plan, repositoryRoot, placements, ground });
    const published = this.#stack.endpoints.map((endpoint) => [
      endpoint.name,
      this.#declareEndpoint(endpoint, home, placements),
    ]);
    return { ...models?.endpoints, ...Object.fromEntries(published) };
  }

  #declareEndpoint(endpoint: EndpointSpec, home: Platform, placements: Placements | undefined): Output<string> {
    const { name, pool: poolName, parallelism } = endpoint;
    const pool = clusterStackOf(this.#stack).pools.find((each) => each.name === poolName);
    if (pool === undefined) {
      throw new Error(`the endpoint ${name} names a pool that there is not; stacks/endpoint-rules.ts refuses that`);
    }
    const metrics = this.#metrics();
    const args: LanguageEndpointArgs = {
      endpoint,
      host: hostOf(pool),
      ...home.artifacts,
      placed: place({ part: "serving", pool: poolName, group: parallelism.pipeline }, placements),
      ...(metrics === undefined ? {} : { metrics }),
    };
    return output(new LanguageEndpoint(name, args, { parent: this, dependsOn: home }).url);
  }

  /** Where numbers of waiting requests are asked for, of a cluster on AWS with managed metrics. */
  #metrics(): MetricsSource | undefined {
    const { cluster } = clusterStackOf(this.#stack).platform;
    const { ground } = this.#args;
    if (cluster.kind !== "eks" || cluster.metrics !== "managed" || ground === undefined) {
      return undefined;
    }
    return { url: ground.apply(({ metrics }) => metrics?.url ?? ""), awsRegion: cluster.region };
  }
}

/** Images that only a stack's models have, and the accounts of pods that use what is in AWS. */
function needsInAws({ models, endpoints, platform: { tracking } }: Stack): Pick<AwsModelsArgs, "images" | "accounts"> {
  return {
    images: models.flatMap(({ name, dataset, workload }) => [
      ...(dataset.source.kind === "builtin" ? [] : [sourceImageName(name)]),
      ...(workload === undefined ? [] : [workloadImageName(name)]),
    ]),
    accounts: [
      ...models.map(({ name }) => ({ serviceAccount: runAccountName(name), kind: "training" as const })),
      ...(tracking?.artifacts === undefined ? [] : [{ serviceAccount: REGISTRY_NAME, kind: "tracking" as const }]),
      ...endpoints.map(({ name }) => ({ serviceAccount: serviceAccountName(name), kind: "serving" as const })),
    ],
  };
}

/** The stack that has the cluster, its pools and quotas: another one, or this. */
function clusterStackOf(stack: Stack): StackSpec {
  return stack.platformStack ?? stack;
}

/** @returns nothing where the cluster has neither pools nor quotas of ours: then workloads say nothing of either */
function placementsFor(stack: Stack): Placements | undefined {
  const { pools, scheduling } = clusterStackOf(stack);
  return pools.length === 0 && scheduling === undefined
    ? undefined
    : placementsOf(pools, scheduling, stack.platform.team);
}

/** Stacks that run something have it: stacks/layer-rules.ts refuses those without. */
function storageOf({ name, platform: { storage } }: Stack): StorageSpec {
  if (storage === undefined) {
    throw new Error(`stack ${name} runs something but has no platform.storage`);
  }
  return storage;
}

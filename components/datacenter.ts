import { relative } from "node:path";
import { ComponentResource, type ComponentResourceOptions, type Output } from "@pulumi/pulumi";
import type { ImageName, ModelSpec, Stack } from "../stacks/schema.ts";
import { sourceFolder } from "../stacks/sources.ts";
import { hashOf } from "./core/hash.ts";
import { sourceImageName } from "./core/names.ts";
import type { DatasetRun, Plan, ServedVersion, Stage, TrainingRun } from "./lifecycle/types.ts";
import { Platform } from "./platform/component.ts";
import { WorkloadImage } from "./platform/image/component.ts";
import { Endpoint } from "./serving/component.ts";
import { DatasetJob, RunIdentity, TrainingJob } from "./training/component.ts";

export interface DatacenterArgs {
  readonly plan: Plan;
  /** Absolute path of the repository; image contexts are given relative to it. */
  readonly repositoryRoot: string;
}

/**
 * Everything a plan says should exist. It decides nothing: what a plan names is declared, and what it names no longer the
 * engine removes.
 */
export class Datacenter extends ComponentResource {
  static readonly __pulumiType = "millwright:datacenter:Datacenter";

  /** Where each model that serves is reached, by its name. */
  readonly endpoints: Readonly<Record<string, Output<string>>>;
  /** The stage of each model, by its name. */
  readonly stages: Readonly<Record<string, Stage>>;

  readonly #stack: Stack;
  readonly #repositoryRoot: string;
  readonly #platform: Platform;
  readonly #images: Readonly<Record<ImageName, WorkloadImage>>;

  constructor(name: string, { plan, repositoryRoot }: DatacenterArgs, opts?: ComponentResourceOptions) {
    super(Datacenter.__pulumiType, name, { stack: plan.stack.name }, opts);
    this.#stack = plan.stack;
    this.#repositoryRoot = repositoryRoot;

    const { namespace, storage } = plan.stack.platform;
    this.#platform = new Platform("platform", { namespace, storage }, { parent: this });
    this.#images = {
      trainer: this.#image("trainer"),
      server: this.#image("server"),
      recorder: this.#image("recorder"),
    };

    const endpoints: Record<string, Output<string>> = {};
    for (const model of plan.models) {
      const identity = this.#identity(model.name);
      if (model.run?.kind === "dataset") {
        this.#datasetRun(model.run, identity);
      }
      if (model.run?.kind === "training") {
        this.#trainingRun(model.run, identity);
      }
      if (model.live !== undefined) {
        endpoints[model.name] = this.#endpoint(model.live);
      }
    }

    this.endpoints = endpoints;
    this.stages = Object.fromEntries(plan.models.map(({ name, stage }) => [name, stage]));
    this.registerOutputs({ endpoints: this.endpoints, stages: this.stages });
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
      { parent: this },
    );
  }

  /** The trainer with a model's raw data in it. Only a dataset run reads it, so it is declared with one. */
  #sourceImage(model: ModelSpec): WorkloadImage {
    const { platform, content } = this.#stack;
    const image = sourceImageName(model.name);
    return new WorkloadImage(
      image,
      {
        image,
        registry: platform.registry,
        context: relative(this.#repositoryRoot, sourceFolder(model.dataset.source, this.#repositoryRoot)),
        dockerfile: "workloads/source/Dockerfile",
        buildArgs: { TRAINER: this.#images.trainer.reference },
        contentHash: hashOf({ trainer: content.images.trainer, source: content.sources[model.name] }),
      },
      { parent: this },
    );
  }

  #identity(model: string): RunIdentity {
    const { namespace } = this.#platform.artifacts;
    return new RunIdentity(`${model}-runs`, { model, namespace }, this.#onPlatform());
  }

  #datasetRun(run: DatasetRun, identity: RunIdentity): void {
    const images = { workload: this.#sourceImage(run.model).reference, recorder: this.#images.recorder.reference };
    new DatasetJob(run.name, { run, images, ...this.#runContext(identity) }, this.#onPlatform(identity));
  }

  #trainingRun(run: TrainingRun, identity: RunIdentity): void {
    const images = { workload: this.#images.trainer.reference, recorder: this.#images.recorder.reference };
    new TrainingJob(run.name, { run, images, ...this.#runContext(identity) }, this.#onPlatform(identity));
  }

  #endpoint(live: ServedVersion): Output<string> {
    const { artifacts } = this.#platform;
    return new Endpoint(live.model.name, { live, artifacts, image: this.#images.server.reference }, this.#onPlatform())
      .url;
  }

  #runContext({ serviceAccountName }: RunIdentity) {
    return { artifacts: this.#platform.artifacts, serviceAccountName };
  }

  #onPlatform(...dependsOn: ComponentResource[]): ComponentResourceOptions {
    return { parent: this, dependsOn: [this.#platform, ...dependsOn] };
  }
}

import { join } from "node:path";

/** What decides the environment that Pulumi's engine, the program, the policy pack and the plugins run in. */
export interface PulumiEnvironmentOptions {
  /** Root of this datacenter's state, e.g. `/var/lib/millwright`. */
  readonly stateRoot: string;
  /** Root of what can be rebuilt, e.g. `~/.cache/millwright`. */
  readonly cacheRoot: string;
  /** Where Pulumi keeps its plugins and settings. @default `pulumiHome({stateRoot})` */
  readonly pulumiHome?: string;
  /** Folder of the policy pack every `up` and `preview` runs. @default no policy pack */
  readonly policyPack?: string;
  /** Whether any plugin could not be downloaded. @default true */
  readonly noDownload?: boolean;
  /**
   * Whether the state is written after every step. Without, an interrupted run forgets what it created: the next run
   * adopts what it still declares, and what it no longer declares is left behind. @default true
   */
  readonly checkpoints?: boolean;
  /** Backend URL of the state. @default a folder below `stateRoot` */
  readonly backendUrl?: string;
}

/** Pulumi's home below a state root. */
export function pulumiHome(options: { readonly stateRoot: string }): string {
  return join(options.stateRoot, "pulumi", "home");
}

/** The folder that holds the state of the stacks of a state root; it must exist before the first `pulumi` call. */
export function pulumiStateFolder(options: { readonly stateRoot: string }): string {
  return join(options.stateRoot, "pulumi", "state");
}

/**
 * The variables with which plain `pulumi` and the scripts agree, so that both see one state and run one policy pack,
 * without a question and without writing to a committed file. Pure: nothing is read or created.
 *
 * The passphrase is empty: a random one would lie beside the state it protects, and Pulumi would write its salt into the
 * committed stack file, where it locks out every other machine. The salt of the empty one is committed instead. Stacks that
 * hold secrets name a `secretsprovider` such as `awskms://`, which needs none.
 */
export function pulumiEnvironment(options: PulumiEnvironmentOptions): Record<string, string> {
  return {
    PULUMI_HOME: options.pulumiHome ?? pulumiHome(options),
    PULUMI_BACKEND_URL: options.backendUrl ?? `file://${pulumiStateFolder(options)}?metadata=skip`,
    PULUMI_CONFIG_PASSPHRASE: "",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS: "true",
    // The engine makes much garbage and lives for seconds: collecting it less often saves a quarter of its time.
    GOGC: "400",
    NODE_COMPILE_CACHE: join(options.cacheRoot, "node-compile-cache"),
    ...(options.policyPack === undefined ? {} : { PULUMI_OPTION_POLICY_PACK: csvField(options.policyPack) }),
    ...((options.checkpoints ?? true) ? {} : { PULUMI_SKIP_CHECKPOINTS: "true" }),
    ...((options.noDownload ?? true) ? noDownloadEnvironment : {}),
    ...kubernetesEnvironment,
  };
}

/** What the official Kubernetes provider is told beside the program's own settings, and why. */
export const kubernetesEnvironment = {
  // It asks 50 times a second at most otherwise: a no-op of 500 objects takes 22 s in place of 8.
  PULUMI_K8S_CLIENT_QPS: "1000",
  PULUMI_K8S_CLIENT_BURST: "2000",
  // Data is changed in place, in place of an object that is away for a moment.
  PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE: "true",
  PULUMI_K8S_ENABLE_SECRET_MUTABLE: "true",
  // What an interrupted run made is taken over, though its fields are that run's; what somebody changed by hand is taken back.
  PULUMI_K8S_ENABLE_PATCH_FORCE: "true",
} as const;

/** Where a plugin could not be downloaded, and trying again at every run would only cost time. */
export const noDownloadEnvironment = {
  PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
} as const;

/** Pulumi reads list options from the environment as one CSV record. */
function csvField(value: string): string {
  return /[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

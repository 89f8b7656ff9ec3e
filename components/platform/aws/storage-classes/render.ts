import type { StorageClassArgs } from "@pulumi/kubernetes/storage/v1/storageClass.js";
import type { Input } from "@pulumi/pulumi";
import { labelsFor } from "../../../core/labels.ts";
import { awsName } from "../names.ts";
import { LUSTRE_VERSION } from "../storage/defaults.ts";
import { STACK_TAG } from "../tags.ts";
import { BLOCK_CLASS, LUSTRE_CLASS } from "./defaults.ts";

const labels = labelsFor({ component: "platform" });

/** Encrypted volumes of EBS, made in the zone of the pod that wants one first. */
export function renderBlockClass() {
  return {
    metadata: {
      name: BLOCK_CLASS,
      labels,
      annotations: { "storageclass.kubernetes.io/is-default-class": "true" },
    },
    provisioner: "ebs.csi.aws.com",
    parameters: { type: "gp3", encrypted: "true" },
    volumeBindingMode: "WaitForFirstConsumer",
    allowVolumeExpansion: true,
    reclaimPolicy: "Delete",
  } satisfies StorageClassArgs;
}

export interface LustreClassArgs {
  /** Name of the stack that has the cluster. */
  readonly stack: string;
  /** MB/s for each TiB. */
  readonly throughputPerTiB: number;
  readonly subnetId: Input<string>;
  readonly securityGroupId: Input<string>;
  /** ARN of the key that encrypts it. */
  readonly key: Input<string>;
}

/**
 * A file system for each claim, in the zone of the platform's own. The tags are what allows the driver to make and to remove
 * it: see `lustreDriverPolicy`.
 */
export function renderLustreClass(args: LustreClassArgs) {
  return {
    metadata: { name: LUSTRE_CLASS, labels },
    provisioner: "fsx.csi.aws.com",
    parameters: {
      subnetId: args.subnetId,
      securityGroupIds: args.securityGroupId,
      deploymentType: "PERSISTENT_2",
      fileSystemTypeVersion: LUSTRE_VERSION,
      perUnitStorageThroughput: String(args.throughputPerTiB),
      dataCompressionType: "LZ4",
      kmsKeyId: args.key,
      extraTags: `kubernetes.io/cluster=${awsName("cluster", args.stack)},${STACK_TAG}=${args.stack}`,
    },
    mountOptions: ["flock"],
    volumeBindingMode: "Immediate",
    allowVolumeExpansion: true,
    reclaimPolicy: "Delete",
  } satisfies StorageClassArgs;
}

import { IMAGE_NAMES } from "../../../stacks/schema.ts";
import type { ServiceAccountRef } from "./identity/types.ts";

/** Others' images that are copied into the registry by hand, so that what serves does not depend on another registry. */
const COPIED_IMAGES = ["vllm-openai"];

/** Images every stack of models uses. Those of single models are in repositories of their own stack. */
export const PLATFORM_IMAGES: readonly string[] = [...IMAGE_NAMES, ...COPIED_IMAGES];

/** Where Karpenter's chart puts its controller. */
export const KARPENTER: ServiceAccountRef = { namespace: "kube-system", serviceAccount: "karpenter" };

/** Where the Cluster Autoscaler's chart puts its controller. */
export const CLUSTER_AUTOSCALER: ServiceAccountRef = { namespace: "kube-system", serviceAccount: "cluster-autoscaler" };

/** Where KEDA's chart puts its operator. */
export const KEDA: ServiceAccountRef = { namespace: "keda", serviceAccount: "keda-operator" };

/** Numbers of days CloudWatch Logs keeps a group (CloudWatch Logs API, PutRetentionPolicy). */
export const RETENTION_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
] as const;

/**
 * What FSx for Lustre offers as PERSISTENT_2 on SSD: MB/s for each TiB, and sizes in GiB, the smallest and then steps
 * (Amazon FSx API, CreateFileSystemLustreConfiguration and StorageCapacity).
 */
export const LUSTRE_THROUGHPUTS = [125, 250, 500, 1000] as const;
export const LUSTRE_SMALLEST_GIB = 1200;
export const LUSTRE_STEP_GIB = 2400;

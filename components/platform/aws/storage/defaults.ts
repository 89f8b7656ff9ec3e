/** A bucket of the platform, and how long what is in it is worth its price. */
export interface BucketPlan {
  /** Last part of its name. */
  readonly purpose: "artifacts" | "checkpoints" | "datasets";
  /** Days until an object that nobody asks for moves to storage that is cheaper and slower to read. */
  readonly archiveDays?: number;
  /** Days until an object is removed. */
  readonly expireDays?: number;
  /** Days that a version which was overwritten or removed can be had back. */
  readonly oldVersionDays: number;
}

/**
 * What is stored where. A dataset is read again as long as its model lives; a checkpoint is of no use once its training has
 * ended, and trainings end within the month; an artifact may have to be shown years after it served.
 */
export const BUCKETS: readonly BucketPlan[] = [
  { purpose: "datasets", archiveDays: 90, oldVersionDays: 30 },
  { purpose: "checkpoints", expireDays: 30, oldVersionDays: 3 },
  { purpose: "artifacts", archiveDays: 180, oldVersionDays: 90 },
];

/** Days after which the parts of an upload that nobody finished are removed: they cost, and no list shows them. */
export const UNFINISHED_UPLOAD_DAYS = 7;

/** Folder of the Lustre file system that shows the datasets' bucket. */
export const DATASETS_FOLDER = "/datasets";

/** Ports of Lustre (Amazon FSx for Lustre User Guide, "File system access control with Amazon VPC"). */
export const LUSTRE_PORTS = [
  { from: 988, to: 988 },
  { from: 1018, to: 1023 },
] as const;

/** A version that clients of Amazon Linux 2023 speak. */
export const LUSTRE_VERSION = "2.15";

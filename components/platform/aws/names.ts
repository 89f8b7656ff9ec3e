import { shortHash } from "../../core/hash.ts";

/** First part of every name in an account, so that what belongs to Millwright is found and granted by prefix. */
const PREFIX = "millwright";

/** Longest name of a stack that has a cluster of its own; see {@link stackNameProblem}. */
export const MAX_STACK_NAME_LENGTH = 32;

/**
 * Longest name of each kind, in characters, where AWS has a limit near to what names take. Sources: the API references of
 * the services (IAM CreateRole, S3 bucket naming rules, RDS CreateDBInstance, EventBridge PutRule, SQS CreateQueue, EKS
 * CreateCluster and CreateNodegroup, AMP CreateWorkspace, ECR CreateRepository, EC2 CreateSecurityGroup).
 */
export const NAME_LIMITS = {
  alias: 256,
  bucket: 63,
  cluster: 100,
  database: 63,
  group: 255,
  logGroup: 512,
  nodeGroup: 63,
  queue: 80,
  repository: 256,
  role: 64,
  rule: 64,
  topic: 256,
  workspace: 100,
} as const;

export type NameKind = keyof typeof NAME_LIMITS;

/**
 * `millwright-<stack>-<part>`, in no more characters than AWS allows for its kind. Where it would be longer, the middle is
 * cut and a hash of the whole put in its place, so that two names that differ stay different.
 */
export function awsName(kind: NameKind, stack: string, ...parts: readonly string[]): string {
  return shorten([PREFIX, stack, ...parts].join("-"), NAME_LIMITS[kind]);
}

/**
 * A bucket's name, which no other account may have taken: it ends in the account's number.
 *
 * @param accountId twelve digits
 */
export function bucketName(stack: string, purpose: string, accountId: string): string {
  return awsName("bucket", stack, purpose, accountId);
}

/** Repositories of a stack's images lie below this path of the account's registry. */
export function repositoryPrefix(stack: string): string {
  return `${PREFIX}-${stack}`;
}

/** `<account>.dkr.ecr.<region>.amazonaws.com/millwright-<stack>`: what `platform.registry` is for an account's own images. */
export function registryOf(stack: string, { accountId, region }: { accountId: string; region: string }): string {
  return `${accountId}.dkr.ecr.${region}.${dnsSuffix(region)}/${repositoryPrefix(stack)}`;
}

/** `aws`, or what a region of China or of the government has in an ARN's second place. */
export function partitionOf(region: string): string {
  return region.startsWith("cn-") ? "aws-cn" : region.startsWith("us-gov-") ? "aws-us-gov" : "aws";
}

function dnsSuffix(region: string): string {
  return region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
}

/** What is wrong with the name of a stack that has a cluster of its own; undefined where nothing is. */
export function stackNameProblem(stack: string): string | undefined {
  // RDS and ECR take no two hyphens after each other.
  return new RegExp(`^(?=.{1,${MAX_STACK_NAME_LENGTH}}$)[a-z][a-z0-9]*(-[a-z0-9]+)*$`).test(stack)
    ? undefined
    : `must be at most ${MAX_STACK_NAME_LENGTH} of a-z, 0-9 and single '-' in between, starting with a letter: names in AWS are made of it`;
}

function shorten(name: string, limit: number): string {
  if (name.length <= limit) {
    return name;
  }
  const hash = shortHash(name);
  const kept = limit - hash.length - 2;
  // More of the end, which says what it is, than of the beginning, which is the same everywhere.
  const head = Math.floor(kept / 3);
  return `${trim(name.slice(0, head))}-${hash}-${trim(name.slice(name.length - (kept - head)))}`;
}

function trim(part: string): string {
  return part.replace(/^-+|-+$/g, "");
}

import { LogGroup } from "@pulumi/aws/cloudwatch/logGroup.js";
import { SecurityGroup } from "@pulumi/aws/ec2/securityGroup.js";
import { DataRepositoryAssociation } from "@pulumi/aws/fsx/dataRepositoryAssociation.js";
import { LustreFileSystem } from "@pulumi/aws/fsx/lustreFileSystem.js";
import { Bucket } from "@pulumi/aws/s3/bucket.js";
import { BucketLifecycleConfiguration } from "@pulumi/aws/s3/bucketLifecycleConfiguration.js";
import { BucketOwnershipControls } from "@pulumi/aws/s3/bucketOwnershipControls.js";
import { BucketPolicy } from "@pulumi/aws/s3/bucketPolicy.js";
import { BucketPublicAccessBlock } from "@pulumi/aws/s3/bucketPublicAccessBlock.js";
import { BucketServerSideEncryptionConfiguration } from "@pulumi/aws/s3/bucketServerSideEncryptionConfiguration.js";
import { BucketVersioning } from "@pulumi/aws/s3/bucketVersioning.js";
import { SecurityGroupEgressRule } from "@pulumi/aws/vpc/securityGroupEgressRule.js";
import { SecurityGroupIngressRule } from "@pulumi/aws/vpc/securityGroupIngressRule.js";
import { ComponentResource, type ComponentResourceOptions, type Output } from "@pulumi/pulumi";
import { BUCKETS, type BucketPlan } from "./defaults.ts";
import {
  renderBucket,
  renderBucketEncryption,
  renderBucketLifecycle,
  renderBucketPolicy,
  renderLustre,
  renderLustreGroup,
  renderLustreLogs,
  renderLustreRules,
  renderRepository,
} from "./render.ts";
import type { LustreArgs, StorageArgs } from "./types.ts";

/**
 * The buckets of the platform: encrypted with the stack's key, every version kept for a while, closed to the public and to
 * connections without TLS. Protected: the engine removes none before somebody unprotects it, and AWS none that holds
 * anything.
 */
export class AwsStorage extends ComponentResource {
  static readonly __pulumiType = "millwright:platform:AwsStorage";

  /** Names of the buckets, by what they are for. */
  readonly buckets: Readonly<Record<BucketPlan["purpose"], Output<string>>>;

  constructor(name: string, args: StorageArgs, opts?: ComponentResourceOptions) {
    const { key: _, ...plain } = args;
    super(AwsStorage.__pulumiType, name, plain, opts);
    const named = BUCKETS.map((plan) => [plan.purpose, this.#declareBucket(name, args, plan)] as const);
    this.buckets = Object.fromEntries(named) as AwsStorage["buckets"];
    this.registerOutputs({ buckets: this.buckets });
  }

  #declareBucket(name: string, args: StorageArgs, plan: BucketPlan): Output<string> {
    const child = `${name}-${plan.purpose}`;
    const parent = { parent: this };
    const { bucket } = new Bucket(child, renderBucket(args, plan), { ...parent, protect: true });
    const closed = new BucketPublicAccessBlock(
      child,
      { bucket, blockPublicAcls: true, blockPublicPolicy: true, ignorePublicAcls: true, restrictPublicBuckets: true },
      parent,
    );
    // Access lists of single objects are off: what the bucket's owner says holds for all of them.
    new BucketOwnershipControls(child, { bucket, rule: { objectOwnership: "BucketOwnerEnforced" } }, parent);
    new BucketServerSideEncryptionConfiguration(child, { bucket, ...renderBucketEncryption(args) }, parent);
    const versions = new BucketVersioning(child, { bucket, versioningConfiguration: { status: "Enabled" } }, parent);
    new BucketLifecycleConfiguration(
      child,
      { bucket, ...renderBucketLifecycle(plan) },
      { ...parent, dependsOn: versions },
    );
    // Changing a policy and the block of public ones at the same time makes S3 refuse one of the two.
    new BucketPolicy(child, { bucket, policy: renderBucketPolicy(args, plan) }, { ...parent, dependsOn: closed });
    return bucket;
  }
}

/** A file system that shows the datasets' bucket to many readers at once. Awaited: some fifteen minutes. */
export class AwsLustre extends ComponentResource {
  static readonly __pulumiType = "millwright:platform:AwsLustre";

  readonly fileSystemId: Output<string>;
  readonly dnsName: Output<string>;
  readonly mountName: Output<string>;
  /** The group of its servers, which file systems of claims have as well. */
  readonly securityGroupId: Output<string>;

  constructor(name: string, args: LustreArgs, opts?: ComponentResourceOptions) {
    const { stack, accountId, region, logRetentionDays, lustre } = args;
    super(AwsLustre.__pulumiType, name, { stack, accountId, region, logRetentionDays, lustre }, opts);
    const group = new SecurityGroup(name, renderLustreGroup(args), { parent: this });
    const rules = renderLustreRules(args, group.id).flatMap(({ name: rule, ...ruleArgs }) => [
      new SecurityGroupIngressRule(`${name}-in-${rule}`, ruleArgs, { parent: this }),
      new SecurityGroupEgressRule(`${name}-out-${rule}`, ruleArgs, { parent: this }),
    ]);
    const logs = new LogGroup(name, renderLustreLogs(args), { parent: this });
    const fileSystem = new LustreFileSystem(name, renderLustre(args, group.id, logs.arn), {
      parent: this,
      dependsOn: rules,
    });
    new DataRepositoryAssociation(`${name}-datasets`, renderRepository(args, fileSystem.id), { parent: this });
    this.fileSystemId = fileSystem.id;
    this.dnsName = fileSystem.dnsName;
    this.mountName = fileSystem.mountName;
    this.securityGroupId = group.id;
    this.registerOutputs({ fileSystemId: this.fileSystemId });
  }
}

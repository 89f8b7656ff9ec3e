import type { LogGroupArgs } from "@pulumi/aws/cloudwatch/logGroup.js";
import type { SecurityGroupArgs } from "@pulumi/aws/ec2/securityGroup.js";
import type { RoleArgs } from "@pulumi/aws/iam/role.js";
import type { InstanceArgs } from "@pulumi/aws/rds/instance.js";
import type { ParameterGroupArgs } from "@pulumi/aws/rds/parameterGroup.js";
import type { SubnetGroupArgs } from "@pulumi/aws/rds/subnetGroup.js";
import type { SecurityGroupIngressRuleArgs } from "@pulumi/aws/vpc/securityGroupIngressRule.js";
import type { Input } from "@pulumi/pulumi";
import { trustService } from "../identity/document.ts";
import { awsName } from "../names.ts";
import { tagsFor } from "../tags.ts";
import {
  BACKUP_WINDOW,
  CERTIFICATE_AUTHORITY,
  DATABASE_LOGS,
  INSIGHTS_DAYS,
  MAINTENANCE_WINDOW,
  MAX_STORAGE_GIB,
  MONITORING_SECONDS,
  PARAMETERS,
  POSTGRES_PORT,
  POSTGRES_USER,
  POSTGRES_VERSION,
  STORAGE_GROWTH,
} from "./defaults.ts";
import type { AwsDatabaseArgs } from "./types.ts";

export function renderSubnetGroup(args: AwsDatabaseArgs): SubnetGroupArgs {
  return {
    name: awsName("group", args.stack, "database"),
    description: "Private subnets of the cluster",
    subnetIds: [...args.subnetIds],
    tags: tagsFor(args.stack, "database"),
  };
}

export function renderParameterGroup({ stack }: AwsDatabaseArgs): ParameterGroupArgs {
  return {
    name: awsName("group", stack, `postgres${POSTGRES_VERSION}`),
    family: `postgres${POSTGRES_VERSION}`,
    description: "PostgreSQL that refuses connections in the clear",
    parameters: PARAMETERS.map((parameter) => ({ ...parameter, applyMethod: "immediate" })),
    tags: tagsFor(stack, "database"),
  };
}

export function renderDatabaseFirewall(args: AwsDatabaseArgs): SecurityGroupArgs {
  const name = awsName("group", args.stack, "database");
  return { vpcId: args.vpcId, name, description: "PostgreSQL", tags: tagsFor(args.stack, "database", name) };
}

export function renderDatabaseRule(args: AwsDatabaseArgs, group: Input<string>): SecurityGroupIngressRuleArgs {
  return {
    securityGroupId: group,
    referencedSecurityGroupId: args.clientGroupId,
    description: "PostgreSQL from the nodes",
    ipProtocol: "tcp",
    fromPort: POSTGRES_PORT,
    toPort: POSTGRES_PORT,
    tags: tagsFor(args.stack, "database"),
  };
}

export function renderMonitoringRole({ stack, accountId }: AwsDatabaseArgs): RoleArgs {
  return {
    name: awsName("role", stack, "database-monitoring"),
    description: "Writes measurements of the database's machine",
    assumeRolePolicy: trustService("monitoring.rds.amazonaws.com", accountId),
    tags: tagsFor(stack, "database"),
  };
}

/** RDS writes into groups of these names, and would make them without end or key. */
export function renderDatabaseLogs(args: AwsDatabaseArgs): readonly (LogGroupArgs & { readonly log: string })[] {
  return DATABASE_LOGS.map((log) => ({
    log,
    name: `/aws/rds/instance/${databaseIdentifier(args)}/${log}`,
    retentionInDays: args.logRetentionDays,
    kmsKeyId: args.key,
    tags: tagsFor(args.stack, "database"),
  }));
}

export interface DatabaseContext {
  readonly subnetGroup: Input<string>;
  readonly parameterGroup: Input<string>;
  readonly securityGroupId: Input<string>;
  readonly monitoringRoleArn: Input<string>;
  readonly password: Input<string>;
}

/** The server: in private subnets, encrypted, backed up, and not to be deleted before somebody says so twice. */
export function renderDatabase(args: AwsDatabaseArgs, context: DatabaseContext): InstanceArgs {
  const { instanceClass, storageGiB, multiZone, backupDays } = args.database;
  const identifier = databaseIdentifier(args);
  return {
    identifier,
    engine: "postgres",
    engineVersion: POSTGRES_VERSION,
    autoMinorVersionUpgrade: true,
    instanceClass,
    storageType: "gp3",
    allocatedStorage: storageGiB,
    maxAllocatedStorage: Math.min(storageGiB * STORAGE_GROWTH, MAX_STORAGE_GIB),
    storageEncrypted: true,
    kmsKeyId: args.key,
    username: POSTGRES_USER,
    password: context.password,
    iamDatabaseAuthenticationEnabled: true,
    port: POSTGRES_PORT,
    caCertIdentifier: CERTIFICATE_AUTHORITY,
    dbSubnetGroupName: context.subnetGroup,
    vpcSecurityGroupIds: [context.securityGroupId],
    publiclyAccessible: false,
    multiAz: multiZone,
    parameterGroupName: context.parameterGroup,
    backupRetentionPeriod: backupDays,
    backupWindow: BACKUP_WINDOW,
    maintenanceWindow: MAINTENANCE_WINDOW,
    applyImmediately: false,
    copyTagsToSnapshot: true,
    deleteAutomatedBackups: false,
    deletionProtection: true,
    skipFinalSnapshot: false,
    finalSnapshotIdentifier: awsName("group", args.stack, "database", "final"),
    enabledCloudwatchLogsExports: [...DATABASE_LOGS],
    monitoringInterval: MONITORING_SECONDS,
    monitoringRoleArn: context.monitoringRoleArn,
    databaseInsightsMode: "standard",
    performanceInsightsEnabled: true,
    performanceInsightsKmsKeyId: args.key,
    performanceInsightsRetentionPeriod: INSIGHTS_DAYS,
    tags: tagsFor(args.stack, "database"),
  };
}

function databaseIdentifier({ stack }: AwsDatabaseArgs): string {
  return awsName("database", stack);
}

import assert from "node:assert/strict";
import type { Request } from "./model.ts";

/**
 * Which calls of which API each resource comes to, and which of its inputs go into which. Written down from the API
 * references; what a resource's inputs are called where the API calls them otherwise is said here, and nothing else.
 */

type Inputs = Readonly<Record<string, unknown>>;

/** Hands out a resource's inputs and knows which nobody asked for. */
export class Reader {
  readonly id: string;
  readonly #inputs: Map<string, unknown>;

  constructor(inputs: Inputs, id: string) {
    this.id = id;
    this.#inputs = new Map(Object.entries(inputs).filter(([, value]) => value !== undefined));
  }

  take(key: string): unknown {
    const value = this.#inputs.get(key);
    this.#inputs.delete(key);
    return value;
  }

  /** Some inputs by the API's names, those that are there. */
  pick(names: Readonly<Record<string, string>>): Record<string, unknown> {
    return Object.fromEntries(
      Object.entries(names).flatMap(([key, member]) => {
        const value = this.take(key);
        return value === undefined ? [] : [[member, value] as const];
      }),
    );
  }

  /** All inputs that are left, under their own names. */
  rest(): Record<string, unknown> {
    const all = Object.fromEntries(this.#inputs);
    this.#inputs.clear();
    return all;
  }

  get left(): readonly string[] {
    return [...this.#inputs.keys()];
  }
}

/** `service.Operation` with its input; names are brought into the API's form by the model. */
function call(name: string, input: object): Request {
  const [service = "", operation = ""] = name.split(".");
  return { service, operation, input: input as Inputs };
}

/** Tags as EC2 takes them when something is made. */
function ec2Tags(reader: Reader, resourceType: string): object {
  const tags = reader.take("tags");
  return tags === undefined ? {} : { TagSpecifications: [{ ResourceType: resourceType, Tags: tags }] };
}

function rule(operation: string) {
  return (reader: Reader): Request[] => {
    const description = reader.pick({ description: "Description" });
    const cidr = reader.take("cidrIpv4");
    const peer = reader.take("referencedSecurityGroupId");
    const permission = {
      ...reader.pick({ ipProtocol: "IpProtocol", fromPort: "FromPort", toPort: "ToPort" }),
      ...(cidr === undefined ? {} : { IpRanges: [{ CidrIp: cidr, ...description }] }),
      ...(peer === undefined ? {} : { UserIdGroupPairs: [{ GroupId: peer, ...description }] }),
    };
    const group = reader.pick({ securityGroupId: "GroupId" });
    return [
      call(`ec2.${operation}`, { ...group, IpPermissions: [permission], ...ec2Tags(reader, "security-group-rule") }),
    ];
  };
}

/** A part of a bucket's settings, put by an operation of its own. */
function bucketPart(operation: string, member: string, content: (reader: Reader) => unknown) {
  return (reader: Reader): Request[] => [
    call(`s3.${operation}`, { ...reader.pick({ bucket: "Bucket" }), [member]: content(reader) }),
  ];
}

function renamed(value: unknown, names: Readonly<Record<string, string>>): unknown {
  assert.ok(value !== null && typeof value === "object");
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [names[key] ?? key, item]));
}

export const OPERATIONS: Readonly<Record<string, (reader: Reader) => Request[]>> = {
  "aws:amp/alertManagerDefinition:AlertManagerDefinition": (r) => [
    call("amp.CreateAlertManagerDefinition", { ...r.pick({ definition: "data" }), ...r.rest() }),
  ],
  "aws:amp/ruleGroupNamespace:RuleGroupNamespace": (r) => [call("amp.CreateRuleGroupsNamespace", r.rest())],
  "aws:amp/scraper:Scraper": (r) => {
    const source = r.take("source") as { eks: object };
    const destination = r.take("destination") as { amp: object };
    const scrapeConfiguration = { configurationBlob: r.take("scrapeConfiguration") };
    return [
      call("amp.CreateScraper", {
        ...r.rest(),
        source: { eksConfiguration: source.eks },
        destination: { ampConfiguration: destination.amp },
        scrapeConfiguration,
      }),
    ];
  },
  "aws:amp/workspace:Workspace": (r) => {
    const logging = r.take("loggingConfiguration") as object;
    return [
      call("amp.CreateWorkspace", r.rest()),
      call("amp.CreateLoggingConfiguration", {
        workspaceId: r.id,
        ...(renamed(logging, { logGroupArn: "logGroupArn" }) as object),
      }),
    ];
  },
  "aws:autoscaling/tag:Tag": (r) => {
    const group = r.take("autoscalingGroupName");
    const tag = r.take("tag") as object;
    return [
      call("autoscaling.CreateOrUpdateTags", {
        Tags: [{ ResourceId: group, ResourceType: "auto-scaling-group", ...tag }],
      }),
    ];
  },
  "aws:cloudwatch/eventRule:EventRule": (r) => [call("events.PutRule", r.rest())],
  "aws:cloudwatch/eventTarget:EventTarget": (r) => [
    call("events.PutTargets", { ...r.pick({ rule: "Rule" }), Targets: [r.pick({ targetId: "Id", arn: "Arn" })] }),
  ],
  "aws:cloudwatch/logGroup:LogGroup": (r) => {
    const name = r.take("name");
    return [
      call("logs.PutRetentionPolicy", { logGroupName: name, ...r.pick({ retentionInDays: "retentionInDays" }) }),
      call("logs.CreateLogGroup", { logGroupName: name, ...r.rest() }),
    ];
  },
  // It is there with the network; what is done is to tag it and to take its rules away.
  "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": (r) => [
    call("ec2.CreateTags", { Resources: [r.id], Tags: r.take("tags") }),
  ],
  "aws:ec2/eip:Eip": (r) => [call("ec2.AllocateAddress", { ...ec2Tags(r, "elastic-ip"), ...r.rest() })],
  "aws:ec2/flowLog:FlowLog": (r) => [
    call("ec2.CreateFlowLogs", {
      ResourceIds: [r.take("vpcId")],
      ResourceType: "VPC",
      ...r.pick({ iamRoleArn: "DeliverLogsPermissionArn" }),
      ...ec2Tags(r, "vpc-flow-log"),
      ...r.rest(),
    }),
  ],
  "aws:ec2/internetGateway:InternetGateway": (r) => [
    call("ec2.CreateInternetGateway", ec2Tags(r, "internet-gateway")),
    call("ec2.AttachInternetGateway", { InternetGatewayId: r.id, ...r.pick({ vpcId: "VpcId" }) }),
  ],
  "aws:ec2/launchTemplate:LaunchTemplate": (r) => {
    const frame = {
      ...r.pick({ name: "LaunchTemplateName", description: "VersionDescription" }),
      ...ec2Tags(r, "launch-template"),
    };
    const reservation = r.take("capacityReservationSpecification") as Record<string, unknown> | undefined;
    const market = r.take("instanceMarketOptions");
    const data = {
      ...r.pick({ vpcSecurityGroupIds: "SecurityGroupIds" }),
      ...(reservation === undefined ? {} : { CapacityReservationSpecification: reservation }),
      ...(market === undefined ? {} : { InstanceMarketOptions: market }),
      ...Object.fromEntries(
        [
          "blockDeviceMappings",
          "ebsOptimized",
          "imageId",
          "instanceType",
          "metadataOptions",
          "monitoring",
          "placement",
          "tagSpecifications",
          "userData",
        ].flatMap((key) => {
          const value = r.take(key);
          return value === undefined ? [] : [[key, value] as const];
        }),
      ),
      ...interfaces(r.take("networkInterfaces")),
    };
    return [call("ec2.CreateLaunchTemplate", { ...frame, LaunchTemplateData: data })];
  },
  "aws:ec2/natGateway:NatGateway": (r) => [call("ec2.CreateNatGateway", { ...ec2Tags(r, "natgateway"), ...r.rest() })],
  "aws:ec2/placementGroup:PlacementGroup": (r) => [
    call("ec2.CreatePlacementGroup", {
      ...r.pick({ name: "GroupName" }),
      ...ec2Tags(r, "placement-group"),
      ...r.rest(),
    }),
  ],
  "aws:ec2/route:Route": (r) => [call("ec2.CreateRoute", r.rest())],
  "aws:ec2/routeTable:RouteTable": (r) => [call("ec2.CreateRouteTable", { ...ec2Tags(r, "route-table"), ...r.rest() })],
  "aws:ec2/routeTableAssociation:RouteTableAssociation": (r) => [call("ec2.AssociateRouteTable", r.rest())],
  "aws:ec2/securityGroup:SecurityGroup": (r) => [
    call("ec2.CreateSecurityGroup", { ...r.pick({ name: "GroupName" }), ...ec2Tags(r, "security-group"), ...r.rest() }),
  ],
  "aws:ec2/subnet:Subnet": (r) => [
    call("ec2.ModifySubnetAttribute", { SubnetId: r.id, ...r.pick({ mapPublicIpOnLaunch: "MapPublicIpOnLaunch" }) }),
    call("ec2.CreateSubnet", { ...ec2Tags(r, "subnet"), ...r.rest() }),
  ],
  "aws:ec2/vpc:Vpc": (r) => [
    call("ec2.ModifyVpcAttribute", { VpcId: r.id, ...r.pick({ enableDnsHostnames: "EnableDnsHostnames" }) }),
    call("ec2.ModifyVpcAttribute", { VpcId: r.id, ...r.pick({ enableDnsSupport: "EnableDnsSupport" }) }),
    call("ec2.CreateVpc", { ...ec2Tags(r, "vpc"), ...r.rest() }),
  ],
  "aws:ec2/vpcEndpoint:VpcEndpoint": (r) => [
    call("ec2.CreateVpcEndpoint", { ...ec2Tags(r, "vpc-endpoint"), ...r.rest() }),
  ],
  "aws:ecr/lifecyclePolicy:LifecyclePolicy": (r) => [
    call("ecr.PutLifecyclePolicy", r.pick({ repository: "repositoryName", policy: "lifecyclePolicyText" })),
  ],
  "aws:ecr/repository:Repository": (r) => [
    call("ecr.CreateRepository", {
      ...r.pick({ name: "repositoryName" }),
      // Of the list the API takes one.
      encryptionConfiguration: (r.take("encryptionConfigurations") as object[])[0],
      ...r.rest(),
    }),
  ],
  "aws:eks/accessEntry:AccessEntry": (r) => [call("eks.CreateAccessEntry", r.rest())],
  "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": (r) => [call("eks.AssociateAccessPolicy", r.rest())],
  "aws:eks/addon:Addon": (r) => {
    const [create, update] = [r.take("resolveConflictsOnCreate"), r.take("resolveConflictsOnUpdate")];
    const rest = r.rest();
    const { clusterName, addonName } = rest;
    return [
      call("eks.CreateAddon", { ...rest, resolveConflicts: create }),
      call("eks.UpdateAddon", { clusterName, addonName, resolveConflicts: update }),
    ];
  },
  "aws:eks/cluster:Cluster": (r) => {
    const types = r.take("enabledClusterLogTypes");
    return [
      call("eks.CreateCluster", {
        ...r.pick({ vpcConfig: "resourcesVpcConfig" }),
        logging: { clusterLogging: [{ types, enabled: true }] },
        ...r.rest(),
      }),
    ];
  },
  "aws:eks/nodeGroup:NodeGroup": (r) => [
    call("eks.CreateNodegroup", {
      ...r.pick({ nodeGroupName: "nodegroupName", nodeRoleArn: "nodeRole", subnetIds: "subnets" }),
      ...r.rest(),
    }),
  ],
  "aws:eks/podIdentityAssociation:PodIdentityAssociation": (r) => [call("eks.CreatePodIdentityAssociation", r.rest())],
  "aws:fsx/dataRepositoryAssociation:DataRepositoryAssociation": (r) => [
    call("fsx.CreateDataRepositoryAssociation", r.rest()),
  ],
  "aws:fsx/lustreFileSystem:LustreFileSystem": (r) => {
    const frame = r.pick({
      fileSystemTypeVersion: "FileSystemTypeVersion",
      kmsKeyId: "KmsKeyId",
      securityGroupIds: "SecurityGroupIds",
      storageCapacity: "StorageCapacity",
      storageType: "StorageType",
      subnetIds: "SubnetIds",
      tags: "Tags",
    });
    const skipFinalBackup = r.take("skipFinalBackup");
    return [
      call("fsx.CreateFileSystem", { FileSystemType: "LUSTRE", ...frame, LustreConfiguration: r.rest() }),
      call("fsx.DeleteFileSystem", { FileSystemId: r.id, LustreConfiguration: { SkipFinalBackup: skipFinalBackup } }),
    ];
  },
  "aws:iam/role:Role": (r) => [
    call("iam.CreateRole", {
      ...r.pick({ name: "RoleName", assumeRolePolicy: "AssumeRolePolicyDocument" }),
      ...r.rest(),
    }),
  ],
  "aws:iam/rolePolicy:RolePolicy": (r) => [
    call("iam.PutRolePolicy", r.pick({ name: "PolicyName", role: "RoleName", policy: "PolicyDocument" })),
  ],
  "aws:iam/rolePolicyAttachment:RolePolicyAttachment": (r) => [
    call("iam.AttachRolePolicy", r.pick({ role: "RoleName", policyArn: "PolicyArn" })),
  ],
  "aws:kms/alias:Alias": (r) => [call("kms.CreateAlias", r.pick({ name: "AliasName", targetKeyId: "TargetKeyId" }))],
  "aws:kms/key:Key": (r) => {
    assert.equal(r.take("enableKeyRotation"), true);
    return [
      call("kms.EnableKeyRotation", { KeyId: r.id }),
      call("kms.ScheduleKeyDeletion", { KeyId: r.id, ...r.pick({ deletionWindowInDays: "PendingWindowInDays" }) }),
      call("kms.CreateKey", r.rest()),
    ];
  },
  "aws:rds/instance:Instance": (r) => {
    const [snapshot, skip, deleteBackups] = [
      r.take("finalSnapshotIdentifier"),
      r.take("skipFinalSnapshot"),
      r.take("deleteAutomatedBackups"),
    ];
    const identifier = r.take("identifier");
    const immediately = r.take("applyImmediately");
    return [
      call("rds.ModifyDBInstance", { DBInstanceIdentifier: identifier, ApplyImmediately: immediately }),
      call("rds.DeleteDBInstance", {
        DBInstanceIdentifier: identifier,
        FinalDBSnapshotIdentifier: snapshot,
        SkipFinalSnapshot: skip,
        DeleteAutomatedBackups: deleteBackups,
      }),
      call("rds.CreateDBInstance", {
        DBInstanceIdentifier: identifier,
        ...r.pick({
          backupWindow: "PreferredBackupWindow",
          caCertIdentifier: "CACertificateIdentifier",
          enabledCloudwatchLogsExports: "EnableCloudwatchLogsExports",
          iamDatabaseAuthenticationEnabled: "EnableIAMDatabaseAuthentication",
          instanceClass: "DBInstanceClass",
          maintenanceWindow: "PreferredMaintenanceWindow",
          parameterGroupName: "DBParameterGroupName",
          password: "MasterUserPassword",
          performanceInsightsEnabled: "EnablePerformanceInsights",
          username: "MasterUsername",
        }),
        ...r.rest(),
      }),
    ];
  },
  "aws:rds/parameterGroup:ParameterGroup": (r) => {
    const name = r.take("name");
    const parameters = (r.take("parameters") as object[]).map((parameter) =>
      renamed(parameter, { name: "ParameterName", value: "ParameterValue" }),
    );
    return [
      call("rds.ModifyDBParameterGroup", { DBParameterGroupName: name, Parameters: parameters }),
      call("rds.CreateDBParameterGroup", {
        DBParameterGroupName: name,
        ...r.pick({ family: "DBParameterGroupFamily" }),
        ...r.rest(),
      }),
    ];
  },
  "aws:rds/subnetGroup:SubnetGroup": (r) => [
    call("rds.CreateDBSubnetGroup", {
      ...r.pick({ name: "DBSubnetGroupName", description: "DBSubnetGroupDescription" }),
      ...r.rest(),
    }),
  ],
  "aws:s3/bucket:Bucket": (r) => {
    const bucket = r.take("bucket");
    return [
      call("s3.CreateBucket", { Bucket: bucket }),
      call("s3.PutBucketTagging", { Bucket: bucket, Tagging: { TagSet: r.take("tags") } }),
    ];
  },
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": bucketPart(
    "PutBucketLifecycleConfiguration",
    "LifecycleConfiguration",
    (r) => ({ Rules: (r.take("rules") as object[]).map((each) => renamed(each, { id: "ID" })) }),
  ),
  "aws:s3/bucketOwnershipControls:BucketOwnershipControls": bucketPart(
    "PutBucketOwnershipControls",
    "OwnershipControls",
    (r) => ({ Rules: [r.take("rule")] }),
  ),
  "aws:s3/bucketPolicy:BucketPolicy": bucketPart("PutBucketPolicy", "Policy", (r) => r.take("policy")),
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": bucketPart(
    "PutPublicAccessBlock",
    "PublicAccessBlockConfiguration",
    (r) => r.rest(),
  ),
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": bucketPart(
    "PutBucketEncryption",
    "ServerSideEncryptionConfiguration",
    (r) => ({
      Rules: (r.take("rules") as { applyServerSideEncryptionByDefault: object }[]).map(
        ({ applyServerSideEncryptionByDefault: key, ...rest }) => ({
          ...rest,
          ApplyServerSideEncryptionByDefault: renamed(key, { kmsMasterKeyId: "KMSMasterKeyID" }),
        }),
      ),
    }),
  ),
  "aws:s3/bucketVersioning:BucketVersioning": bucketPart("PutBucketVersioning", "VersioningConfiguration", (r) =>
    r.take("versioningConfiguration"),
  ),
  "aws:sns/topic:Topic": (r) => [
    call("sns.CreateTopic", {
      ...r.pick({ name: "Name", tags: "Tags" }),
      Attributes: r.pick({ kmsMasterKeyId: "KmsMasterKeyId" }),
    }),
  ],
  "aws:sns/topicPolicy:TopicPolicy": (r) => [
    call("sns.SetTopicAttributes", {
      ...r.pick({ arn: "TopicArn" }),
      AttributeName: "Policy",
      AttributeValue: r.take("policy"),
    }),
  ],
  "aws:sqs/queue:Queue": (r) => [
    call("sqs.CreateQueue", {
      ...r.pick({ name: "QueueName", tags: "tags" }),
      Attributes: Object.fromEntries(
        Object.entries(
          r.pick({ messageRetentionSeconds: "MessageRetentionPeriod", sqsManagedSseEnabled: "SqsManagedSseEnabled" }),
        ).map(([name, value]) => [name, String(value)]),
      ),
    }),
  ],
  "aws:sqs/queuePolicy:QueuePolicy": (r) => [
    call("sqs.SetQueueAttributes", { ...r.pick({ queueUrl: "QueueUrl" }), Attributes: { Policy: r.take("policy") } }),
  ],
  "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": rule("AuthorizeSecurityGroupEgress"),
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": rule("AuthorizeSecurityGroupIngress"),
};

/** Groups of an interface are its `Groups` in the API. */
function interfaces(value: unknown): object {
  return value === undefined
    ? {}
    : { NetworkInterfaces: (value as object[]).map((each) => renamed(each, { securityGroups: "Groups" })) };
}

/** Inputs that are no part of any call, and why. */
export const NO_CALL: Readonly<Record<string, string>> = {
  "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup.vpcId": "the provider finds the group by it",
  "aws:ec2/launchTemplate:LaunchTemplate.updateDefaultVersion":
    "has the provider call ModifyLaunchTemplate with the version EC2 answers",
};

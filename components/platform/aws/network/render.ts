import type { LogGroupArgs } from "@pulumi/aws/cloudwatch/logGroup.js";
import type { EipArgs } from "@pulumi/aws/ec2/eip.js";
import type { FlowLogArgs } from "@pulumi/aws/ec2/flowLog.js";
import type { SecurityGroupArgs } from "@pulumi/aws/ec2/securityGroup.js";
import type { SubnetArgs } from "@pulumi/aws/ec2/subnet.js";
import type { VpcArgs } from "@pulumi/aws/ec2/vpc.js";
import type { VpcEndpointArgs } from "@pulumi/aws/ec2/vpcEndpoint.js";
import type { RoleArgs } from "@pulumi/aws/iam/role.js";
import type { SecurityGroupIngressRuleArgs } from "@pulumi/aws/vpc/securityGroupIngressRule.js";
import type { Input } from "@pulumi/pulumi";
import { regionalArn } from "../arns.ts";
import { policyDocument, trustService } from "../identity/document.ts";
import { awsName } from "../names.ts";
import { discoveryTags, type Tags, tagsFor } from "../tags.ts";
import type { AwsContext } from "../types.ts";
import { formatBlock, knownBlock } from "./addresses.ts";
import { FLOW_LOG_SECONDS, INTERFACE_ENDPOINTS, privateBlock, publicBlock } from "./defaults.ts";
import type { NetworkArgs } from "./types.ts";

/** Tags by which the AWS load balancer controller finds the subnets of load balancers that face the inside and the outside. */
const INTERNAL_TAG = { "kubernetes.io/role/internal-elb": "1" };
const EXTERNAL_TAG = { "kubernetes.io/role/elb": "1" };

/** The tags of a part of the network; the console shows it as `millwright-<stack>-<part>`. */
export function networkTags({ stack }: AwsContext, ...parts: readonly string[]): Tags {
  return tagsFor(stack, "network", awsName("group", stack, ...parts));
}

export function renderVpc(args: NetworkArgs): VpcArgs {
  return {
    cidrBlock: args.cidr,
    // Private names of AWS's services and of EKS's own endpoint are answered inside only with both.
    enableDnsHostnames: true,
    enableDnsSupport: true,
    tags: networkTags(args),
  };
}

/** Of the n-th zone, for nodes and pods. */
export function renderPrivateSubnet(args: NetworkArgs, vpcId: Input<string>, index: number): SubnetArgs {
  const tags = { ...networkTags(args, "private", zoneOf(args, index)), ...INTERNAL_TAG, ...discoveryTags(args.stack) };
  return subnet(args, vpcId, index, formatBlock(privateBlock(knownBlock(args.cidr), index)), tags);
}

/** Of the n-th zone, for NAT gateways and load balancers. Nothing in it gets a public address by itself. */
export function renderPublicSubnet(args: NetworkArgs, vpcId: Input<string>, index: number): SubnetArgs {
  const tags = { ...networkTags(args, "public", zoneOf(args, index)), ...EXTERNAL_TAG };
  return subnet(args, vpcId, index, formatBlock(publicBlock(knownBlock(args.cidr), index)), tags);
}

function subnet(args: NetworkArgs, vpcId: Input<string>, index: number, cidrBlock: string, tags: Tags): SubnetArgs {
  return { vpcId, cidrBlock, availabilityZone: zoneOf(args, index), mapPublicIpOnLaunch: false, tags };
}

function zoneOf({ zones }: NetworkArgs, index: number): string {
  const zone = zones[index];
  if (zone === undefined) {
    throw new Error(`the network has no zone ${index}`);
  }
  return zone;
}

/** Zones that have a way out of their own; the others take the first one's. */
export function gatewayZones({ zones, natGateways }: NetworkArgs): readonly string[] {
  return natGateways === "one" ? zones.slice(0, 1) : zones;
}

export function renderAddress(args: NetworkArgs, zone: string): EipArgs {
  return { domain: "vpc", tags: networkTags(args, "nat", zone) };
}

/** Objects of S3 come in and go out without a NAT gateway and its price a GB. */
export function renderS3Endpoint(
  args: NetworkArgs,
  vpcId: Input<string>,
  routeTableIds: readonly Input<string>[],
): VpcEndpointArgs {
  return {
    vpcId,
    serviceName: serviceName(args, "s3"),
    vpcEndpointType: "Gateway",
    routeTableIds: [...routeTableIds],
    tags: networkTags(args, "s3"),
  };
}

/** Services that get an address in each private subnet, sorted. */
export function endpointServices({ endpoints = [] }: NetworkArgs): readonly string[] {
  return [...new Set<string>([...INTERFACE_ENDPOINTS, ...endpoints])].sort();
}

export function renderInterfaceEndpoint(
  args: NetworkArgs,
  service: string,
  where: { vpcId: Input<string>; subnetIds: readonly Input<string>[]; securityGroupId: Input<string> },
): VpcEndpointArgs {
  return {
    vpcId: where.vpcId,
    serviceName: serviceName(args, service),
    vpcEndpointType: "Interface",
    privateDnsEnabled: true,
    subnetIds: [...where.subnetIds],
    securityGroupIds: [where.securityGroupId],
    tags: networkTags(args, service),
  };
}

function serviceName({ region }: AwsContext, service: string): string {
  return `${region.startsWith("cn-") ? "cn.com.amazonaws" : "com.amazonaws"}.${region}.${service}`;
}

export function renderEndpointGroup(args: NetworkArgs, vpcId: Input<string>): SecurityGroupArgs {
  return {
    vpcId,
    name: awsName("group", args.stack, "endpoints"),
    description: "Services of AWS inside the network",
    tags: networkTags(args, "endpoints"),
  };
}

/** Whoever is in the network may ask a service; what it may ask for says IAM. */
export function renderEndpointRule(args: NetworkArgs, securityGroupId: Input<string>): SecurityGroupIngressRuleArgs {
  return {
    securityGroupId,
    description: "HTTPS from the network",
    cidrIpv4: args.cidr,
    ipProtocol: "tcp",
    fromPort: 443,
    toPort: 443,
    tags: networkTags(args, "endpoints"),
  };
}

export function renderFlowLogGroup(args: NetworkArgs): LogGroupArgs {
  return {
    name: flowLogGroup(args),
    retentionInDays: args.logRetentionDays,
    kmsKeyId: args.logKey,
    tags: networkTags(args, "flow-logs"),
  };
}

export function renderFlowLogRole(args: NetworkArgs): RoleArgs {
  return {
    name: awsName("role", args.stack, "flow-logs"),
    description: "Writes flow logs of the network",
    assumeRolePolicy: trustService("vpc-flow-logs.amazonaws.com", args.accountId),
    tags: networkTags(args, "flow-logs"),
  };
}

export function renderFlowLogPolicy(args: NetworkArgs): string {
  const group = regionalArn(args, "logs", `log-group:${flowLogGroup(args)}`);
  return policyDocument([
    {
      sid: "Write",
      actions: ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
      resources: [group, `${group}:*`],
    },
  ]);
}

export function renderFlowLog(
  args: NetworkArgs,
  { vpcId, roleArn, groupArn }: Readonly<Record<"vpcId" | "roleArn" | "groupArn", Input<string>>>,
): FlowLogArgs {
  return {
    vpcId,
    trafficType: "ALL",
    logDestinationType: "cloud-watch-logs",
    logDestination: groupArn,
    iamRoleArn: roleArn,
    maxAggregationInterval: FLOW_LOG_SECONDS,
    tags: networkTags(args, "flow-logs"),
  };
}

function flowLogGroup({ stack }: AwsContext): string {
  return `/millwright/${stack}/flow-logs`;
}

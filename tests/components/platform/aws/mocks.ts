import { createHash } from "node:crypto";
import type { ProviderAnswer } from "../../engine.ts";

/**
 * Answers as AWS does: ids and ARNs in AWS's own forms, so that what refers to a resource can be judged by AWS's patterns.
 * Everything is derived from names, so that runs are alike.
 */

export const ACCOUNT = "111122223333";

function hex(name: string, length: number): string {
  return createHash("sha256").update(name).digest("hex").slice(0, length);
}

/** Ids of EC2 and the like are a prefix and seventeen digits. */
const ID_PREFIXES: Readonly<Record<string, string>> = {
  "aws:ec2/eip:Eip": "eipalloc",
  "aws:ec2/flowLog:FlowLog": "fl",
  "aws:ec2/internetGateway:InternetGateway": "igw",
  "aws:ec2/launchTemplate:LaunchTemplate": "lt",
  "aws:ec2/natGateway:NatGateway": "nat",
  "aws:ec2/placementGroup:PlacementGroup": "pg",
  "aws:ec2/routeTable:RouteTable": "rtb",
  "aws:ec2/routeTableAssociation:RouteTableAssociation": "rtbassoc",
  "aws:ec2/securityGroup:SecurityGroup": "sg",
  "aws:ec2/subnet:Subnet": "subnet",
  "aws:ec2/vpc:Vpc": "vpc",
  "aws:ec2/vpcEndpoint:VpcEndpoint": "vpce",
  "aws:fsx/lustreFileSystem:LustreFileSystem": "fs",
  "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": "sgr",
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": "sgr",
};

type State = Record<string, unknown>;

/** What is known of a resource when it has been made, beyond its inputs. */
function madeOf(type: string, name: string, inputs: State, region: string): { id?: string; state: State } {
  const arn = (service: string, resource: string) => `arn:aws:${service}:${region}:${ACCOUNT}:${resource}`;
  const text = (key: string) => String(inputs[key]);
  switch (type) {
    case "aws:kms/key:Key": {
      const id = hex(name, 32).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
      return { id, state: { keyId: id, arn: arn("kms", `key/${id}`) } };
    }
    case "aws:iam/role:Role":
      return { id: text("name"), state: { arn: `arn:aws:iam::${ACCOUNT}:role/${text("name")}` } };
    case "aws:cloudwatch/logGroup:LogGroup":
      return { id: text("name"), state: { arn: arn("logs", `log-group:${text("name")}`) } };
    case "aws:eks/cluster:Cluster":
      return {
        id: text("name"),
        state: {
          arn: arn("eks", `cluster/${text("name")}`),
          endpoint: `https://${hex(name, 32).toUpperCase()}.gr7.${region}.eks.amazonaws.com`,
          certificateAuthority: { data: "Y2VydGlmaWNhdGU=" },
          vpcConfig: { ...(inputs["vpcConfig"] as State), clusterSecurityGroupId: `sg-${hex(`${name}-own`, 17)}` },
        },
      };
    case "aws:ec2/launchTemplate:LaunchTemplate":
      return { state: { latestVersion: 1, arn: arn("ec2", `launch-template/lt-${hex(name, 17)}`) } };
    case "aws:ec2/eip:Eip":
      return { state: { allocationId: `eipalloc-${hex(name, 17)}` } };
    case "aws:ec2/placementGroup:PlacementGroup":
      return { id: text("name"), state: { placementGroupId: `pg-${hex(name, 17)}` } };
    case "aws:eks/nodeGroup:NodeGroup":
      return {
        state: { resources: [{ autoscalingGroups: [{ name: `eks-${text("nodeGroupName")}-${hex(name, 8)}` }] }] },
      };
    case "aws:s3/bucket:Bucket":
      return { id: text("bucket"), state: { arn: `arn:aws:s3:::${text("bucket")}` } };
    case "aws:fsx/lustreFileSystem:LustreFileSystem": {
      const id = `fs-${hex(name, 17)}`;
      return { state: { dnsName: `${id}.fsx.${region}.amazonaws.com`, mountName: hex(name, 8) } };
    }
    case "aws:rds/instance:Instance":
      return { state: { address: `${text("identifier")}.${hex(name, 12)}.${region}.rds.amazonaws.com` } };
    case "aws:amp/workspace:Workspace": {
      const id = `ws-${hex(name, 32).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5")}`;
      const url = `https://aps-workspaces.${region}.amazonaws.com/workspaces/${id}/`;
      return { id, state: { arn: arn("aps", `workspace/${id}`), prometheusEndpoint: url } };
    }
    case "aws:sqs/queue:Queue": {
      const url = `https://sqs.${region}.amazonaws.com/${ACCOUNT}/${text("name")}`;
      return { id: url, state: { url, arn: arn("sqs", text("name")) } };
    }
    case "aws:sns/topic:Topic":
      return { id: arn("sns", text("name")), state: { arn: arn("sns", text("name")) } };
    default:
      return { state: {} };
  }
}

/** The answers of one region. */
export function awsProvider(region: string): ProviderAnswer {
  return ({ type, name, inputs }) => {
    const prefix = ID_PREFIXES[type];
    const made = madeOf(type, name, inputs, region);
    const id = made.id ?? (prefix === undefined ? `${name}-id` : `${prefix}-${hex(name, 17)}`);
    return { id, state: { ...inputs, ...made.state } };
  };
}

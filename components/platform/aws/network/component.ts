import { LogGroup } from "@pulumi/aws/cloudwatch/logGroup.js";
import { DefaultSecurityGroup } from "@pulumi/aws/ec2/defaultSecurityGroup.js";
import { Eip } from "@pulumi/aws/ec2/eip.js";
import { FlowLog } from "@pulumi/aws/ec2/flowLog.js";
import { InternetGateway } from "@pulumi/aws/ec2/internetGateway.js";
import { NatGateway } from "@pulumi/aws/ec2/natGateway.js";
import { Route } from "@pulumi/aws/ec2/route.js";
import { RouteTable } from "@pulumi/aws/ec2/routeTable.js";
import { RouteTableAssociation } from "@pulumi/aws/ec2/routeTableAssociation.js";
import { SecurityGroup } from "@pulumi/aws/ec2/securityGroup.js";
import { Subnet } from "@pulumi/aws/ec2/subnet.js";
import { Vpc } from "@pulumi/aws/ec2/vpc.js";
import { VpcEndpoint } from "@pulumi/aws/ec2/vpcEndpoint.js";
import { Role } from "@pulumi/aws/iam/role.js";
import { RolePolicy } from "@pulumi/aws/iam/rolePolicy.js";
import { SecurityGroupIngressRule } from "@pulumi/aws/vpc/securityGroupIngressRule.js";
import { ComponentResource, type ComponentResourceOptions, type Output } from "@pulumi/pulumi";
import { awsName } from "../names.ts";
import {
  endpointServices,
  gatewayZones,
  networkTags,
  renderAddress,
  renderEndpointGroup,
  renderEndpointRule,
  renderFlowLog,
  renderFlowLogGroup,
  renderFlowLogPolicy,
  renderFlowLogRole,
  renderInterfaceEndpoint,
  renderPrivateSubnet,
  renderPublicSubnet,
  renderS3Endpoint,
  renderVpc,
} from "./render.ts";
import type { NetworkArgs } from "./types.ts";

const ANYWHERE = "0.0.0.0/0";

/**
 * The network of a cluster: in each zone a private subnet, where nodes and pods live and nobody from outside gets in, and a
 * public one with nothing in it but NAT gateways and load balancers. AWS's own services are reached inside; every
 * connection is in the flow logs; the security group that comes with a network lets nothing through.
 *
 * Awaited: everything; NAT gateways and endpoints take some two minutes.
 */
export class AwsNetwork extends ComponentResource {
  static readonly __pulumiType = "millwright:platform:AwsNetwork";

  readonly vpcId: Output<string>;
  /** The private subnets, by zone. */
  readonly subnetIds: Readonly<Record<string, Output<string>>>;

  readonly #name: string;
  readonly #args: NetworkArgs;

  constructor(name: string, args: NetworkArgs, opts?: ComponentResourceOptions) {
    const { logKey: _, ...plain } = args;
    super(AwsNetwork.__pulumiType, name, plain, opts);
    this.#name = name;
    this.#args = args;

    const vpc = new Vpc(`${name}-vpc`, renderVpc(args), { parent: this });
    this.vpcId = vpc.id;
    new DefaultSecurityGroup(
      `${name}-default`,
      { vpcId: vpc.id, tags: networkTags(args, "default") },
      { parent: this },
    );

    const privateSubnets = args.zones.map(
      (zone, index) =>
        new Subnet(`${name}-private-${zone}`, renderPrivateSubnet(args, vpc.id, index), { parent: this }),
    );
    const publicSubnets = args.zones.map(
      (zone, index) => new Subnet(`${name}-public-${zone}`, renderPublicSubnet(args, vpc.id, index), { parent: this }),
    );
    const outside = this.#routeOutside(publicSubnets);
    const tables = this.#routePrivate(privateSubnets, publicSubnets, outside);
    this.#declareEndpoints(privateSubnets, tables);
    this.#declareFlowLogs();

    this.subnetIds = Object.fromEntries(
      args.zones.flatMap((zone, index) => {
        const subnet = privateSubnets[index];
        return subnet === undefined ? [] : [[zone, subnet.id] as const];
      }),
    );
    this.registerOutputs({ vpcId: this.vpcId, subnetIds: this.subnetIds });
  }

  #routeOutside(subnets: readonly Subnet[]): Route {
    const [name, args] = [this.#name, this.#args];
    const gatewayArgs = { vpcId: this.vpcId, tags: networkTags(args) };
    const gateway = new InternetGateway(`${name}-internet`, gatewayArgs, { parent: this });
    const table = new RouteTable(
      `${name}-public`,
      { vpcId: this.vpcId, tags: networkTags(args, "public") },
      { parent: this },
    );
    const route = new Route(
      `${name}-public-out`,
      { routeTableId: table.id, destinationCidrBlock: ANYWHERE, gatewayId: gateway.id },
      { parent: this },
    );
    this.#associate("public", subnets, () => table);
    return route;
  }

  /** A table for each zone, even where all lead to one gateway: so another gateway is a change of routes, not of subnets. */
  #routePrivate(subnets: readonly Subnet[], publicSubnets: readonly Subnet[], outside: Route): readonly RouteTable[] {
    const [name, args] = [this.#name, this.#args];
    const gateways = gatewayZones(args).flatMap((zone, index) => {
      const subnet = publicSubnets[index];
      if (subnet === undefined) {
        return [];
      }
      const address = new Eip(`${name}-nat-${zone}`, renderAddress(args, zone), { parent: this });
      const natArgs = { allocationId: address.allocationId, subnetId: subnet.id, tags: networkTags(args, "nat", zone) };
      // A gateway that is there before the way out is there cannot be used, and AWS marks it as failed.
      return [new NatGateway(`${name}-nat-${zone}`, natArgs, { parent: this, dependsOn: outside })];
    });
    const tables = args.zones.map((zone, index) => {
      const tableArgs = { vpcId: this.vpcId, tags: networkTags(args, "private", zone) };
      const table = new RouteTable(`${name}-private-${zone}`, tableArgs, { parent: this });
      const gateway = gateways[index] ?? gateways[0];
      if (gateway !== undefined) {
        new Route(
          `${name}-private-out-${zone}`,
          { routeTableId: table.id, destinationCidrBlock: ANYWHERE, natGatewayId: gateway.id },
          { parent: this },
        );
      }
      return table;
    });
    this.#associate("private", subnets, (index) => tables[index]);
    return tables;
  }

  #associate(part: string, subnets: readonly Subnet[], tableOf: (index: number) => RouteTable | undefined): void {
    for (const [index, subnet] of subnets.entries()) {
      const table = tableOf(index);
      if (table !== undefined) {
        const association = `${this.#name}-${part}-${this.#args.zones[index]}`;
        new RouteTableAssociation(association, { subnetId: subnet.id, routeTableId: table.id }, { parent: this });
      }
    }
  }

  #declareEndpoints(subnets: readonly Subnet[], tables: readonly RouteTable[]): void {
    const [name, args] = [this.#name, this.#args];
    const tableIds = tables.map(({ id }) => id);
    new VpcEndpoint(`${name}-s3`, renderS3Endpoint(args, this.vpcId, tableIds), { parent: this });
    const group = new SecurityGroup(`${name}-endpoints`, renderEndpointGroup(args, this.vpcId), { parent: this });
    new SecurityGroupIngressRule(`${name}-endpoints`, renderEndpointRule(args, group.id), { parent: this });
    const where = { vpcId: this.vpcId, subnetIds: subnets.map(({ id }) => id), securityGroupId: group.id };
    for (const service of endpointServices(args)) {
      new VpcEndpoint(`${name}-${service}`, renderInterfaceEndpoint(args, service, where), { parent: this });
    }
  }

  #declareFlowLogs(): void {
    const [name, args] = [this.#name, this.#args];
    const group = new LogGroup(`${name}-flow-logs`, renderFlowLogGroup(args), { parent: this });
    const role = new Role(`${name}-flow-logs`, renderFlowLogRole(args), { parent: this });
    const policy = new RolePolicy(
      `${name}-flow-logs`,
      { name: awsName("role", args.stack, "flow-logs"), role: role.name, policy: renderFlowLogPolicy(args) },
      { parent: this },
    );
    const log = renderFlowLog(args, { vpcId: this.vpcId, roleArn: role.arn, groupArn: group.arn });
    new FlowLog(`${name}-flow-logs`, log, { parent: this, dependsOn: policy });
  }
}

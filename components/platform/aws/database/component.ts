import { randomBytes } from "node:crypto";
import { LogGroup } from "@pulumi/aws/cloudwatch/logGroup.js";
import { SecurityGroup } from "@pulumi/aws/ec2/securityGroup.js";
import { Role } from "@pulumi/aws/iam/role.js";
import { RolePolicyAttachment } from "@pulumi/aws/iam/rolePolicyAttachment.js";
import { Instance } from "@pulumi/aws/rds/instance.js";
import { ParameterGroup } from "@pulumi/aws/rds/parameterGroup.js";
import { SubnetGroup } from "@pulumi/aws/rds/subnetGroup.js";
import { SecurityGroupIngressRule } from "@pulumi/aws/vpc/securityGroupIngressRule.js";
import { ComponentResource, type ComponentResourceOptions, type Output, secret } from "@pulumi/pulumi";
import { managedPolicyArn } from "../arns.ts";
import { PASSWORD_BYTES } from "./defaults.ts";
import {
  renderDatabase,
  renderDatabaseFirewall,
  renderDatabaseLogs,
  renderDatabaseRule,
  renderMonitoringRole,
  renderParameterGroup,
  renderSubnetGroup,
} from "./render.ts";
import type { AwsDatabaseArgs } from "./types.ts";

/**
 * PostgreSQL as RDS runs it, for the studies of searches and MLflow.
 *
 * The password is made once and kept, encrypted, in the engine's state, as that of the database in the cluster is; later
 * runs leave it as it is. One that Secrets Manager turned by itself would be another than the one that pods were given.
 *
 * Protected: the engine does not remove it before somebody unprotects it. Awaited: some ten minutes.
 */
export class AwsDatabase extends ComponentResource {
  static readonly __pulumiType = "millwright:platform:AwsDatabase";

  /** Name of the server inside the network. */
  readonly host: Output<string>;
  /** Secret. */
  readonly password: Output<string>;

  constructor(name: string, args: AwsDatabaseArgs, opts?: ComponentResourceOptions) {
    const { stack, accountId, region, logRetentionDays, database } = args;
    super(AwsDatabase.__pulumiType, name, { stack, accountId, region, logRetentionDays, database }, opts);
    const parent = { parent: this };
    const subnets = new SubnetGroup(name, renderSubnetGroup(args), parent);
    const parameters = new ParameterGroup(name, renderParameterGroup(args), parent);
    const firewall = new SecurityGroup(name, renderDatabaseFirewall(args), parent);
    new SecurityGroupIngressRule(name, renderDatabaseRule(args, firewall.id), parent);
    const monitoring = new Role(`${name}-monitoring`, renderMonitoringRole(args), parent);
    const policyArn = managedPolicyArn(args, "service-role/AmazonRDSEnhancedMonitoringRole");
    const dependsOn = [
      new RolePolicyAttachment(`${name}-monitoring`, { role: monitoring.name, policyArn }, parent),
      ...renderDatabaseLogs(args).map(({ log, ...group }) => new LogGroup(`${name}-${log}`, group, parent)),
    ];
    const instance = new Instance(
      name,
      renderDatabase(args, {
        subnetGroup: subnets.name,
        parameterGroup: parameters.name,
        securityGroupId: firewall.id,
        monitoringRoleArn: monitoring.arn,
        password: secret(randomBytes(PASSWORD_BYTES).toString("base64url")),
      }),
      { parent: this, dependsOn, protect: true, ignoreChanges: ["password"], additionalSecretOutputs: ["password"] },
    );
    this.host = instance.address;
    this.password = instance.password.apply((password) => password ?? "");
    this.registerOutputs({ host: this.host });
  }
}

import { AlertManagerDefinition } from "@pulumi/aws/amp/alertManagerDefinition.js";
import { RuleGroupNamespace } from "@pulumi/aws/amp/ruleGroupNamespace.js";
import { Scraper } from "@pulumi/aws/amp/scraper.js";
import { Workspace } from "@pulumi/aws/amp/workspace.js";
import { LogGroup } from "@pulumi/aws/cloudwatch/logGroup.js";
import { Topic } from "@pulumi/aws/sns/topic.js";
import { TopicPolicy } from "@pulumi/aws/sns/topicPolicy.js";
import { ComponentResource, type ComponentResourceOptions, type Output } from "@pulumi/pulumi";
import { tagsFor } from "../tags.ts";
import {
  renderAlertManager,
  renderMetricsLogs,
  renderScraper,
  renderTopic,
  renderTopicPolicy,
  renderWorkspace,
} from "./render.ts";
import type { AwsMetricsArgs } from "./types.ts";

/**
 * Amazon Managed Prometheus: a workspace, a scraper that looks at the cluster from outside of it, the rules and who is told.
 * The rules are those that components/monitoring renders for a Prometheus in the cluster.
 *
 * Awaited: everything; a scraper takes up to twenty minutes.
 */
export class AwsMetrics extends ComponentResource {
  static readonly __pulumiType = "millwright:platform:AwsMetrics";

  readonly workspaceArn: Output<string>;
  readonly workspaceId: Output<string>;
  /** `https://aps-workspaces.<region>.amazonaws.com/workspaces/<id>/`; requests have to be signed. */
  readonly url: Output<string>;
  /** Where alerts are told. */
  readonly topicArn: Output<string>;

  constructor(name: string, args: AwsMetricsArgs, opts?: ComponentResourceOptions) {
    const { stack, accountId, region, logRetentionDays, rules = {} } = args;
    const plain = { stack, accountId, region, logRetentionDays, rules: Object.keys(rules) };
    super(AwsMetrics.__pulumiType, name, plain, opts);
    const parent = { parent: this };
    const logs = new LogGroup(name, renderMetricsLogs(args), parent);
    const workspace = new Workspace(name, renderWorkspace(args, logs.arn), parent);
    new Scraper(name, renderScraper(args, workspace.arn), parent);
    for (const [file, data] of Object.entries(rules)) {
      const group = { workspaceId: workspace.id, name: file, data, tags: tagsFor(stack, "metrics") };
      new RuleGroupNamespace(`${name}-${file}`, group, parent);
    }
    const topic = new Topic(name, renderTopic(args), parent);
    const mayTell = new TopicPolicy(name, { arn: topic.arn, policy: renderTopicPolicy(args) }, parent);
    new AlertManagerDefinition(
      name,
      { workspaceId: workspace.id, definition: renderAlertManager(args) },
      { parent: this, dependsOn: mayTell },
    );
    this.workspaceArn = workspace.arn;
    this.workspaceId = workspace.id;
    this.url = workspace.prometheusEndpoint;
    this.topicArn = topic.arn;
    this.registerOutputs({ workspaceArn: this.workspaceArn, url: this.url, topicArn: this.topicArn });
  }
}

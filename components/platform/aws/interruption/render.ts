import type { EventRuleArgs } from "@pulumi/aws/cloudwatch/eventRule.js";
import type { QueueArgs } from "@pulumi/aws/sqs/queue.js";
import { canonicalJson } from "../../../core/hash.ts";
import { regionalArn } from "../arns.ts";
import { policyDocument } from "../identity/document.ts";
import { awsName } from "../names.ts";
import { tagsFor } from "../tags.ts";
import type { AwsContext } from "../types.ts";

/** Seconds a message is worth reading: a spot machine is gone two minutes after its notice. */
const RETENTION_SECONDS = 300;

/** What EC2 and AWS Health tell of machines that will go, by a name of our own. */
export const INTERRUPTIONS = {
  health: { source: "aws.health", type: "AWS Health Event" },
  rebalance: { source: "aws.ec2", type: "EC2 Instance Rebalance Recommendation" },
  reservation: { source: "aws.ec2", type: "EC2 Capacity Reservation Instance Interruption Warning" },
  spot: { source: "aws.ec2", type: "EC2 Spot Instance Interruption Warning" },
  state: { source: "aws.ec2", type: "EC2 Instance State-change Notification" },
} as const;

export type Interruption = keyof typeof INTERRUPTIONS;

export function queueName(context: AwsContext): string {
  return awsName("queue", context.stack, "interruptions");
}

export function queueArn(context: AwsContext): string {
  return regionalArn(context, "sqs", queueName(context));
}

export function renderQueue(context: AwsContext): QueueArgs {
  return {
    name: queueName(context),
    messageRetentionSeconds: RETENTION_SECONDS,
    sqsManagedSseEnabled: true,
    tags: tagsFor(context.stack, "interruption"),
  };
}

/** EventBridge of this account puts messages in, and nobody does anything without TLS. */
export function renderQueuePolicy(context: AwsContext): string {
  const resources = [queueArn(context)];
  return policyDocument([
    {
      sid: "Events",
      principal: { Service: "events.amazonaws.com" },
      actions: ["sqs:SendMessage"],
      resources,
      conditions: { StringEquals: { "aws:SourceAccount": context.accountId } },
    },
    {
      sid: "OnlyEncrypted",
      effect: "Deny",
      principal: "*",
      actions: ["sqs:*"],
      resources,
      conditions: { Bool: { "aws:SecureTransport": "false" } },
    },
  ]);
}

export function renderRule(context: AwsContext, interruption: Interruption): EventRuleArgs {
  const { source, type } = INTERRUPTIONS[interruption];
  return {
    name: awsName("rule", context.stack, interruption),
    description: `${type}, for Karpenter`,
    eventPattern: canonicalJson({ source: [source], "detail-type": [type] }),
    tags: tagsFor(context.stack, "interruption"),
  };
}

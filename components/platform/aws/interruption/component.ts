import { EventRule } from "@pulumi/aws/cloudwatch/eventRule.js";
import { EventTarget } from "@pulumi/aws/cloudwatch/eventTarget.js";
import { Queue } from "@pulumi/aws/sqs/queue.js";
import { QueuePolicy } from "@pulumi/aws/sqs/queuePolicy.js";
import { ComponentResource, type ComponentResourceOptions, type Output } from "@pulumi/pulumi";
import type { AwsContext } from "../types.ts";
import { INTERRUPTIONS, type Interruption, renderQueue, renderQueuePolicy, renderRule } from "./render.ts";

/**
 * The queue by which Karpenter learns that a machine will be taken back, fails or is due for maintenance, so that it drains
 * the node and starts another before it is gone.
 */
export class AwsInterruption extends ComponentResource {
  static readonly __pulumiType = "millwright:platform:AwsInterruption";

  readonly queueName: Output<string>;

  constructor(name: string, context: AwsContext, opts?: ComponentResourceOptions) {
    super(AwsInterruption.__pulumiType, name, { ...context }, opts);
    const queue = new Queue(name, renderQueue(context), { parent: this });
    new QueuePolicy(name, { queueUrl: queue.url, policy: renderQueuePolicy(context) }, { parent: this });
    for (const interruption of Object.keys(INTERRUPTIONS) as Interruption[]) {
      const child = `${name}-${interruption}`;
      const rule = new EventRule(child, renderRule(context, interruption), { parent: this });
      new EventTarget(child, { rule: rule.name, targetId: "karpenter", arn: queue.arn }, { parent: this });
    }
    this.queueName = queue.name;
    this.registerOutputs({ queueName: this.queueName });
  }
}

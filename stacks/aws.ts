import { z } from "zod";
import { text } from "./text.ts";

/** An EKS cluster with what belongs to it: network, storage, registry, database, metrics. */

const cidr = text(/^(\d{1,3}\.){3}\d{1,3}\/\d{1,2}$/, 'a block of addresses, such as "10.20.0.0/16"');

export const eksSchema = z.strictObject({
  kind: z.literal("eks").describe("An EKS cluster of this stack's own."),
  accountId: text(/^\d{12}$/, "the twelve digits of an AWS account, in quotes").describe(
    "The AWS account; with another's credentials nothing is done.",
  ),
  region: text(/^[a-z]{2}(-[a-z]+)+-\d$/, 'an AWS region, such as "us-east-2"').describe("The region."),
  zones: z
    .array(text(/^[a-z]{2}(-[a-z]+)+-\d[a-z]$/, 'an availability zone, such as "us-east-2a"'))
    .min(2)
    .max(6)
    .describe("Availability zones, at least two; private and public subnets in each."),
  version: text(/^1\.\d{2}$/, 'a Kubernetes version of EKS in quotes, such as "1.34"')
    .default("1.34")
    .describe("Kubernetes version."),
  cidr: cidr.default("10.0.0.0/16").describe("Addresses of the network."),
  publicAccess: z
    .array(cidr)
    .max(40)
    .default([])
    .describe(
      "Who may reach the API server from outside. Default: nobody, it is reached from inside the network alone.",
    ),
  administrators: z
    .array(text(/^arn:aws[-a-z]*:iam::\d{12}:(role|user)\/\S+$/, "the ARN of an IAM role or user"))
    .max(20)
    .default([])
    .describe("Who administers the cluster beside its creator."),
  natGateways: z
    .enum(["one", "perZone"])
    .default("perZone")
    .describe("Ways out of the private subnets; `one` is cheaper and stops with its zone."),
  logRetentionDays: z
    .number()
    .int()
    .min(1)
    .max(3653)
    .default(90)
    .describe("How long logs of control plane and network are kept; one of the numbers CloudWatch offers."),
  systemNodes: z
    .strictObject({
      instanceType: text(/^[a-z][a-z0-9-]*\.[a-z0-9-]+$/, 'an EC2 instance type, such as "m7i.large"')
        .default("m7i.large")
        .describe("Their machine, with x86 processors."),
      nodes: z.number().int().min(2).max(20).default(3).describe("How many; they are spread over the zones."),
    })
    .prefault({})
    .describe("Nodes for what runs the cluster itself (DNS, drivers, Karpenter); pools come beside them."),
  lustre: z
    .strictObject({
      sizeGiB: z.number().int().min(1200).max(1_000_000).multipleOf(1200).default(2400).describe("A multiple of 1200."),
      throughputPerTiB: z
        .number()
        .int()
        .min(125)
        .max(1000)
        .default(250)
        .describe("MB/s for each TiB: 125, 250, 500 or 1000."),
      zone: z.string().min(1).describe("Its zone; trainings elsewhere pay for traffic between zones."),
    })
    .optional()
    .describe("FSx for Lustre, linked to the datasets' bucket. Default: none."),
  database: z
    .strictObject({
      instanceClass: text(/^db\.[a-z0-9]+\.[a-z0-9]+$/, 'a class such as "db.r7g.large"')
        .default("db.m7g.large")
        .describe("Its machine."),
      storageGiB: z.number().int().min(20).max(65_536).default(100).describe("Storage in GiB."),
      multiZone: z.boolean().default(true).describe("Whether a second one stands by in another zone."),
      backupDays: z.number().int().min(1).max(35).default(14).describe("Days that backups are kept."),
    })
    .optional()
    .describe("RDS for PostgreSQL, for studies and MLflow. Default: one in the models' namespace."),
  metrics: z
    .enum(["managed", "inCluster"])
    .default("managed")
    .describe("Amazon Managed Prometheus with a scraper, or kube-prometheus-stack in the cluster."),
});

export type EksSpec = z.infer<typeof eksSchema>;

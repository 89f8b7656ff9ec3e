import type { ScraperArgs } from "@pulumi/aws/amp/scraper.js";
import type { WorkspaceArgs } from "@pulumi/aws/amp/workspace.js";
import type { LogGroupArgs } from "@pulumi/aws/cloudwatch/logGroup.js";
import type { TopicArgs } from "@pulumi/aws/sns/topic.js";
import type { Input } from "@pulumi/pulumi";
import { interpolate } from "@pulumi/pulumi";
import { stringify } from "yaml";
import { CHARTS, type ChartName } from "../../addons/charts.ts";
import { regionalArn } from "../arns.ts";
import { policyDocument } from "../identity/document.ts";
import { awsName } from "../names.ts";
import { tagsFor } from "../tags.ts";
import type { AwsContext } from "../types.ts";
import { GROUP_INTERVAL, GROUP_WAIT, REPEAT_INTERVAL, SCRAPE_SECONDS, TOLD_SEVERITIES } from "./defaults.ts";
import type { AwsMetricsArgs } from "./types.ts";

export function renderWorkspace(args: AwsMetricsArgs, logGroupArn: Input<string>): WorkspaceArgs {
  return {
    alias: awsName("workspace", args.stack),
    kmsKeyArn: args.key,
    loggingConfiguration: { logGroupArn: interpolate`${logGroupArn}:*` },
    tags: tagsFor(args.stack, "metrics"),
  };
}

/** Groups of this prefix need no policy of their own for AWS's services to write into them. */
export function renderMetricsLogs(args: AwsMetricsArgs): LogGroupArgs {
  return {
    name: `/aws/vendedlogs/millwright/${args.stack}/metrics`,
    retentionInDays: args.logRetentionDays,
    kmsKeyId: args.key,
    tags: tagsFor(args.stack, "metrics"),
  };
}

export function renderScraper(args: AwsMetricsArgs, workspaceArn: Input<string>): ScraperArgs {
  return {
    alias: awsName("workspace", args.stack),
    source: {
      eks: {
        clusterArn: args.clusterArn,
        subnetIds: [...args.subnetIds],
        securityGroupIds: [...args.securityGroupIds],
      },
    },
    destination: { amp: { workspaceArn } },
    scrapeConfiguration: renderScraping(args),
    tags: tagsFor(args.stack, "metrics"),
  };
}

/**
 * What is looked at: the kubelet of every node and what its containers use, the add-ons that the platform's rules are about,
 * and every pod that asks for it by the annotations `prometheus.io/scrape`, `/port` and `/path`. Models have a Prometheus of their
 * own beside them.
 */
export function renderScraping({ stack }: AwsContext): string {
  const token = {
    scheme: "https",
    authorization: { type: "Bearer", credentials_file: "/var/run/secrets/kubernetes.io/serviceaccount/token" },
    tls_config: { ca_file: "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt", insecure_skip_verify: true },
  };
  const kubelet = (job: string, path: string) => ({
    job_name: job,
    ...token,
    metrics_path: path,
    kubernetes_sd_configs: [{ role: "node" }],
    relabel_configs: [
      { source_labels: ["__meta_kubernetes_node_name"], target_label: "node" },
      { source_labels: ["__meta_kubernetes_node_label_millwright_dev_pool"], target_label: "pool" },
    ],
  });
  return yaml({
    global: { scrape_interval: `${SCRAPE_SECONDS}s`, external_labels: { cluster: awsName("cluster", stack) } },
    scrape_configs: [
      kubelet("kubelet", "/metrics"),
      kubelet("cadvisor", "/metrics/cadvisor"),
      // Its series have labels of their own that say which node and which pod they are of.
      { ...addon("kube-state-metrics", "app_kubernetes_io_name", "kube-state-metrics", 8080), honor_labels: true },
      addon("gpu-operator", "app", "nvidia-dcgm-exporter", 9400),
      addon("karpenter", "app_kubernetes_io_name", "karpenter", 8080),
      {
        ...addon("kueue", "app_kubernetes_io_name", "kueue", 8443),
        ...token,
        tls_config: { insecure_skip_verify: true },
      },
      {
        job_name: "pods",
        kubernetes_sd_configs: [{ role: "pod" }],
        relabel_configs: [
          {
            source_labels: ["__meta_kubernetes_pod_annotation_prometheus_io_scrape"],
            action: "keep",
            regex: "true",
          },
          {
            source_labels: ["__meta_kubernetes_pod_annotation_prometheus_io_path"],
            target_label: "__metrics_path__",
            regex: "(.+)",
          },
          {
            source_labels: ["__meta_kubernetes_pod_ip", "__meta_kubernetes_pod_annotation_prometheus_io_port"],
            target_label: "__address__",
            separator: ":",
            regex: "(.+:.+)",
          },
          ...WHERE,
        ],
      },
    ],
  });
}

/** Which pod tells something, and on which node: what it says itself under the same names is `exported_...` then. */
const WHERE = [
  { source_labels: ["__meta_kubernetes_namespace"], target_label: "namespace" },
  { source_labels: ["__meta_kubernetes_pod_name"], target_label: "pod" },
  { source_labels: ["__meta_kubernetes_pod_node_name"], target_label: "node" },
];

/**
 * The pods of an add-on by one of their labels and the port of their metrics, as its chart at the version in charts.ts (for the
 * GPU operator: its assets/state-dcgm-exporter) has them. None of them asks for it by annotations. There are no targets where it
 * is not installed.
 */
function addon(chart: ChartName, label: string, value: string, port: number) {
  return {
    job_name: value,
    kubernetes_sd_configs: [{ role: "pod" }],
    relabel_configs: [
      {
        source_labels: [
          "__meta_kubernetes_namespace",
          `__meta_kubernetes_pod_label_${label}`,
          "__meta_kubernetes_pod_container_port_number",
        ],
        action: "keep",
        regex: [CHARTS[chart].namespace, value, port].join(";"),
      },
      ...WHERE,
    ],
  };
}

/** Where alerts go: people and pagers subscribe to it by hand, as no program knows them. */
export function renderTopic(args: AwsMetricsArgs): TopicArgs {
  return { name: topicName(args), kmsMasterKeyId: args.key, tags: tagsFor(args.stack, "metrics") };
}

/** Only this account's Amazon Managed Prometheus tells anything. */
export function renderTopicPolicy(context: AwsContext): string {
  return policyDocument([
    {
      sid: "Alerts",
      principal: { Service: "aps.amazonaws.com" },
      actions: ["sns:GetTopicAttributes", "sns:Publish"],
      resources: [topicArn(context)],
      conditions: { StringEquals: { "aws:SourceAccount": context.accountId } },
    },
  ]);
}

/** Alertmanager's configuration, in the frame that Amazon Managed Prometheus takes it in. */
export function renderAlertManager(context: AwsContext): string {
  const config = {
    route: {
      receiver: "nobody",
      group_by: ["alertname", "model", "pool"],
      group_wait: GROUP_WAIT,
      group_interval: GROUP_INTERVAL,
      repeat_interval: REPEAT_INTERVAL,
      routes: [{ receiver: "topic", matchers: [`severity =~ "${TOLD_SEVERITIES.join("|")}"`] }],
    },
    receivers: [
      { name: "nobody" },
      {
        name: "topic",
        sns_configs: [
          {
            topic_arn: topicArn(context),
            sigv4: { region: context.region },
            send_resolved: true,
            subject: "{{ .CommonLabels.alertname }} ({{ .CommonLabels.severity }})",
          },
        ],
      },
    ],
  };
  return yaml({ alertmanager_config: yaml(config) });
}

function topicName({ stack }: AwsContext): string {
  return awsName("topic", stack, "alerts");
}

function topicArn(context: AwsContext): string {
  return regionalArn(context, "sns", topicName(context));
}

function yaml(value: unknown): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
}

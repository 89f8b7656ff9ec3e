import type { JsonObject } from "../../../scripts/standins/kubernetes/values.ts";

export const CONFIG_MAP = "kubernetes:core/v1:ConfigMap";
export const DEPLOYMENT = "kubernetes:apps/v1:Deployment";
export const JOB = "kubernetes:batch/v1:Job";
export const NAMESPACE = "kubernetes:core/v1:Namespace";
export const SECRET = "kubernetes:core/v1:Secret";
export const SERVICE = "kubernetes:core/v1:Service";
export const DEFINITION = "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition";

export const deploymentPath = (namespace: string, name: string): string =>
  `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`;
export const corePath = (namespace: string, plural: string, name: string): string =>
  `/api/v1/namespaces/${namespace}/${plural}/${name}`;

export function configMap(namespace: string, name: string, data: JsonObject = { key: "value" }): JsonObject {
  return { metadata: { name, namespace }, data };
}

export interface DeploymentOptions {
  readonly image?: string;
  readonly replicas?: number;
  readonly annotations?: JsonObject;
  readonly env?: JsonObject[];
}

/** A Deployment nobody waits for, unless `annotations` are given. */
export function deployment(namespace: string, name: string, options: DeploymentOptions = {}): JsonObject {
  const labels = { app: name };
  return {
    metadata: { name, namespace, annotations: options.annotations ?? { "pulumi.com/skipAwait": "true" } },
    spec: {
      ...(options.replicas === undefined ? {} : { replicas: options.replicas }),
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          containers: [
            {
              name: "web",
              image: options.image ?? "registry.test/web:1",
              ports: [{ containerPort: 80 }],
              resources: { requests: { cpu: "1000m", memory: "1024Mi" } },
              ...(options.env && { env: options.env }),
            },
          ],
        },
      },
    },
  };
}

export function job(namespace: string, name: string, annotations: JsonObject = {}): JsonObject {
  return {
    metadata: { name, namespace, annotations },
    spec: {
      backoffLimit: 0,
      template: { spec: { restartPolicy: "Never", containers: [{ name: "work", image: "registry.test/work:1" }] } },
    },
  };
}

export function service(namespace: string, name: string, spec: JsonObject = {}): JsonObject {
  return { metadata: { name, namespace }, spec: { selector: { app: name }, ports: [{ port: 80 }], ...spec } };
}

/** A definition of `Widget` in a group of its own. */
export function definition(group: string, scope: "Namespaced" | "Cluster" = "Namespaced"): JsonObject {
  return {
    metadata: { name: `widgets.${group}` },
    spec: {
      group,
      scope,
      names: { plural: "widgets", singular: "widget", kind: "Widget" },
      versions: [
        {
          name: "v1",
          served: true,
          storage: true,
          subresources: { status: {} },
          schema: { openAPIV3Schema: { type: "object", x_kubernetes_preserve_unknown_fields: true } },
        },
      ],
    },
  };
}

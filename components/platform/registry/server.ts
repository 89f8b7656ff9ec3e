import type { DeploymentArgs } from "@pulumi/kubernetes/apps/v1/deployment.js";
import type { ServiceArgs } from "@pulumi/kubernetes/core/v1/service.js";
import type { ServiceAccountArgs } from "@pulumi/kubernetes/core/v1/serviceAccount.js";
import { type Input, output } from "@pulumi/pulumi";
import { place } from "../../compute/scheduling/queue.ts";
import { labelsFor, selectorLabelsFor } from "../../core/labels.ts";
import { renderPolicy } from "../network/policy.ts";
import { renderResources } from "../pod/resources.ts";
import { renderSecretFile } from "../pod/secret.ts";
import { CONTAINER_SECURITY, POD_SECURITY } from "../pod/security.ts";
import {
  PASSWORD_FOLDER,
  PRIVATE_FOLDER,
  REGISTRY_DATABASE,
  REGISTRY_FOLDER,
  REGISTRY_NAME,
  REGISTRY_PORT,
  SERVER_ARTIFACTS,
  SERVER_COMMAND,
  SERVER_GRACE_SECONDS,
  SERVER_MARGIN_SECONDS,
  SERVER_RESOURCES,
  SERVER_STARTUP_PERIOD_SECONDS,
  SERVER_STARTUP_SECONDS,
} from "./defaults.ts";
import type { RegistryArgs } from "./types.ts";

const labels = labelsFor({ component: "tracking" });
const selector = selectorLabelsFor({ component: "tracking" });

/** An identity with no rights: the server, which anyone in the cluster can reach, asks the cluster nothing. */
export function renderServerAccount(args: RegistryArgs) {
  return { metadata: metadata(args), automountServiceAccountToken: false } satisfies ServiceAccountArgs;
}

/** The server's name and address. Made before it, since the server has to know the address; so not awaited. */
export function renderService(args: RegistryArgs) {
  return {
    metadata: { ...metadata(args), annotations: { "pulumi.com/skipAwait": "true" } },
    spec: {
      type: "ClusterIP",
      selector,
      ports: [{ name: "http", port: REGISTRY_PORT, targetPort: "http", protocol: "TCP" }],
    },
  } satisfies ServiceArgs;
}

/** Who may reach the server: people with their browsers, wherever they are, and so everybody. */
export function renderServerPolicy(args: RegistryArgs) {
  return renderPolicy(metadata(args), selector, [{ ports: [REGISTRY_PORT] }]);
}

/**
 * One server, and never two: each brings the tables up when it starts.
 *
 * @param address the Service's, under which people's browsers reach it
 */
export function renderServer(args: RegistryArgs, address: Input<string>) {
  const timeoutSeconds = SERVER_STARTUP_SECONDS + SERVER_MARGIN_SECONDS;
  return {
    metadata: { ...metadata(args), annotations: { "pulumi.com/timeoutSeconds": String(timeoutSeconds) } },
    spec: {
      replicas: 1,
      selector: { matchLabels: selector },
      strategy: { type: "Recreate" },
      progressDeadlineSeconds: timeoutSeconds,
      template: { metadata: { labels }, spec: renderPod(args, address) },
    },
  } satisfies DeploymentArgs;
}

function renderPod(args: RegistryArgs, address: Input<string>) {
  const { artifacts, bucket, database } = args;
  return {
    ...place({ part: "platform" }, args.placements).pod,
    serviceAccountName: REGISTRY_NAME,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: SERVER_GRACE_SECONDS,
    securityContext: POD_SECURITY,
    containers: [renderContainer(args, address)],
    volumes: [
      ...(bucket === undefined
        ? [{ name: "artifacts", persistentVolumeClaim: { claimName: artifacts.claimName } }]
        : []),
      { name: "password", secret: renderSecretFile(database.secretName, database.secretKey) },
      { name: "private", emptyDir: { medium: "Memory", sizeLimit: "1Mi" } },
      { name: "tmp", emptyDir: {} },
    ],
  };
}

function renderContainer(args: RegistryArgs, address: Input<string>) {
  const { image, database, bucket, resources = SERVER_RESOURCES } = args;
  return {
    name: "mlflow",
    image,
    command: SERVER_COMMAND,
    env: [
      { name: "HOME", value: "/tmp" },
      { name: "MILLWRIGHT_ARTIFACTS", value: bucket ?? SERVER_ARTIFACTS },
      { name: "MILLWRIGHT_DATABASE_HOST", value: database.host },
      { name: "MILLWRIGHT_DATABASE_NAME", value: REGISTRY_DATABASE },
      { name: "MILLWRIGHT_DATABASE_PASSWORD_FILE", value: `${PASSWORD_FOLDER}/${database.secretKey}` },
      { name: "MILLWRIGHT_DATABASE_PORT", value: String(database.port) },
      { name: "MILLWRIGHT_DATABASE_USER", value: database.user },
      { name: "MILLWRIGHT_PORT", value: String(REGISTRY_PORT) },
      { name: "MILLWRIGHT_PRIVATE", value: PRIVATE_FOLDER },
      ...renderNames(args, address),
      ...(database.sslMode === undefined ? [] : [{ name: "PGSSLMODE", value: database.sslMode }]),
      { name: "TMPDIR", value: "/tmp" },
    ],
    ports: [{ name: "http", containerPort: REGISTRY_PORT, protocol: "TCP" }],
    resources: renderResources(resources),
    securityContext: CONTAINER_SECURITY,
    ...renderProbes(),
    volumeMounts: [
      ...(bucket === undefined ? [{ name: "artifacts", mountPath: SERVER_ARTIFACTS, subPath: REGISTRY_FOLDER }] : []),
      { name: "password", mountPath: PASSWORD_FOLDER, readOnly: true },
      { name: "private", mountPath: PRIVATE_FOLDER },
      { name: "tmp", mountPath: "/tmp" },
    ],
  };
}

/**
 * Under which names it answers, and from pages of which it takes changes: MLflow has no login, so a page of elsewhere that
 * a browser has open must not reach it, neither by its address nor by a name made to mean that address.
 */
function renderNames({ artifacts }: RegistryArgs, address: Input<string>) {
  const { namespace } = artifacts;
  const suffixes = ["", `.${namespace}`, `.${namespace}.svc`, `.${namespace}.svc.cluster.local`];
  const hosts = output(address).apply((ip) =>
    [...suffixes.map((suffix) => REGISTRY_NAME + suffix), ip].map((host) => `${host}:${REGISTRY_PORT}`),
  );
  return [
    {
      name: "MLFLOW_SERVER_ALLOWED_HOSTS",
      // The last three are those of a forwarded port, and of the probes.
      value: hosts.apply((names) => [...names, "localhost", "localhost:*", "127.0.0.1:*"].join(",")),
    },
    {
      name: "MLFLOW_SERVER_CORS_ALLOWED_ORIGINS",
      value: hosts.apply((names) => names.map((host) => `http://${host}`).join(",")),
    },
  ];
}

/**
 * It is well when it can read its database. One that cannot for five minutes is started anew, and reads the password again:
 * somebody may have made the Secret anew.
 */
function renderProbes() {
  const answers = {
    httpGet: {
      path: "/api/2.0/mlflow/experiments/get?experiment_id=0",
      port: "http",
      httpHeaders: [{ name: "Host", value: "localhost" }],
    },
    timeoutSeconds: 10,
  };
  return {
    startupProbe: {
      ...answers,
      periodSeconds: SERVER_STARTUP_PERIOD_SECONDS,
      failureThreshold: Math.ceil(SERVER_STARTUP_SECONDS / SERVER_STARTUP_PERIOD_SECONDS),
    },
    readinessProbe: { ...answers, periodSeconds: 10, failureThreshold: 2 },
    livenessProbe: { ...answers, periodSeconds: 30, failureThreshold: 10 },
  };
}

function metadata({ artifacts }: RegistryArgs) {
  return { name: REGISTRY_NAME, namespace: artifacts.namespace, labels };
}

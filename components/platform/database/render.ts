import type { StatefulSetArgs } from "@pulumi/kubernetes/apps/v1/statefulSet.js";
import type { PersistentVolumeClaimArgs } from "@pulumi/kubernetes/core/v1/persistentVolumeClaim.js";
import type { SecretArgs } from "@pulumi/kubernetes/core/v1/secret.js";
import type { ServiceArgs } from "@pulumi/kubernetes/core/v1/service.js";
import type { ServiceAccountArgs } from "@pulumi/kubernetes/core/v1/serviceAccount.js";
import type { Input } from "@pulumi/pulumi";
import { place } from "../../compute/scheduling/queue.ts";
import { COMPONENT_LABEL, labelsFor, selectorLabelsFor } from "../../core/labels.ts";
import { renderPolicy } from "../network/policy.ts";
import { memoryQuantity, renderResources } from "../pod/resources.ts";
import { renderSecretFile } from "../pod/secret.ts";
import { CONTAINER_SECURITY, POD_SECURITY } from "../pod/security.ts";
import {
  CLAIM_SIZE_GIB,
  connectionsOf,
  DATA_FOLDER,
  DATABASE_COMMAND,
  DATABASE_GRACE_SECONDS,
  DATABASE_MARGIN_SECONDS,
  DATABASE_NAME,
  DATABASE_PORT,
  DATABASE_SERVICE_TIMEOUT_SECONDS,
  DATABASE_STARTUP_PERIOD_SECONDS,
  DATABASE_STARTUP_SECONDS,
  DATABASE_USER,
  databaseResources,
  PASSWORD_FOLDER,
  PASSWORD_KEY,
  STORE_FOLDER,
} from "./defaults.ts";
import type { DatabaseArgs, DatabaseConnection } from "./types.ts";

/** On the server's pods: which Secret object it read the password from. Another one means that it must read again. */
const SECRET_ANNOTATION = "millwright.dev/password-secret";

const labels = labelsFor({ component: "database" });
const selector = selectorLabelsFor({ component: "database" });

/** The Secret of one generation of the password. */
export function secretName(generation: number): string {
  return `${DATABASE_NAME}-${generation}`;
}

export function renderConnection({ passwordGeneration = 1 }: DatabaseArgs): DatabaseConnection {
  return {
    host: DATABASE_NAME,
    port: DATABASE_PORT,
    user: DATABASE_USER,
    secretName: secretName(passwordGeneration),
    secretKey: PASSWORD_KEY,
  };
}

/** The password, once and for all: a new one is a Secret of another generation. */
export function renderSecret({ artifacts, passwordGeneration = 1 }: DatabaseArgs, password: Input<string>) {
  return {
    metadata: { name: secretName(passwordGeneration), namespace: artifacts.namespace, labels },
    type: "Opaque",
    immutable: true,
    data: { [PASSWORD_KEY]: password },
  } satisfies SecretArgs;
}

/** An identity with no rights: the server asks the cluster nothing. */
export function renderAccount({ artifacts }: DatabaseArgs) {
  return { metadata: metadata(artifacts), automountServiceAccountToken: false } satisfies ServiceAccountArgs;
}

/** The claim of the data alone, where the cluster provisions volumes. It goes, with the data, when the server goes. */
export function renderDataClaim({ artifacts }: DatabaseArgs, storageClassName: string) {
  return {
    metadata: metadata(artifacts),
    spec: {
      accessModes: ["ReadWriteOnce"],
      resources: { requests: { storage: memoryQuantity(CLAIM_SIZE_GIB) } },
      storageClassName,
    },
  } satisfies PersistentVolumeClaimArgs;
}

/**
 * One server, ever: a StatefulSet starts the next pod only when the last one is gone, and the server locks its data.
 *
 * @param secretUid which Secret object holds the password; another one rolls the pod
 */
export function renderStatefulSet(args: DatabaseArgs, secretUid: Input<string>) {
  const timeoutSeconds = DATABASE_STARTUP_SECONDS + DATABASE_MARGIN_SECONDS;
  return {
    metadata: { ...metadata(args.artifacts), annotations: { "pulumi.com/timeoutSeconds": String(timeoutSeconds) } },
    spec: {
      replicas: 1,
      serviceName: DATABASE_NAME,
      selector: { matchLabels: selector },
      template: renderPod(args, secretUid),
    },
  } satisfies StatefulSetArgs;
}

function renderPod(args: DatabaseArgs, secretUid: Input<string>) {
  const { artifacts, storage, passwordGeneration = 1 } = args;
  const claimName = storage.kind === "node" ? artifacts.claimName : DATABASE_NAME;
  return {
    metadata: { labels, annotations: { [SECRET_ANNOTATION]: secretUid } },
    spec: {
      ...place({ part: "platform" }, args.placements).pod,
      serviceAccountName: DATABASE_NAME,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: DATABASE_GRACE_SECONDS,
      securityContext: POD_SECURITY,
      containers: [renderServer(args)],
      volumes: [
        { name: "data", persistentVolumeClaim: { claimName } },
        { name: "password", secret: renderSecretFile(secretName(passwordGeneration), PASSWORD_KEY) },
        { name: "tmp", emptyDir: {} },
      ],
    },
  };
}

function renderServer({ image, storage, databases, clients, resources = databaseResources(clients) }: DatabaseArgs) {
  const isReady = { exec: { command: ["pg_isready", "--quiet", "--host=127.0.0.1", `--port=${DATABASE_PORT}`] } };
  return {
    name: "database",
    image,
    command: DATABASE_COMMAND,
    env: [
      { name: "HOME", value: "/tmp" },
      { name: "MILLWRIGHT_DATABASES", value: databases.join(" ") },
      { name: "MILLWRIGHT_DATABASE_CONNECTIONS", value: String(connectionsOf(clients)) },
      { name: "MILLWRIGHT_DATABASE_FOLDER", value: DATA_FOLDER },
      { name: "MILLWRIGHT_DATABASE_PASSWORD_FILE", value: `${PASSWORD_FOLDER}/${PASSWORD_KEY}` },
      { name: "MILLWRIGHT_DATABASE_PORT", value: String(DATABASE_PORT) },
      { name: "MILLWRIGHT_DATABASE_USER", value: DATABASE_USER },
      { name: "TMPDIR", value: "/tmp" },
    ],
    ports: [{ name: "postgresql", containerPort: DATABASE_PORT, protocol: "TCP" }],
    resources: renderResources(resources),
    securityContext: CONTAINER_SECURITY,
    startupProbe: {
      ...isReady,
      periodSeconds: DATABASE_STARTUP_PERIOD_SECONDS,
      failureThreshold: Math.ceil(DATABASE_STARTUP_SECONDS / DATABASE_STARTUP_PERIOD_SECONDS),
      timeoutSeconds: 5,
    },
    readinessProbe: { ...isReady, periodSeconds: 5, failureThreshold: 2, timeoutSeconds: 5 },
    // Generous, because a restart of a server that is only busy costs every client its connection.
    livenessProbe: { ...isReady, periodSeconds: 10, failureThreshold: 6, timeoutSeconds: 5 },
    volumeMounts: [
      { name: "data", mountPath: DATA_FOLDER, ...(storage.kind === "node" ? { subPath: STORE_FOLDER } : {}) },
      { name: "password", mountPath: PASSWORD_FOLDER, readOnly: true },
      { name: "tmp", mountPath: "/tmp" },
    ],
  };
}

/** Who may reach the server: the workers of searches, and MLflow. */
export function renderDatabasePolicy({ artifacts }: DatabaseArgs) {
  const from = (["search", "tracking"] as const).map((component) => ({ pods: { [COMPONENT_LABEL]: component } }));
  return renderPolicy(metadata(artifacts), selector, [{ from, ports: [DATABASE_PORT] }]);
}

/** The server's stable name and address. Awaited until it has the address of a server. */
export function renderService({ artifacts }: DatabaseArgs) {
  const annotations = { "pulumi.com/timeoutSeconds": String(DATABASE_SERVICE_TIMEOUT_SECONDS) };
  return {
    metadata: { ...metadata(artifacts), annotations },
    spec: {
      type: "ClusterIP",
      selector,
      ports: [{ name: "postgresql", port: DATABASE_PORT, targetPort: "postgresql", protocol: "TCP" }],
    },
  } satisfies ServiceArgs;
}

function metadata({ namespace }: DatabaseArgs["artifacts"]) {
  return { name: DATABASE_NAME, namespace, labels };
}

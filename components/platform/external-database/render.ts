import type { JobArgs } from "@pulumi/kubernetes/batch/v1/job.js";
import type { SecretArgs } from "@pulumi/kubernetes/core/v1/secret.js";
import type { Input } from "@pulumi/pulumi";
import { shortHash } from "../../core/hash.ts";
import { labelsFor } from "../../core/labels.ts";
import { PASSWORD_FOLDER } from "../database/defaults.ts";
import { renderResources } from "../pod/resources.ts";
import { renderSecretFile } from "../pod/secret.ts";
import { CONTAINER_SECURITY, POD_SECURITY } from "../pod/security.ts";
import type { ExternalDatabaseArgs } from "./types.ts";

const labels = labelsFor({ component: "database" });

/** What workloads/database runs to see that databases are there. */
const SETUP_COMMAND = ["millwright-databases"];

/** Seconds the Job may take over all its tries: a server that was just made may not have its name yet. */
const SETUP_SECONDS = 600;
const SETUP_TRIES = 6;

/** Seconds beyond that for the pod to be placed and its image pulled. */
const SETUP_MARGIN_SECONDS = 180;

/** The Job's name: another server, role or list of databases is another Job, and a Job is never edited. */
export function setupName({ databases, connection: { host, port, user, secretName } }: ExternalDatabaseArgs): string {
  // A host that another stack makes is not known at a preview; that stack's server is named by the Secret.
  const where = typeof host === "string" ? { host, port } : { port };
  return `database-setup-${shortHash({ databases: [...databases].sort(), ...where, user, secretName })}`;
}

/** The Secret of a password that another stack hands over. */
export function renderPassword({ artifacts, connection }: ExternalDatabaseArgs, password: Input<string>) {
  return {
    metadata: { name: connection.secretName, namespace: artifacts.namespace, labels },
    type: "Opaque",
    stringData: { [connection.secretKey]: password },
  } satisfies SecretArgs;
}

/** Makes the databases that are not there. Awaited: what uses them is started after it. */
export function renderSetup(args: ExternalDatabaseArgs) {
  return {
    metadata: {
      name: setupName(args),
      namespace: args.artifacts.namespace,
      labels,
      annotations: { "pulumi.com/timeoutSeconds": String(SETUP_SECONDS + SETUP_MARGIN_SECONDS) },
    },
    spec: {
      backoffLimit: SETUP_TRIES,
      activeDeadlineSeconds: SETUP_SECONDS,
      template: { metadata: { labels }, spec: renderPod(args) },
    },
  } satisfies JobArgs;
}

function renderPod({ image, databases, connection }: ExternalDatabaseArgs) {
  return {
    restartPolicy: "Never",
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    securityContext: POD_SECURITY,
    containers: [
      {
        name: "setup",
        image,
        command: SETUP_COMMAND,
        env: [
          { name: "HOME", value: "/tmp" },
          { name: "MILLWRIGHT_DATABASES", value: databases.join(" ") },
          { name: "MILLWRIGHT_DATABASE_HOST", value: connection.host },
          { name: "MILLWRIGHT_DATABASE_PASSWORD_FILE", value: `${PASSWORD_FOLDER}/${connection.secretKey}` },
          { name: "MILLWRIGHT_DATABASE_PORT", value: String(connection.port) },
          { name: "MILLWRIGHT_DATABASE_USER", value: connection.user },
          ...(connection.sslMode === undefined ? [] : [{ name: "PGSSLMODE", value: connection.sslMode }]),
        ],
        resources: renderResources({ cpu: 0.05, cpuLimit: 0.5, memoryGiB: 0.125 }),
        securityContext: CONTAINER_SECURITY,
        volumeMounts: [
          { name: "password", mountPath: PASSWORD_FOLDER, readOnly: true },
          { name: "tmp", mountPath: "/tmp" },
        ],
      },
    ],
    volumes: [
      { name: "password", secret: renderSecretFile(connection.secretName, connection.secretKey) },
      { name: "tmp", emptyDir: {} },
    ],
  };
}

import type { Resources } from "../../../stacks/schema.ts";

/** Names the Service, the StatefulSet and the account: one server serves the whole namespace. */
export const DATABASE_NAME = "database";

export const DATABASE_PORT = 5432;

/** Owns every database. The server's superuser has no password and cannot log in. */
export const DATABASE_USER = "millwright";

export const PASSWORD_KEY = "password";

/** Random bytes of a password: 256 bits, 43 characters of base64url. */
export const PASSWORD_BYTES = 32;

/** What workloads/database runs, and where it finds its data and the password. */
export const DATABASE_COMMAND = ["millwright-database"];
export const DATA_FOLDER = "/millwright/database";
export const PASSWORD_FOLDER = "/millwright/secrets/database";

/** Folder of the artifact store that holds the data where the store is a folder of one node. */
export const STORE_FOLDER = "database";

/** Size of the claim where the data has one of its own: a trial takes a few kB. */
export const CLAIM_SIZE_GIB = 5;

/**
 * Connections one client may hold: its storage's and its locks', a heartbeat's, and one it has lost that the server has
 * not noticed yet.
 */
export const CONNECTIONS_A_CLIENT = 4;

/** Connections beyond those: the probes', and a person's who looks. */
export const CONNECTIONS_RESERVED = 10;

/** Memory without a connection: 64 MiB of shared buffers, and the server's own processes. */
const BASE_GIB = 0.25;

/** Memory of one connection's process. */
const CONNECTION_GIB = 8 / 1024;

/** Seconds a server may take to be ready: after a crash it first repeats what its log holds. */
export const DATABASE_STARTUP_SECONDS = 300;

/** Seconds between two looks at a server that starts. */
export const DATABASE_STARTUP_PERIOD_SECONDS = 2;

/** Seconds beyond its own start: to stop the previous server, to be placed, and to pull the image. */
export const DATABASE_MARGIN_SECONDS = 180;

/** Seconds from SIGTERM to SIGKILL. Clients are cut off at once; what takes time is writing what is in memory. */
export const DATABASE_GRACE_SECONDS = 60;

/** Seconds until a Service whose server is ready has its address. */
export const DATABASE_SERVICE_TIMEOUT_SECONDS = 60;

export function connectionsOf(clients: number): number {
  return clients * CONNECTIONS_A_CLIENT + CONNECTIONS_RESERVED;
}

/** What the server may use. It waits for its clients most of the time, and they train most of theirs. */
export function databaseResources(clients: number): Resources {
  return { cpu: 0.1, cpuLimit: 1, memoryGiB: BASE_GIB + connectionsOf(clients) * CONNECTION_GIB };
}

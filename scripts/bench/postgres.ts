import { chownSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { freePort } from "../lib/port.ts";
import { run } from "../lib/process.ts";
import { ensureDebianPackages } from "../toolchain/debian.ts";

const PROGRAMS = "/usr/lib/postgresql/15/bin";
const USER = "bench";
const PASSWORD = "bench";
const DATABASE = "search";

/** PostgreSQL's programs refuse to be root, so there they are Debian's user and group `nobody` and `nogroup`. */
const NOBODY = { uid: 65534, gid: 65534 } as const;

/** A PostgreSQL server of its own, on a free port and in a temporary folder. */
export interface Postgres {
  /** What the trainer's search stage is told about it. */
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

export async function startPostgres(): Promise<Postgres> {
  await ensureDebianPackages(["postgresql-15"]);
  const root = mkdtempSync(path.join(tmpdir(), "millwright-bench-postgres-"));
  const port = await freePort();
  const passwordFile = path.join(root, "password");
  const data = path.join(root, "data");
  writeFileSync(passwordFile, PASSWORD, { mode: 0o600 });
  const asRoot = process.getuid?.() === 0;
  if (asRoot) {
    for (const each of [root, passwordFile]) chownSync(each, NOBODY.uid, NOBODY.gid);
  }
  const program = (name: string, args: readonly string[]) => {
    const command = path.join(PROGRAMS, name);
    const options = { cwd: root, env: { PGPASSWORD: PASSWORD }, timeoutSeconds: 120 };
    return asRoot
      ? run("setpriv", [`--reuid=${NOBODY.uid}`, `--regid=${NOBODY.gid}`, "--clear-groups", command, ...args], options)
      : run(command, args, options);
  };
  const stop = async () => {
    try {
      await program("pg_ctl", ["stop", "--pgdata", data, "--mode", "immediate", "--wait"]);
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  };
  const settings = `-c port=${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off`;
  try {
    await program("initdb", [
      ...["--pgdata", data, "--no-sync", "--auth", "scram-sha-256", "--username", USER],
      ...["--encoding", "UTF8", "--no-locale", "--pwfile", passwordFile],
    ]);
    await program("pg_ctl", [
      ...["start", "--pgdata", data, "--wait", "--silent"],
      ...["--log", path.join(root, "log"), "--options", settings],
    ]);
    await program("createdb", ["--host", "127.0.0.1", "--port", String(port), "--username", USER, DATABASE]);
  } catch (error) {
    await stop().catch(() => {});
    throw error;
  }
  return {
    env: {
      MILLWRIGHT_DATABASE_HOST: "127.0.0.1",
      MILLWRIGHT_DATABASE_PORT: String(port),
      MILLWRIGHT_DATABASE_USER: USER,
      MILLWRIGHT_DATABASE_NAME: DATABASE,
      MILLWRIGHT_DATABASE_PASSWORD_FILE: passwordFile,
    },
    stop,
  };
}

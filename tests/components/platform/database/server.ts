import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { freePort } from "../../../../scripts/lib/port.ts";

const IMAGE = resolve(import.meta.dirname, "../../../../workloads/database");

/** Where Debian's package puts what the image runs. */
const PROGRAMS = "/usr/lib/postgresql/15/bin";

/** Debian's `nobody`: PostgreSQL does not run as root. */
const NOBODY = 65534;

const START_SECONDS = 20;
const STOP_SECONDS = 10;

export interface Ended {
  readonly code: number | null;
  /** What it printed, both streams. */
  readonly output: string;
}

/**
 * The database's image without its container: its files, its variables and an unprivileged user, in a temporary folder.
 */
export class DatabaseServer {
  readonly root: string;
  /** The volume. */
  readonly folder: string;
  readonly port: number;
  readonly #user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  #process: ChildProcess | undefined;
  #output = "";

  private constructor(root: string, port: number) {
    this.port = port;
    this.root = root;
    this.folder = join(root, "volume");
  }

  /** @throws Error where this machine has no PostgreSQL 15. */
  static async prepare(): Promise<DatabaseServer> {
    if (!existsSync(join(PROGRAMS, "initdb"))) {
      throw new Error(`${PROGRAMS} is not there; install it: apt-get install --no-install-recommends postgresql-15`);
    }
    const server = new DatabaseServer(mkdtempSync(join(tmpdir(), "millwright-database-")), await freePort());
    server.#fill();
    return server;
  }

  /** Another server on the same volume. */
  async beside(): Promise<DatabaseServer> {
    return new DatabaseServer(this.root, await freePort());
  }

  #fill(): void {
    // A copy, because the repository may lie where only its owner can read.
    cpSync(IMAGE, join(this.root, "image"), { recursive: true });
    mkdirSync(this.folder);
    chmodSync(this.root, 0o755);
    if (this.#user.uid !== undefined) {
      chownSync(this.folder, this.#user.uid, this.#user.gid);
    }
  }

  writePassword(password: string): void {
    writeFileSync(join(this.root, "password"), password);
  }

  /** Starts it; what is `undefined` among the variables is not set. */
  launch(variables: Readonly<Record<string, string | undefined>> = {}): void {
    this.#output = "";
    const child = spawn(join(this.root, "image/millwright-database"), [], {
      ...this.#user,
      cwd: this.folder,
      env: {
        PATH: `${PROGRAMS}:/usr/bin:/bin`,
        HOME: "/tmp",
        MILLWRIGHT_DATABASES: "optuna",
        MILLWRIGHT_DATABASE_CONNECTIONS: "20",
        MILLWRIGHT_DATABASE_FOLDER: this.folder,
        MILLWRIGHT_DATABASE_PASSWORD_FILE: join(this.root, "password"),
        MILLWRIGHT_DATABASE_PORT: String(this.port),
        MILLWRIGHT_DATABASE_USER: "millwright",
        ...variables,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const keep = (chunk: Buffer) => {
      this.#output += chunk.toString("utf8");
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    this.#process = child;
  }

  /** Starts it and waits as the pod's probe does. */
  async start(variables: Readonly<Record<string, string | undefined>> = {}): Promise<void> {
    this.launch(variables);
    for (let left = START_SECONDS * 10; left > 0; left -= 1) {
      if (this.#process?.exitCode !== null) {
        throw new Error(`the server ended with ${this.#process?.exitCode}:\n${this.#output}`);
      }
      if (await this.isReady()) {
        return;
      }
      await pause(100);
    }
    throw new Error(`the server was not ready within ${START_SECONDS} s:\n${this.#output}`);
  }

  async isReady(): Promise<boolean> {
    const args = ["--quiet", "--host=127.0.0.1", `--port=${this.port}`];
    return await promisify(execFile)(join(PROGRAMS, "pg_isready"), args).then(
      () => true,
      () => false,
    );
  }

  /** Waits until it printed something. */
  async printed(text: string): Promise<void> {
    while (!this.#output.includes(text)) {
      if (this.#process?.exitCode !== null) {
        throw new Error(`the server ended before it said "${text}":\n${this.#output}`);
      }
      await pause(20);
    }
  }

  signal(name: NodeJS.Signals): void {
    this.#process?.kill(name);
  }

  async ended(): Promise<Ended> {
    const child = this.#process;
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      await once(child, "close");
    }
    return { code: child?.exitCode ?? null, output: this.#output };
  }

  /** @throws Error where SIGTERM does not end it; then it is killed. */
  async stop(): Promise<Ended> {
    this.signal("SIGTERM");
    const ended = await Promise.race([this.ended(), pause(STOP_SECONDS * 1000, undefined, { ref: false })]);
    if (ended === undefined) {
      const { output } = await this.kill();
      throw new Error(`the server did not end within ${STOP_SECONDS} s of SIGTERM:\n${output}`);
    }
    return ended;
  }

  /** Kills the server itself, as a node does that runs out of memory. */
  async kill(): Promise<Ended> {
    const [pid] = readFileSync(join(this.folder, "data/postmaster.pid"), "utf8").split("\n");
    process.kill(Number(pid), "SIGKILL");
    return await this.ended();
  }

  /** What psql prints for statements, a row a line. */
  async query(sql: string, login: Login): Promise<string> {
    const { stdout } = await promisify(execFile)(...this.#psql(sql, login));
    return stdout.trim();
  }

  /** A client that is at work, and stays so. */
  client(sql: string, login: Login): ChildProcess {
    const [file, args, options] = this.#psql(sql, login);
    return spawn(file, args, { ...options, stdio: "ignore" });
  }

  #psql(sql: string, { password, user = "millwright", database = "optuna" }: Login) {
    const host = ["--host=127.0.0.1", `--port=${this.port}`, `--username=${user}`, `--dbname=${database}`];
    const args = [
      ...host,
      "--no-password",
      "--no-psqlrc",
      "--quiet",
      "--tuples-only",
      "--no-align",
      `--command=${sql}`,
    ];
    return [join(PROGRAMS, "psql"), args, { env: { PGPASSWORD: password, PGCONNECT_TIMEOUT: "5" } }] as const;
  }

  async remove(): Promise<void> {
    try {
      await this.stop();
    } finally {
      rmSync(this.root, { recursive: true, force: true });
    }
  }
}

export interface Login {
  readonly password: string;
  /** @default millwright */
  readonly user?: string;
  /** @default optuna */
  readonly database?: string;
}

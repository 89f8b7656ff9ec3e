import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import path from "node:path";
import { unmountUnder } from "../cluster/run-folder.ts";
import { type Daemon, run, stopDaemon } from "../lib/process.ts";
import { stateRoot } from "../lib/roots.ts";
import { findOnPath } from "../toolchain/path.ts";
import { type DaemonSpec, startAndAwait } from "./daemon-spec.ts";

export interface DockerOptions {
  /** Where images, containers and sockets lie. @default <state>/docker */
  readonly root?: string;
  /** Where log files lie. @default <state>/logs */
  readonly logs?: string;
}

export interface DockerSpecOptions {
  readonly root: string;
  /** The containerd that runs Docker's containers, in a namespace of its own. */
  readonly containerdSocket: string;
}

/** The docker socket below a root, `<state>/docker` unless told otherwise. */
export function dockerSocket(root: string = dockerRoot()): string {
  return path.join(root, "docker.sock");
}

/** What DOCKER_HOST has to be. */
export function dockerHost(root: string = dockerRoot()): string {
  return `unix://${dockerSocket(root)}`;
}

function dockerRoot(): string {
  return path.join(stateRoot(), "docker");
}

/**
 * How dockerd is run: it builds and pushes images, and nothing else. It keeps its hands off the packet filter and has no
 * bridge, so that it cannot fight the cluster's network; builds use the host's (`docker build --network host`).
 */
export function dockerSpec({ root, containerdSocket }: DockerSpecOptions): DaemonSpec {
  const running = path.join(root, "run");
  mkdirSync(running, { recursive: true, mode: 0o700 });
  const args = [
    `--host=unix://${dockerSocket(root)}`,
    `--containerd=${containerdSocket}`,
    `--data-root=${path.join(root, "data")}`,
    `--exec-root=${path.join(running, "exec")}`,
    `--pidfile=${path.join(running, "dockerd.pid")}`,
    "--group=0",
    "--bridge=none",
    "--iptables=false",
    "--ip6tables=false",
    "--ip-forward=false",
    "--ip-masq=false",
    "--userland-proxy=false",
    "--exec-opt=native.cgroupdriver=cgroupfs",
    // Lowering its own score needs CAP_SYS_RESOURCE, which a container may lack.
    "--oom-score-adjust=0",
    "--log-level=warn",
  ];
  return {
    name: "dockerd",
    command: findOnPath("dockerd") ?? "dockerd",
    args,
    probe: () => answersPing(dockerSocket(root)),
    timeoutSeconds: 60,
  };
}

/** Starts dockerd, and a containerd for it, unless they run; waits until it answers. */
export async function startDockerd(options: DockerOptions = {}): Promise<Daemon> {
  const files = dockerFiles(options);
  const containerdSocket = path.join(files.root, "run", "containerd.sock");
  await startAndAwait(containerdSpec(files.root, containerdSocket), files.of("docker-containerd"));
  const spec = dockerSpec({ root: files.root, containerdSocket });
  return startAndAwait(spec, files.of("dockerd"));
}

/** True if dockerd ran. */
export async function stopDockerd(options: DockerOptions = {}): Promise<boolean> {
  const files = dockerFiles(options);
  const ran = await stopDaemon(files.of("dockerd").pidFile, { graceSeconds: 20 });
  await stopDaemon(files.of("docker-containerd").pidFile);
  // Builds on the host's network leave its namespace mounted.
  await unmountUnder(files.root);
  // Its own pid file outlives a kill or a reboot, and by then may name another process, which would keep it from starting.
  rmSync(path.join(files.root, "run", "dockerd.pid"), { force: true });
  return ran;
}

function dockerFiles(options: DockerOptions) {
  const root = options.root ?? dockerRoot();
  const logs = options.logs ?? path.join(stateRoot(), "logs");
  return {
    root,
    of: (name: string) => ({
      pidFile: path.join(root, "run", `${name}.json`),
      logFile: path.join(logs, `${name}.log`),
    }),
  };
}

function containerdSpec(root: string, socket: string): DaemonSpec {
  const configFile = path.join(root, "run", "containerd.toml");
  mkdirSync(path.dirname(configFile), { recursive: true, mode: 0o700 });
  writeFileSync(configFile, containerdConfig(root, socket));
  return {
    name: "docker-containerd",
    command: findOnPath("containerd") ?? "containerd",
    args: ["--config", configFile],
    probe: async () => {
      await run("ctr", ["--address", socket, "version"], { timeoutSeconds: 5 });
      return true;
    },
    timeoutSeconds: 30,
  };
}

/** The configuration of the containerd that only Docker uses. */
export function containerdConfig(root: string, socket: string): string {
  return [
    "version = 2",
    `root = ${JSON.stringify(path.join(root, "containerd"))}`,
    `state = ${JSON.stringify(path.join(root, "run", "containerd"))}`,
    'disabled_plugins = ["io.containerd.grpc.v1.cri"]',
    "[grpc]",
    `  address = ${JSON.stringify(socket)}`,
    "[debug]",
    '  level = "warn"',
    "",
  ].join("\n");
}

function answersPing(socketPath: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const ping = request({ socketPath, path: "/_ping", timeout: 2000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    ping.once("timeout", () => ping.destroy(new Error(`${socketPath} did not answer within 2 s`)));
    ping.once("error", reject);
    ping.end();
  });
}

import { readFileSync } from "node:fs";
import * as grpc from "@grpc/grpc-js";

/** Messages of a whole state or of a large manifest pass through here; the engine itself allows 400 MiB. */
const MAX_MESSAGE_BYTES = 400 * 1024 * 1024;

export const CHANNEL_OPTIONS = {
  "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
  "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
} as const;

/** A plugin as the engine starts it: it learns the engine's address, listens, and says where. */
export interface Plugin {
  /** Name in messages, e.g. `pulumi-resource-docker`. */
  readonly name: string;
  /** Adds the plugin's services to the server. */
  readonly register: (server: grpc.Server, engineAddress: string | undefined) => void;
  /** Called once before the process exits, to end what the plugin started. */
  readonly stop?: () => void;
  /** Called before that when the engine is gone without having told the plugin to stop: it was killed. */
  readonly orphaned?: () => Promise<void>;
}

/**
 * Serves a plugin until the engine is done with it: the engine closes stdin when it ends for whatever reason, even
 * killed, and interrupts the plugin when it is told to stop.
 */
export async function servePlugin(plugin: Plugin): Promise<void> {
  const exit = (code: number): void => {
    plugin.stop?.();
    process.exit(code);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => exit(0));
  const abandoned = (): void => {
    void Promise.resolve(plugin.orphaned?.()).finally(() => exit(0));
  };
  process.stdin.on("end", abandoned).on("error", abandoned).resume();

  const server = new grpc.Server(CHANNEL_OPTIONS);
  plugin.register(server, engineAddress(process.argv.slice(2)));
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  process.stdout.write(`${port}\n`);
}

/** The engine passes its address as the last argument, after flags such as `--logtostderr` and `--tracing URL`. */
export function engineAddress(args: readonly string[]): string | undefined {
  const last = args.at(-1);
  return last !== undefined && /:\d+$/.test(last) && !last.startsWith("-") ? last : undefined;
}

/** The version of an npm package of this repository, read from its own package.json. */
export function packageVersion(name: string): string {
  const url = import.meta.resolve(`${name}/package.json`);
  const manifest: unknown = JSON.parse(readFileSync(new URL(url), "utf8"));
  if (typeof manifest === "object" && manifest !== null && "version" in manifest) {
    if (typeof manifest.version === "string") return manifest.version;
  }
  throw new Error(`${url}: the package names no version; run npm ci`);
}

/** A failed call as the engine shows it: the message as it is, without a stack. */
export class CallError extends Error {
  readonly code: grpc.status;
  readonly metadata = new grpc.Metadata();

  constructor(message: string, code: grpc.status = grpc.status.UNKNOWN) {
    super(message);
    this.code = code;
  }

  get details(): string {
    return this.message;
  }
}

type Unary<Request, Response> = (
  request: Request,
  call: grpc.ServerUnaryCall<Request, Response>,
) => Promise<Response> | Response;

/** Turns an async function into a gRPC handler; what it throws becomes the call's error. */
export function unary<Request, Response>(handle: Unary<Request, Response>): grpc.handleUnaryCall<Request, Response> {
  return (call, callback) => {
    Promise.resolve()
      .then(() => handle(call.request, call))
      .then(
        (response) => callback(null, response),
        (error: unknown) => callback(asCallError(error)),
      );
  };
}

export function asCallError(error: unknown): CallError {
  if (error instanceof CallError) return error;
  return new CallError(error instanceof Error ? error.message : String(error));
}

/** Answers a call the stand-in does not support, naming the call and what to use instead. */
export function refuse<Request, Response>(plugin: string, call: string): grpc.handleUnaryCall<Request, Response> {
  return unary<Request, Response>(() => {
    throw new CallError(
      `${plugin}: the stand-in does not support ${call}; install the official plugin where downloads are possible`,
      grpc.status.UNIMPLEMENTED,
    );
  });
}

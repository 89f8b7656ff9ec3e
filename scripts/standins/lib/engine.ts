import * as grpc from "@grpc/grpc-js";
import engineGrpc from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import engineMessages from "@pulumi/pulumi/proto/engine_pb.js";
import { CHANNEL_OPTIONS } from "./plugin.ts";

export type Severity = "debug" | "info" | "warning" | "error";

/** Where a plugin's messages go: beside the resource they are about. */
export interface Log {
  /** `urn` empty = about the whole update. A transient message shows in the resource's status line and is not kept. */
  write(severity: Severity, message: string, urn?: string, transient?: boolean): Promise<void>;
}

/** Logs to the engine at an address; without one (a test) to stderr. */
export function engineLog(address: string | undefined): Log {
  if (address === undefined) {
    return {
      write: async (severity, message) => {
        process.stderr.write(`${severity}: ${message}\n`);
      },
    };
  }
  const client = new engineGrpc.EngineClient(address, grpc.credentials.createInsecure(), CHANNEL_OPTIONS);
  const severities = {
    debug: engineMessages.LogSeverity.DEBUG,
    info: engineMessages.LogSeverity.INFO,
    warning: engineMessages.LogSeverity.WARNING,
    error: engineMessages.LogSeverity.ERROR,
  };
  // One at a time: calls side by side may arrive in another order than they were made.
  let last: Promise<void> = Promise.resolve();
  const send = (severity: Severity, message: string, urn: string, transient: boolean): Promise<void> =>
    new Promise((resolve) => {
      const request = new engineMessages.LogRequest();
      request.setSeverity(severities[severity]);
      request.setMessage(message);
      request.setUrn(urn);
      request.setEphemeral(transient);
      client.log(request, (error: grpc.ServiceError | null) => {
        // A message must never fail the operation it is about; stderr is what is left when the engine is gone.
        if (error !== null) process.stderr.write(`${severity}: ${message} (not delivered: ${error.details})\n`);
        resolve();
      });
    });
  return {
    write: (severity, message, urn = "", transient = false) => {
      last = last.then(() => send(severity, message, urn, transient));
      return last;
    },
  };
}

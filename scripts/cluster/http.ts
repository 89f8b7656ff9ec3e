import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { type Authority, certificateFile, keyFile } from "./certificates.ts";

/** Whom to believe, and who asks. */
export interface ClientIdentity {
  readonly ca: Buffer;
  /** @default nobody in particular */
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
}

export interface AskOptions {
  /** For https. */
  readonly identity?: ClientIdentity;
  /** @default "GET" */
  readonly method?: string;
  readonly body?: string;
  readonly contentType?: string;
  /** @default 5 */
  readonly timeoutSeconds?: number;
}

export function readIdentity(pki: string, name: string, authority: Authority = "ca"): ClientIdentity {
  return {
    ca: readFileSync(certificateFile(pki, authority)),
    cert: readFileSync(certificateFile(pki, name)),
    key: readFileSync(keyFile(pki, name)),
  };
}

/** One request on a connection of its own, so that nothing keeps the process alive. Rejects where nobody answers. */
export function ask(url: string, options: AskOptions = {}): Promise<Answer> {
  const { identity, method = "GET", body, contentType, timeoutSeconds = 5 } = options;
  const send = url.startsWith("https:") ? https.request : http.request;
  return new Promise((resolve, reject) => {
    const request = send(
      url,
      {
        method,
        agent: false,
        ...identity,
        headers: contentType === undefined ? {} : { "content-type": contentType },
        timeout: timeoutSeconds * 1000,
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => {
          text += chunk;
        });
        response.once("error", reject);
        response.once("end", () => resolve({ status: response.statusCode ?? 0, body: text }));
      },
    );
    request.once("timeout", () => request.destroy(new Error(`${url} did not answer in ${timeoutSeconds} s`)));
    request.once("error", reject);
    request.end(body);
  });
}

/** Whether a health page answers 200. */
export async function isHealthy(url: string, identity?: ClientIdentity): Promise<boolean> {
  const { status, body } = await ask(url, identity === undefined ? {} : { identity });
  if (status !== 200) {
    throw new Error(`${url} answers ${status}: ${body.trim().split("\n").slice(-3).join("; ").slice(0, 300)}`);
  }
  return true;
}

import { existsSync, readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { delimiter } from "node:path";
import { type Context, KubeConfig } from "@kubernetes/client-node";
import { parse } from "yaml";
import { Failure } from "../../lib/failure.ts";

/** How one request reaches the API server as the user. */
export interface Access {
  /** Keeps connections for further requests. */
  readonly kept: http.Agent;
  /** A new connection for each request. */
  readonly fresh: http.Agent;
  readonly headers: Readonly<Record<string, string>>;
}

/** Credentials are read again after this long, so that rotated files and expiring tokens are picked up. */
const CREDENTIALS_MILLIS = 30_000;

/** The API server of a kubeconfig's context, as that context's user. */
export class Upstream {
  readonly server: URL;
  readonly context: Context;
  /** The entries of the user that say as whom to act: they are the client's to send. */
  readonly impersonation: Readonly<Record<string, unknown>>;
  readonly #config: KubeConfig;
  readonly #agents = new Map<string, Pick<Access, "kept" | "fresh">>();
  #access: Promise<Access> | undefined;
  #readAt = 0;

  /**
   * @param kubeconfig a file or, as `$KUBECONFIG`, a list of files; as with kubectl, the first to give a name its meaning counts
   * @throws Failure where there is no such context
   */
  constructor(kubeconfig: string, contextName: string) {
    const files = kubeconfig.split(delimiter).filter((file) => file !== "" && existsSync(file));
    const configs = files.map((file) => {
      const config = new KubeConfig();
      config.loadFromFile(file);
      return config;
    });
    this.#config = new KubeConfig();
    this.#config.loadFromOptions({
      clusters: firstOfEachName(configs.flatMap(({ clusters }) => clusters)),
      users: firstOfEachName(configs.flatMap(({ users }) => users)),
      contexts: firstOfEachName(configs.flatMap(({ contexts }) => contexts)),
      currentContext: contextName,
    });
    const context = this.#config.getContextObject(contextName);
    const cluster = this.#config.getCurrentCluster();
    if (context === null || cluster === null) {
      throw new Failure(
        `The kubeconfig ${kubeconfig} has no context ${contextName} with a cluster`,
        "name a context that it has: kubectl config get-contexts",
      );
    }
    this.context = context;
    this.server = new URL(cluster.server);
    if (this.server.protocol === "http:") {
      // The client refuses a server without TLS unless it is told that TLS is not to be verified.
      this.#config.clusters = this.#config.clusters.map((each) =>
        each.name === cluster.name ? { ...each, skipTLSVerify: true } : each,
      );
    }
    this.impersonation = impersonationOf(
      files.map((file) => parse(readFileSync(file, "utf8"))),
      context.user,
    );
  }

  /** Rejects where the user's login fails. */
  access(): Promise<Access> {
    if (this.#access === undefined || Date.now() - this.#readAt > CREDENTIALS_MILLIS) {
      this.#readAt = Date.now();
      this.#access = this.#readAccess();
      this.#access.catch(() => this.forget());
    }
    return this.#access;
  }

  /** The credentials were refused: they are read anew for the next request. */
  forget(): void {
    this.#access = undefined;
  }

  close(): void {
    for (const { kept, fresh } of this.#agents.values()) {
      kept.destroy();
      fresh.destroy();
    }
  }

  async #readAccess(): Promise<Access> {
    const options: https.RequestOptions = {};
    await this.#config.applyToHTTPSOptions(options);
    const headers = Object.entries(options.headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)]);
    const basic =
      typeof options.auth === "string"
        ? { authorization: `Basic ${Buffer.from(options.auth).toString("base64")}` }
        : {};
    return { ...this.#agentsFor(options), headers: { ...Object.fromEntries(headers), ...basic } };
  }

  #agentsFor({ agent, ca, cert, key, servername, rejectUnauthorized }: https.RequestOptions) {
    const tls = { ca, cert, key, servername, rejectUnauthorized };
    const material = JSON.stringify(Object.values(tls).map(String));
    const known = this.#agents.get(material);
    if (known !== undefined) {
      return known;
    }
    const given = Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined));
    const { Agent } = this.server.protocol === "http:" ? http : https;
    const isProxied = this.#config.getCurrentCluster()?.proxyUrl !== undefined;
    const agents =
      isProxied && agent instanceof http.Agent
        ? { kept: agent, fresh: agent }
        : { kept: new Agent({ ...given, keepAlive: true, scheduling: "lifo" }), fresh: new Agent({ ...given }) };
    this.#agents.set(material, agents);
    return agents;
  }
}

function firstOfEachName<T extends { readonly name: string }>(entries: readonly T[]): T[] {
  return [...new Map(entries.toReversed().map((entry) => [entry.name, entry])).values()];
}

interface RawKubeconfig {
  readonly users?: readonly { readonly name: string; readonly user?: Readonly<Record<string, unknown>> }[];
}

/** `as`, `as-uid`, `as-groups`, `as-user-extra` of a user, of which the client knows only the first. */
function impersonationOf(kubeconfigs: readonly RawKubeconfig[], user: string): Record<string, unknown> {
  const entry = kubeconfigs.flatMap(({ users }) => users ?? []).find(({ name }) => name === user);
  return Object.fromEntries(Object.entries(entry?.user ?? {}).filter(([key]) => /^as(?:-|$)/.test(key)));
}

/** The kubeconfig that leads to the hop instead, under the same names: they are part of what Pulumi's state knows of a provider. */
export function kubeconfigFor(
  { context, impersonation }: Pick<Upstream, "context" | "impersonation">,
  hop: { readonly server: string; readonly certificate: string; readonly token: string },
): string {
  const { name, cluster, user, namespace } = context;
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": name,
    contexts: [{ name, context: { cluster, user, ...(namespace === undefined ? {} : { namespace }) } }],
    clusters: [
      {
        name: cluster,
        cluster: {
          server: hop.server,
          "certificate-authority-data": Buffer.from(hop.certificate).toString("base64"),
        },
      },
    ],
    users: [{ name: user, user: { ...impersonation, token: hop.token } }],
  });
}

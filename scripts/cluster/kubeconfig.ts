import { readFileSync } from "node:fs";
import { certificateFile, keyFile } from "./certificates.ts";
import { CLUSTER_NAME } from "./constants.ts";

export interface KubeconfigOptions {
  /** URL of the API server. */
  readonly server: string;
  /** Name of the user entry, which a reader sees; who it is decides the certificate. */
  readonly user: string;
  /** Name of the user's certificate and key under `pki`. */
  readonly certificate: string;
  readonly pki: string;
  /** Name of the context and of the cluster in it. @default "millwright" */
  readonly context?: string;
}

/** A kubeconfig with everything inside it, so that it works wherever it is copied. */
export function renderKubeconfig(options: KubeconfigOptions): string {
  const { server, user, certificate, pki, context = CLUSTER_NAME } = options;
  const inline = (file: string) => readFileSync(file).toString("base64");
  return `${JSON.stringify(
    {
      apiVersion: "v1",
      kind: "Config",
      "current-context": context,
      clusters: [
        { name: context, cluster: { server, "certificate-authority-data": inline(certificateFile(pki, "ca")) } },
      ],
      contexts: [{ name: context, context: { cluster: context, user } }],
      users: [
        {
          name: user,
          user: {
            "client-certificate-data": inline(certificateFile(pki, certificate)),
            "client-key-data": inline(keyFile(pki, certificate)),
          },
        },
      ],
    },
    undefined,
    2,
  )}\n`;
}

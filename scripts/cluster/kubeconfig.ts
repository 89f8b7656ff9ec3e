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
}

/** A kubeconfig with everything inside it, so that it works wherever it is copied. */
export function renderKubeconfig({ server, user, certificate, pki }: KubeconfigOptions): string {
  const inline = (file: string) => readFileSync(file).toString("base64");
  return `${JSON.stringify(
    {
      apiVersion: "v1",
      kind: "Config",
      "current-context": CLUSTER_NAME,
      clusters: [
        { name: CLUSTER_NAME, cluster: { server, "certificate-authority-data": inline(certificateFile(pki, "ca")) } },
      ],
      contexts: [{ name: CLUSTER_NAME, context: { cluster: CLUSTER_NAME, user } }],
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

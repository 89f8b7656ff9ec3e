import { stringify } from "yaml";

export interface KubeconfigArgs {
  readonly clusterName: string;
  readonly region: string;
  /** `https://...` */
  readonly endpoint: string;
  /** In base64. */
  readonly certificateAuthority: string;
}

/**
 * A kubeconfig without any secret: whoever uses it proves who they are by the AWS command line's own credentials, which
 * makes a token of fifteen minutes at each call. Needs `aws` 2 on the machine. Pure.
 */
export function renderKubeconfig({ clusterName, region, endpoint, certificateAuthority }: KubeconfigArgs): string {
  return stringify(
    {
      apiVersion: "v1",
      kind: "Config",
      "current-context": clusterName,
      clusters: [
        { name: clusterName, cluster: { server: endpoint, "certificate-authority-data": certificateAuthority } },
      ],
      contexts: [{ name: clusterName, context: { cluster: clusterName, user: clusterName } }],
      users: [
        {
          name: clusterName,
          user: {
            exec: {
              apiVersion: "client.authentication.k8s.io/v1beta1",
              command: "aws",
              args: ["--region", region, "eks", "get-token", "--cluster-name", clusterName, "--output", "json"],
              interactiveMode: "Never",
            },
          },
        },
      ],
    },
    { lineWidth: 0 },
  );
}

import { stringify } from "yaml";
import { HUGEPAGES_PER_GIB } from "./defaults.ts";

export interface UserDataOptions {
  /** Huge pages of 2 MiB to keep, in GiB. */
  readonly hugepages2MiGiB: number;
  /** Whether the machine's own disks become one volume that containers write to. */
  readonly localStorage: boolean;
}

const BOUNDARY = "millwright";

/**
 * What a machine with Amazon Linux 2023 is told before its node starts, as a MIME document, to which EKS and Karpenter add
 * what makes it a node of the cluster; undefined where there is nothing to say.
 *
 * The kubelet counts huge pages when it starts, which is after every script of cloud-init (nodeadm-run.service of
 * awslabs/amazon-eks-ami is `After=cloud-final.service`).
 */
export function renderUserData({ hugepages2MiGiB, localStorage }: UserDataOptions): string | undefined {
  const parts = [
    ...(hugepages2MiGiB === 0
      ? []
      : [part('text/x-shellscript; charset="us-ascii"', hugepagesScript(hugepages2MiGiB * HUGEPAGES_PER_GIB))]),
    ...(localStorage ? [part("application/node.eks.aws", stringify(NODE_CONFIG))] : []),
  ];
  return parts.length === 0
    ? undefined
    : [
        "MIME-Version: 1.0",
        `Content-Type: multipart/mixed; boundary="${BOUNDARY}"`,
        "",
        ...parts,
        `--${BOUNDARY}--`,
        "",
      ].join("\n");
}

const NODE_CONFIG = {
  apiVersion: "node.eks.aws/v1alpha1",
  kind: "NodeConfig",
  spec: { instance: { localStorage: { strategy: "RAID0" } } },
};

function part(contentType: string, content: string): string {
  return `--${BOUNDARY}\nContent-Type: ${contentType}\n\n${content}`;
}

/** In a file, so that the pages are there after a restart of the machine, too. */
function hugepagesScript(pages: number): string {
  return `#!/bin/bash
set -eu
echo "vm.nr_hugepages = ${pages}" > /etc/sysctl.d/90-millwright-hugepages.conf
sysctl --load /etc/sysctl.d/90-millwright-hugepages.conf
`;
}

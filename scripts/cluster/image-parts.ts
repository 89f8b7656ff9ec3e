import { rmSync } from "node:fs";
import path from "node:path";
import { dockerSpec } from "../images/docker.ts";
import { registrySpec } from "../images/registry.ts";
import type { ClusterLayout } from "./layout.ts";
import type { Part } from "./parts.ts";

/** Where images are built and kept: dockerd on the node's own containerd, and the registry. */
export function imageParts(layout: ClusterLayout): Part[] {
  return [
    { ...registrySpec({ root: layout.registryRoot }), after: [] },
    {
      ...dockerSpec({ root: layout.dockerRoot, containerdSocket: layout.containerdSocket }),
      after: ["containerd"],
      prepare: async () => removeDockerPidFile(layout),
    },
  ];
}

/** dockerd refuses to start where the pid in this file belongs to any process, as it may after a crash. */
export function removeDockerPidFile(layout: ClusterLayout): void {
  rmSync(path.join(layout.dockerRoot, "run", "dockerd.pid"), { force: true });
}

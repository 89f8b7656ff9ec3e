import { ensurePauseArchive, PAUSE_IMAGE } from "../images/pause.ts";
import type { Report } from "../lib/report.ts";
import { containerd } from "./containerd.ts";
import type { ClusterLayout } from "./layout.ts";

/** Gives containerd the image of the container that holds a pod's namespaces, unless it has it. */
export async function importPauseImage(layout: ClusterLayout, report: Report): Promise<void> {
  const { stdout } = await containerd(layout, "images", "list", "--quiet", `name==${PAUSE_IMAGE}`);
  if (stdout.trim() === "") {
    await containerd(layout, "images", "import", await ensurePauseArchive(report));
  }
}

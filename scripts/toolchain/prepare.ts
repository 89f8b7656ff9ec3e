import { ensureBaseArchive } from "../images/base.ts";
import { ensurePauseArchive } from "../images/pause.ts";
import { type Report, report as stderrReport } from "../lib/report.ts";
import { type DebianPackageName, ensureDebianPackages, missingPackages, NODE_PACKAGES } from "./debian.ts";
import { absentTools, ensureTools } from "./ensure.ts";
import { CLUSTER_TOOLS, preflightLocalCluster } from "./preflight.ts";

/**
 * Makes sure that everything the local datacenter is made of is on this machine: Debian packages, tools, and the images that
 * need no running datacenter. Quick when it is. Throws a Failure before anything is installed where it cannot succeed.
 */
export async function prepareLocalCluster(report: Report = stderrReport): Promise<void> {
  const obstacle = await preflightLocalCluster();
  if (obstacle !== undefined) {
    throw obstacle;
  }
  // One call of apt: with the Go that fetches the Go to build with, where there is none at all.
  const builds = (await absentTools(CLUSTER_TOOLS)).length > 0;
  const go: readonly DebianPackageName[] = builds && missingPackages(["golang-go"]).length > 0 ? ["golang-go"] : [];
  await ensureDebianPackages([...NODE_PACKAGES, ...go], report);
  // Compiling keeps the processors busy and the base image the network, so they go side by side.
  const results = await Promise.allSettled([
    ensureTools(CLUSTER_TOOLS, report).then(() => ensurePauseArchive(report)),
    ensureBaseArchive(report),
  ]);
  for (const result of results) {
    if (result.status === "rejected") {
      throw result.reason;
    }
  }
}

import type { Problem } from "../../core/problem.ts";
import { CHARTS } from "./charts.ts";
import type { Addon, AddonsArgs } from "./types.ts";

/** Kubernetes too old for a chart that is to be installed. Paths start at the add-ons' arguments. */
export function validateAddons(
  { kubernetesVersion }: Pick<AddonsArgs, "kubernetesVersion">,
  addons: readonly Addon[],
): Problem[] {
  return addons.flatMap(({ chart, because }) => {
    const { kubernetes, version } = CHARTS[chart];
    return kubernetes === undefined || atLeast(kubernetesVersion, kubernetes)
      ? []
      : [
          {
            path: "kubernetesVersion",
            message: `must be at least ${kubernetes} for ${chart} ${version}, which is needed because ${because}`,
            value: kubernetesVersion,
          },
        ];
  });
}

/** Whether one version of Kubernetes, `1.<minor>`, is another or newer. */
function atLeast(version: string, least: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [leastMajor = 0, leastMinor = 0] = least.split(".").map(Number);
  return major > leastMajor || (major === leastMajor && minor >= leastMinor);
}

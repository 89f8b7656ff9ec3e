import { memberAt } from "./pods.ts";
import { containerRule } from "./rule.ts";

/** Capabilities that give away the node as `privileged` does. */
const AS_GOOD_AS_PRIVILEGED = new Set(["ALL", "SYS_ADMIN", "CAP_SYS_ADMIN"]);

/** A privileged container is root on its node, whatever user it runs as. */
export const containerNotPrivileged = containerRule({
  name: "container-not-privileged",
  description: "No container is privileged or has capabilities that amount to it.",
  severity: "critical",
  tags: ["security"],
  remediationSteps: "Remove it; a device a workload needs comes from a device plugin, not from privileges.",
  judge: (container) => {
    const security = container.get("securityContext");
    const added = memberAt(security, "capabilities", "add");
    const capabilities = Array.isArray(added)
      ? added.map(String).filter((name) => AS_GOOD_AS_PRIVILEGED.has(name))
      : [];
    return [
      ...(memberAt(security, "privileged") === true ? ["is privileged"] : []),
      ...(memberAt(security, "windowsOptions", "hostProcess") === true ? ["is a host process"] : []),
      ...capabilities.map((name) => `adds the capability ${name}`),
    ];
  },
});

/**
 * The restricted pod security standard, as far as it can be broken by what a pod's spec says: the cluster's admission
 * decides in the end; this tells before.
 */

type Spec = Readonly<Record<string, unknown>>;

const ALLOWED_VOLUMES = new Set([
  "configMap",
  "csi",
  "downwardAPI",
  "emptyDir",
  "ephemeral",
  "persistentVolumeClaim",
  "projected",
  "secret",
]);

const SECCOMP = new Set(["RuntimeDefault", "Localhost"]);

/** Every way in which a pod's spec falls short of the standard; empty where it keeps it. */
export function restrictedProblems(pod: Spec): string[] {
  const security = object(pod["securityContext"]);
  return [
    ...["hostNetwork", "hostPID", "hostIPC"].filter((field) => pod[field] === true).map((field) => `${field} is true`),
    ...list(pod["volumes"]).flatMap((volume) =>
      Object.keys(volume)
        .filter((key) => key !== "name" && !ALLOWED_VOLUMES.has(key))
        .map((key) => `volume ${volume["name"]} is a ${key}`),
    ),
    ...(list(security["sysctls"]).length > 0 ? ["sets sysctls"] : []),
    ...["initContainers", "containers"].flatMap((field) =>
      list(pod[field]).flatMap((container) =>
        containerProblems(container, security).map((problem) => `${container["name"]}: ${problem}`),
      ),
    ),
  ];
}

function containerProblems(container: Spec, pod: Spec): string[] {
  const own = object(container["securityContext"]);
  const inherited = { ...pod, ...own };
  const capabilities = object(own["capabilities"]);
  const added = (capabilities["add"] ?? []) as string[];
  const checks: [boolean, string][] = [
    [own["privileged"] !== true, "is privileged"],
    [own["allowPrivilegeEscalation"] === false, "allowPrivilegeEscalation is not false"],
    [((capabilities["drop"] ?? []) as string[]).includes("ALL"), "does not drop ALL capabilities"],
    [added.every((name) => name === "NET_BIND_SERVICE"), `adds ${added.join(", ")}`],
    [inherited["runAsNonRoot"] === true, "runAsNonRoot is not true"],
    [inherited["runAsUser"] !== 0, "runs as user 0"],
    [SECCOMP.has(String(object(inherited["seccompProfile"])["type"])), "has no seccomp profile"],
    [own["procMount"] === undefined || own["procMount"] === "Default", "changes procMount"],
    [list(container["ports"]).every((port) => port["hostPort"] === undefined), "takes a port of the host"],
  ];
  return checks.filter(([kept]) => !kept).map(([, problem]) => problem);
}

function object(value: unknown): Spec {
  return (value ?? {}) as Spec;
}

function list(value: unknown): readonly Spec[] {
  return (value ?? []) as readonly Spec[];
}

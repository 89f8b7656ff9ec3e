import assert from "node:assert/strict";
import { CONTAINER_SECURITY, POD_SECURITY } from "../../components/platform/pod/security.ts";
import { restrictedProblems } from "./pod-security.ts";
import { podSpecs, renderedObjects } from "./rendered.ts";

const compliant = {
  securityContext: POD_SECURITY,
  volumes: [{ name: "tmp", emptyDir: {} }],
  containers: [{ name: "main", securityContext: CONTAINER_SECURITY }],
};

const broken: readonly [string, object, RegExp][] = [
  ["the host's network", { hostNetwork: true }, /hostNetwork/],
  ["a folder of the host", { volumes: [{ name: "root", hostPath: { path: "/" } }] }, /volume root is a hostPath/],
  ["root", { securityContext: { ...POD_SECURITY, runAsNonRoot: false } }, /runAsNonRoot/],
  ["user 0", { securityContext: { ...POD_SECURITY, runAsUser: 0 } }, /user 0/],
  ["no seccomp profile", { securityContext: { runAsNonRoot: true } }, /seccomp/],
  ...(
    [
      ["escalation", { allowPrivilegeEscalation: true }, /allowPrivilegeEscalation/],
      ["privileges", { privileged: true }, /privileged/],
      ["kept capabilities", { capabilities: {} }, /drop ALL/],
      ["added capabilities", { capabilities: { drop: ["ALL"], add: ["SYS_ADMIN"] } }, /adds SYS_ADMIN/],
    ] as const
  ).map(([what, change, expected]): [string, object, RegExp] => [
    what,
    { containers: [{ name: "main", securityContext: { ...CONTAINER_SECURITY, ...change } }] },
    expected,
  ]),
];

const PODS = [
  "autoscaler-metrics",
  "autoscaler-operator",
  "database-server",
  "mail-triage-compression-deployment",
  "mail-triage-compression-job",
  "mail-triage-dataset-job",
  "mail-triage-rollout-job",
  "mail-triage-router",
  "mail-triage-search-job",
  "mail-triage-training-deployment",
  "mail-triage-training-job",
  "prometheus-server",
  "registry-mirror",
  "registry-server",
  "watcher-deployment",
];

describe("the restricted pod security standard", () => {
  it("is kept by the security every pod is given", () => {
    assert.deepEqual(restrictedProblems(compliant), []);
  });

  for (const [what, change, expected] of broken) {
    it(`is broken by ${what}`, () => {
      assert.match(restrictedProblems({ ...compliant, ...change }).join("\n"), expected);
    });
  }

  it("is kept by every pod the program declares", async () => {
    const pods = podSpecs(await renderedObjects());
    const kinds = pods.map(({ name }) => name.replace(/-[0-9a-f]{10}/g, ""));
    assert.deepEqual(new Set(kinds), new Set(PODS));
    for (const { name, spec } of pods) {
      assert.deepEqual(restrictedProblems(spec), [], name);
    }
  });

  it("has beside it a read-only root, and a token only where the cluster is asked something", async () => {
    for (const { name, spec } of podSpecs(await renderedObjects())) {
      const containers = spec["containers"] as {
        name: string;
        securityContext: { readOnlyRootFilesystem: boolean };
        volumeMounts: { name: string }[];
      }[];
      // KEDA's client finds its token only where the kubelet puts it by itself.
      assert.equal(spec["automountServiceAccountToken"], name.startsWith("autoscaler-"), name);
      for (const container of containers) {
        assert.equal(container.securityContext.readOnlyRootFilesystem, true, `${name} ${container.name}`);
        const hasToken = container.volumeMounts.some((mount) => mount.name === "token");
        assert.equal(hasToken, ["recorder", "mirror", "watcher"].includes(container.name), `${name} ${container.name}`);
      }
    }
  });
});

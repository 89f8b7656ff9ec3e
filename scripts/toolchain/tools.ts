/** Every tool that is not a Debian package, by name. */
export type ToolName = "go" | "kubernetes" | "etcd" | "pulumi" | "pulumi-kubernetes" | "coredns" | "keda" | "kueue";

/** Built with Go from a pinned module graph: `scripts/toolchain/modules/<tool>/go.mod` and `go.sum`. */
export interface GoBuild {
  readonly kind: "goBuild";
  /** Binary name to the package it is built from. */
  readonly packages: Readonly<Record<string, string>>;
  /** `-X` settings that give the binaries their version. */
  readonly set: Readonly<Record<string, string>>;
  /** Folders of a module that are kept beside the binaries: name to `{module, folder}`. @default none */
  readonly keep?: Readonly<Record<string, { readonly module: string; readonly folder: string }>>;
  /** JSON files of a module that the main package embeds, by their paths there, and what is added to each. @default none */
  readonly embed?: {
    readonly module: string;
    readonly files: Readonly<Record<string, Readonly<Record<string, string>>>>;
  };
}

/** The Go toolchain, itself got as a module by a Go that is too old to build the others. */
export interface GoToolchain {
  readonly kind: "goToolchain";
}

export interface Tool {
  readonly version: string;
  readonly from: GoBuild | GoToolchain;
  /**
   * The oldest version on PATH that serves as well as ours; "exact" for none but ours. @default PATH is not looked at
   */
  readonly onPath?: "exact" | { readonly atLeast: string };
  /** The project's own download, a .tar.gz whose one folder holds the binaries. @default none */
  readonly official?: (platform: string, arch: string) => string | undefined;
  /**
   * How the version of a binary is asked: by arguments, its answer then has to contain `version`; or, of a program
   * that says nothing of it, by the version of the Go module it was built from.
   */
  readonly check: { readonly binary: string } & ({ readonly args: readonly string[] } | { readonly module: string });
  /** Disk that its build takes until all are done, in GiB. */
  readonly buildDiskGiB: number;
  /** What it is for. */
  readonly purpose: string;
}

function pulumiDownload(platform: string, arch: string): string | undefined {
  const machine = { x64: "x64", arm64: "arm64" }[arch];
  const known = machine !== undefined && ["linux", "darwin"].includes(platform);
  return known ? `https://get.pulumi.com/releases/sdk/pulumi-v3.259.0-${platform}-${machine}.tar.gz` : undefined;
}

/** Pinned. A new version means a new row here and, for a Go build, `go get` in its module folder. */
export const TOOLS: Readonly<Record<ToolName, Tool>> = {
  go: {
    version: "1.26.8",
    from: { kind: "goToolchain" },
    onPath: { atLeast: "1.26.0" },
    check: { binary: "go", args: ["version"] },
    buildDiskGiB: 1,
    purpose: "builds the others",
  },
  kubernetes: {
    version: "1.36.3",
    from: {
      kind: "goBuild",
      packages: {
        "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
        "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
        "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
        "kube-proxy": "k8s.io/kubernetes/cmd/kube-proxy",
        kubelet: "k8s.io/kubernetes/cmd/kubelet",
        kubectl: "k8s.io/kubernetes/cmd/kubectl",
      },
      set: {
        "k8s.io/component-base/version.gitVersion": "v1.36.3",
        "k8s.io/component-base/version.gitMajor": "1",
        "k8s.io/component-base/version.gitMinor": "36",
        "k8s.io/client-go/pkg/version.gitVersion": "v1.36.3",
      },
    },
    check: { binary: "kubectl", args: ["version", "--client"] },
    buildDiskGiB: 4,
    purpose: "the control plane and the node",
  },
  etcd: {
    version: "3.7.3",
    from: { kind: "goBuild", packages: { etcd: "go.etcd.io/etcd/server/v3" }, set: {} },
    check: { binary: "etcd", args: ["--version"] },
    buildDiskGiB: 1,
    purpose: "the control plane's store",
  },
  pulumi: {
    version: "3.259.0",
    from: {
      kind: "goBuild",
      packages: { pulumi: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi" },
      set: { "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": "v3.259.0" },
    },
    onPath: "exact",
    official: pulumiDownload,
    check: { binary: "pulumi", args: ["version"] },
    buildDiskGiB: 4,
    purpose: "the engine",
  },
  "pulumi-kubernetes": {
    version: "4.25.0",
    from: {
      kind: "goBuild",
      // The one version of the module that is served: a commit shortly before 4.25.0.
      packages: { "pulumi-resource-kubernetes": "millwright.dev/toolchain/pulumi-kubernetes" },
      set: { "github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/version.Version": "v4.25.0" },
      embed: {
        module: "github.com/pulumi/pulumi-kubernetes/provider/v4",
        files: {
          "cmd/pulumi-resource-kubernetes/schema.json": { version: "4.25.0" },
          "cmd/pulumi-resource-kubernetes/terraform-mapping.json": {},
        },
      },
    },
    check: { binary: "pulumi-resource-kubernetes", args: ["--version"] },
    buildDiskGiB: 6,
    purpose: "the engine's hands in Kubernetes, where Pulumi's own download does not answer",
  },
  coredns: {
    version: "1.15.0",
    // A main of ours: CoreDNS's own brings plugins that compile the clients of three clouds.
    from: { kind: "goBuild", packages: { coredns: "millwright.dev/tools/coredns" }, set: {} },
    check: { binary: "coredns", args: ["-version"] },
    buildDiskGiB: 3,
    purpose: "names of services inside the cluster",
  },
  keda: {
    version: "2.21.0",
    from: {
      kind: "goBuild",
      packages: {
        keda: "github.com/kedacore/keda/v2/cmd/operator",
        "keda-adapter": "github.com/kedacore/keda/v2/cmd/adapter",
      },
      set: { "github.com/kedacore/keda/v2/version.Version": "2.21.0" },
      // What our ScaledObjects are held against by tests.
      keep: { definitions: { module: "github.com/kedacore/keda/v2", folder: "config/crd/bases" } },
    },
    check: { binary: "keda", module: "github.com/kedacore/keda/v2" },
    buildDiskGiB: 7,
    purpose: "scales servers by the requests, where a stack says so",
  },
  kueue: {
    version: "0.19.2",
    from: {
      kind: "goBuild",
      packages: { kueue: "sigs.k8s.io/kueue/cmd/kueue" },
      set: { "sigs.k8s.io/kueue/pkg/version.GitVersion": "v0.19.2" },
      // What our queues are held against by tests, and what it is told of by the API server.
      keep: {
        definitions: { module: "sigs.k8s.io/kueue", folder: "config/components/crd/bases" },
        webhooks: { module: "sigs.k8s.io/kueue", folder: "config/components/webhook" },
      },
    },
    check: { binary: "kueue", module: "sigs.k8s.io/kueue" },
    buildDiskGiB: 4,
    purpose: "holds queues against in tests; clusters get it by its chart",
  },
};

/** In the order in which they are built. */
export const TOOL_NAMES = Object.keys(TOOLS) as readonly ToolName[];

/** The binaries that a tool consists of. */
export function binariesOf(name: ToolName): readonly string[] {
  const { from, check } = TOOLS[name];
  return from.kind === "goBuild" ? Object.keys(from.packages) : [check.binary];
}

/** The disk that building these takes at its peak, in GiB. */
export function buildDiskGiB(names: readonly ToolName[]): number {
  return names.reduce((sum, name) => sum + TOOLS[name].buildDiskGiB, 0);
}

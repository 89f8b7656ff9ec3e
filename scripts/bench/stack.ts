import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { run } from "../lib/process.ts";
import { cacheRoot, toolPath } from "../lib/roots.ts";
import { pulumiEnvironment } from "../standins/environment.ts";
import { installPlugins } from "../standins/install.ts";
import { manifest, type PlainObject, PROGRAM } from "./objects.ts";

const REPOSITORY = join(import.meta.dirname, "../..");

/** A Pulumi stack of plain objects in a temporary folder. */
export interface BenchStack {
  /** Makes the stack what the objects say. */
  up(objects: readonly PlainObject[], flags?: readonly string[]): Promise<void>;
  dispose(): Promise<void>;
}

/** @param checkpoints whether the state is written after every step */
export async function createBenchStack(kubeconfig: string, checkpoints: boolean): Promise<BenchStack> {
  const root = await mkdtemp(join(tmpdir(), "millwright-bench-"));
  const project = join(root, "project");
  await mkdir(project);
  await mkdir(join(root, "pulumi", "state"), { recursive: true });
  const base = pulumiEnvironment({ stateRoot: root, cacheRoot: cacheRoot(), checkpoints });
  const env = {
    ...base,
    KUBECONFIG: kubeconfig,
    PATH: `${dirname(toolPath("pulumi"))}${delimiter}${process.env.PATH}`,
  };
  const installed = await installPlugins({
    pulumiHome: base.PULUMI_HOME ?? "",
    env: { ...process.env, ...env },
    mode: "instead",
  });
  const pulumi = (args: readonly string[]) =>
    run("pulumi", [...args, "--stack", "bench", "--non-interactive"], {
      cwd: project,
      env: { ...env, ...installed.env },
    });
  await symlink(join(REPOSITORY, "node_modules"), join(project, "node_modules"));
  await writeFile(join(project, "package.json"), `{"type": "module", "dependencies": {"@pulumi/kubernetes": "*"}}`);
  await writeFile(
    join(project, "Pulumi.yaml"),
    "name: bench\nmain: index.ts\nruntime: {name: nodejs, options: {typescript: false}}\n",
  );
  await writeFile(join(project, "index.ts"), PROGRAM);
  await pulumi(["stack", "init"]);
  return {
    up: async (objects, flags = []) => {
      await writeFile(join(project, "objects.json"), JSON.stringify(objects));
      await pulumi(["up", "--yes", "--skip-preview", "--suppress-outputs", "--suppress-progress", ...flags]);
    },
    dispose: () => rm(root, { recursive: true, force: true, maxRetries: 5 }),
  };
}

/** kubectl on the same objects. */
export function createKubectl(kubeconfig: string) {
  const kubectl = (args: readonly string[], input: string) =>
    run(toolPath("kubernetes", "kubectl"), args, { env: { KUBECONFIG: kubeconfig }, input });
  return {
    createNamespace: (name: string) => kubectl(["create", "namespace", name], ""),
    apply: (objects: readonly PlainObject[]) =>
      kubectl(["apply", "--server-side", "--filename", "-"], manifest(objects)),
    /** kubectl diff ends with 1 where there is a difference. */
    diff: (objects: readonly PlainObject[]) =>
      kubectl(["diff", "--server-side", "--filename", "-"], manifest(objects)).catch((error: unknown) => {
        if (error instanceof Error && "exitCode" in error && error.exitCode === 1) return undefined;
        throw error;
      }),
  };
}

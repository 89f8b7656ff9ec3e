import type { Credentials } from "./credentials.ts";
import { withCredentials } from "./credentials.ts";
import type { DockerCli } from "./docker-cli.ts";
import type { BuildSpec, ImageSpec } from "./inputs.ts";
import { imageReference } from "./reference.ts";

export interface BuildOptions {
  readonly cli: DockerCli;
  readonly credentials: readonly Credentials[];
  /** `DOCKER_HOST` and the like. */
  readonly env: Readonly<Record<string, string>>;
  readonly onLine: (line: string) => void;
}

/** The last build of each Dockerfile: side by side, its steps would run twice and give two different layers. */
const building = new Map<string, Promise<unknown>>();

/**
 * Builds an image and, unless it says otherwise, pushes it.
 * @returns `registry/repository@sha256:...` for a pushed image, the image's ID for a local one
 * @throws Error with the end of Docker's output
 */
export async function buildImage(image: ImageSpec, options: BuildOptions): Promise<string> {
  return withCredentials(options.credentials, async (config) => {
    const env = { ...options.env, ...config };
    const { cli, onLine } = options;
    const inspect = (format: string) =>
      cli.run({ args: ["image", "inspect", "--format", format, image.imageName], env });
    const { dockerfile } = image.build;
    const turn = (building.get(dockerfile) ?? Promise.resolve()).then(() =>
      cli.run({ args: buildArguments(image), env: { ...env, ...buildEnvironment(image.build) }, onLine }),
    );
    building.set(
      dockerfile,
      turn.catch(() => undefined),
    );
    await turn;
    if (image.skipPush) return (await inspect("{{.Id}}")).trim();
    await cli.run({ args: ["push", image.imageName], env, onLine });
    return ownDigest(image.imageName, JSON.parse(await inspect("{{json .RepoDigests}}")));
  });
}

/** The digest the push of this name left; an image pushed under several names has one for each. */
export function ownDigest(imageName: string, digests: unknown): string {
  const own = imageReference(imageName);
  const found = (Array.isArray(digests) ? digests : []).find((digest: unknown): digest is string => {
    const candidate = typeof digest === "string" ? imageReference(digest) : undefined;
    return candidate?.registry === own?.registry && candidate?.repository === own?.repository;
  });
  if (found !== undefined) return found;
  throw new Error(
    `${imageName} was pushed but Docker knows no digest of it (${JSON.stringify(digests)}); push it again`,
  );
}

/** Values of build arguments go through the environment, where other users of the machine cannot read them. */
export function buildArguments(image: ImageSpec): string[] {
  const { build } = image;
  return [
    "build",
    ...["--file", build.dockerfile, "--tag", image.imageName, "--network", build.network],
    ...Object.entries(build.args).flatMap(([name, value]) => [
      "--build-arg",
      passedByEnvironment(name) ? name : `${name}=${value}`,
    ]),
    ...(build.target === undefined ? [] : ["--target", build.target]),
    ...(build.platform === undefined || build.platform === hostPlatform() ? [] : ["--platform", build.platform]),
    ...build.addHosts.flatMap((host) => ["--add-host", host]),
    ...build.cacheFrom.flatMap((name) => ["--cache-from", name]),
    build.context,
  ];
}

export function buildEnvironment(build: BuildSpec): Record<string, string> {
  return {
    ...Object.fromEntries(Object.entries(build.args).filter(([name]) => passedByEnvironment(name))),
    // The machines this stands in on have no buildx.
    DOCKER_BUILDKIT: build.buildKit ? "1" : "0",
  };
}

/** A build argument of one of these names would change how docker itself runs. */
function passedByEnvironment(name: string): boolean {
  return !/^(PATH|HOME|TMPDIR|LD_.*|DOCKER_.*|BUILDKIT_.*)$/.test(name);
}

export function hostPlatform(): string {
  return `linux/${process.arch === "x64" ? "amd64" : process.arch}`;
}

import type { ImageArgs } from "@pulumi/docker/image.js";
import type { WorkloadImageArgs } from "./types.ts";

const TAG_LENGTH = 12;

/** Where Docker's daemon listens is left to `DOCKER_HOST`; whether one may push to the registry, to its credentials. */
export function renderImage({ image, registry, context, dockerfile, buildArgs = {}, contentHash }: WorkloadImageArgs) {
  return {
    imageName: `${registry}/${image}:${contentHash.slice(0, TAG_LENGTH)}`,
    build: {
      context,
      dockerfile,
      args: buildArgs,
      // The classic builder is the one every daemon has; Debian's comes without BuildKit's client.
      builderVersion: "BuilderV1",
    },
  } satisfies ImageArgs;
}

import type { RepositoryArgs } from "@pulumi/aws/ecr/repository.js";
import type { Input } from "@pulumi/pulumi";
import { canonicalJson } from "../../../core/hash.ts";
import { repositoryPrefix } from "../names.ts";
import { tagsFor } from "../tags.ts";
import type { AwsContext } from "../types.ts";
import { KEPT_IMAGES, UNTAGGED_DAYS } from "./defaults.ts";

/** A tag, once pushed, names that image for ever; tags are hashes of what an image is built from. */
export function renderImageRepository(
  { stack, platform }: AwsContext & { readonly platform: string },
  image: string,
  key: Input<string>,
): RepositoryArgs {
  return {
    name: `${repositoryPrefix(platform)}/${image}`,
    imageTagMutability: "IMMUTABLE",
    imageScanningConfiguration: { scanOnPush: true },
    encryptionConfigurations: [{ encryptionType: "KMS", kmsKey: key }],
    tags: tagsFor(stack, "registry"),
  };
}

/** What is no longer needed, as ECR's own rules; the first that fits an image decides. */
export function renderLifecyclePolicy(): string {
  return canonicalJson({
    rules: [
      {
        rulePriority: 1,
        description: "Layers without a tag",
        selection: {
          tagStatus: "untagged",
          countType: "sinceImagePushed",
          countUnit: "days",
          countNumber: UNTAGGED_DAYS,
        },
        action: { type: "expire" },
      },
      {
        rulePriority: 2,
        description: "All but the newest",
        selection: { tagStatus: "any", countType: "imageCountMoreThan", countNumber: KEPT_IMAGES },
        action: { type: "expire" },
      },
    ],
  });
}

import type { ResourceValidationPolicy } from "@pulumi/policy";
import { containerNotPrivileged } from "./container-not-privileged.ts";
import { containerResourcesRequired } from "./container-resources-required.ts";
import { imageDigestRequired } from "./image-digest-required.ts";

/** The rules of the pack, in the order in which they are listed to users. */
export const rules: readonly ResourceValidationPolicy[] = [
  imageDigestRequired,
  containerNotPrivileged,
  containerResourcesRequired,
];

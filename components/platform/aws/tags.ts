import { awsName } from "./names.ts";

export type Tags = Readonly<Record<string, string>>;

/** What a part of the platform is, for whoever reads a bill or a list. */
export type AwsPart =
  | "cluster"
  | "database"
  | "encryption"
  | "identity"
  | "interruption"
  | "metrics"
  | "network"
  | "nodes"
  | "registry"
  | "storage";

/** Tag of what belongs to one stack; policies of IAM tell by it what a controller may touch. */
export const STACK_TAG = "millwright.dev/stack";
export const PART_TAG = "millwright.dev/part";
export const DISCOVERY_TAG = "karpenter.sh/discovery";

/**
 * The tags of everything in the account that takes any: all tags come from here.
 *
 * @param name what the console shows, where the resource has no name of its own
 */
export function tagsFor(stack: string, part: AwsPart, name?: string): Tags {
  return {
    [STACK_TAG]: stack,
    [PART_TAG]: part,
    "millwright.dev/managed-by": "pulumi",
    ...(name === undefined ? {} : { Name: name }),
  };
}

/** {@link tagsFor} of what a load balancer's controller and Karpenter find by tags. */
export function discoveryTags(stack: string): Tags {
  return { [DISCOVERY_TAG]: awsName("cluster", stack) };
}

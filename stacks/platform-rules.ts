import type { Problem } from "../components/core/problem.ts";
import { SHARED_MODELS } from "../components/platform/aws/identity/policies.ts";
import { bucketName, registryOf } from "../components/platform/aws/names.ts";
import { LUSTRE_CLASS } from "../components/platform/aws/storage-classes/defaults.ts";
import { eksSchema } from "./aws.ts";
import { memberOf } from "./json-schema.ts";

/** Stands for the values of a stack that has no file. */
export class UnknownPlatform {
  readonly known: readonly string[];

  constructor(known: readonly string[]) {
    this.known = known;
  }
}

/**
 * What a stack that stands on another one's cluster asks of it, beside pools and teams (scheduling-rules.ts,
 * endpoint-rules.ts): that it has a cluster, and a database, a file system, buckets and repositories where they are named.
 *
 * @param platform the other stack's values as written; undefined where this one stands on none
 */
export function platformProblems(raw: unknown, platform: unknown): Problem[] {
  const stack = ["platform", "cluster", "stack"].reduce(memberOf, raw);
  if (platform === undefined || typeof stack !== "string") {
    return [];
  }
  const path = "platform.cluster.stack";
  if (platform instanceof UnknownPlatform) {
    return [{ path, message: `must be a stack with a file; there are ${platform.known.join(", ")}.`, value: stack }];
  }
  const cluster = ["platform", "cluster"].reduce(memberOf, platform);
  const kind = memberOf(cluster, "kind");
  if (kind === "platform" || kind === "simulated") {
    const why = kind === "platform" ? "that one stands on another itself" : "nothing runs on simulated nodes";
    return [{ path, message: `must be a stack with a cluster of its own: ${why}.`, value: stack }];
  }
  return [...databaseProblems(raw, stack, cluster), ...(kind === "eks" ? awsProblems(raw, stack, cluster) : [])];
}

function databaseProblems(raw: unknown, stack: string, cluster: unknown): Problem[] {
  const path = ["platform", "database", "kind"];
  return path.reduce(memberOf, raw) === "platform" && memberOf(cluster, "database") === undefined
    ? [
        {
          path: path.join("."),
          message: `must be inNamespace or external: stack ${stack} has no database.`,
          value: "platform",
        },
      ]
    : [];
}

/** What is called by a name that follows from the other stack's account and region. */
function awsProblems(raw: unknown, stack: string, cluster: unknown): Problem[] {
  const place = eksSchema.pick({ accountId: true, region: true }).strip().safeParse(cluster);
  return [
    ...storageProblems(raw, stack, cluster),
    ...(place.success
      ? [
          ...registryProblems(raw, registryOf(stack, place.data)),
          ...bucketProblems(raw, bucketName(stack, "artifacts", place.data.accountId)),
        ]
      : []),
  ];
}

function storageProblems(raw: unknown, stack: string, cluster: unknown): Problem[] {
  const path = "platform.storage";
  const storage = ["platform", "storage"].reduce(memberOf, raw);
  if (memberOf(storage, "kind") === "node") {
    const message = "must be storageClass: nodes on AWS come and go, and a folder goes with its node.";
    return [{ path: `${path}.kind`, message, value: "node" }];
  }
  const name = memberOf(storage, "storageClassName");
  return name === LUSTRE_CLASS && memberOf(cluster, "lustre") === undefined
    ? [
        {
          path: `${path}.storageClassName`,
          message: `must be another, or platform.cluster of stack ${stack} must have lustre: ${LUSTRE_CLASS} comes with it.`,
          value: name,
        },
      ]
    : [];
}

/** A registry of ECR takes only images that have a repository, and those are made for one path. */
function registryProblems(raw: unknown, expected: string): Problem[] {
  const registry = ["platform", "registry"].reduce(memberOf, raw);
  return registry !== expected && (registry === undefined || /^127\.|\.dkr\.ecr\./.test(String(registry)))
    ? [
        {
          path: "platform.registry",
          message: `must be ${expected}, where the platform's stack makes the repositories.`,
          ...(registry === undefined ? {} : { value: registry }),
        },
      ]
    : [];
}

/** Roles open a bucket by folders: a team's own, and for servers that of published models. */
function bucketProblems(raw: unknown, bucket: string): Problem[] {
  const namespace = String(["platform", "namespace"].reduce(memberOf, raw) ?? "millwright");
  const own = `s3://${bucket}/${namespace}/`;
  const shared = `s3://${bucket}/${SHARED_MODELS.replace("*", "")}`;
  const outside = (path: string, value: unknown, allowed: readonly string[]): Problem[] =>
    typeof value === "string" && value.startsWith("s3://") && !allowed.some((folder) => value.startsWith(folder))
      ? [{ path, message: `must be below ${allowed.join(" or ")}, which is all its role may use.`, value }]
      : [];
  const endpoints = memberOf(raw, "endpoints");
  return [
    ...outside("platform.tracking.artifacts", ["platform", "tracking", "artifacts"].reduce(memberOf, raw), [own]),
    ...(Array.isArray(endpoints) ? endpoints : []).flatMap((endpoint: unknown, index) =>
      outside(`endpoints[${index}].model.weights`, ["model", "weights"].reduce(memberOf, endpoint), [own, shared]),
    ),
  ];
}

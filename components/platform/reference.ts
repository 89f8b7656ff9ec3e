import { getOrganization, getProject, type Output, StackReference } from "@pulumi/pulumi";
import { z } from "zod";
import type { WORKLOAD_KINDS } from "./aws/identity/types.ts";
import type { PlatformOutputs } from "./aws/outputs.ts";

/** The one output of a stack with a cluster that others read: a whole, so that a reader gets all of it or an error. */
export const PLATFORM_OUTPUT = "platform";

const name = z.string().min(1);

/** Judges what another stack said, perhaps with another version of this program. What it says beyond is left alone. */
const outputsSchema = z.object({
  accountId: z.string().regex(/^\d{12}$/),
  region: name,
  clusterName: name,
  kubeconfig: name,
  registry: name,
  key: name,
  buckets: z.object({ artifacts: name, checkpoints: name, datasets: name }),
  roles: z.object({ training: name, tracking: name, serving: name }) satisfies z.ZodType<
    Record<(typeof WORKLOAD_KINDS)[number], string>
  >,
  database: z.object({ host: name, port: z.number().int(), user: name, password: name }).optional(),
  metrics: z.object({ url: name, workspaceId: name }).optional(),
});

/**
 * The outputs of a platform, of the form this program knows.
 *
 * @throws Error that names the stack and every member that is missing or wrong, and never a value: one of them is a password
 */
export function readOutputs(stack: string, value: unknown): PlatformOutputs {
  if (value === undefined) {
    throw new Error(
      `stack ${stack} has no output ${PLATFORM_OUTPUT}: bring it up first (pulumi up --stack ${stack}), or name a stack with a cluster`,
    );
  }
  const parsed = outputsSchema.safeParse(value);
  if (!parsed.success) {
    const members = parsed.error.issues.map(({ path }) => path.map(String).join(".") || PLATFORM_OUTPUT);
    throw new Error(
      `the output ${PLATFORM_OUTPUT} of stack ${stack} is not one this program reads: ${[...new Set(members)].join(", ")}; bring that stack up with this version first`,
    );
  }
  const { database, metrics, ...rest } = parsed.data;
  return { ...rest, ...(database === undefined ? {} : { database }), ...(metrics === undefined ? {} : { metrics }) };
}

/**
 * `<organization>/<project>/<stack>`, by which a stack refers to another of the same project. With a backend of files the
 * organization is always called `organization`.
 */
export function qualifiedStackName(stack: string, organization = getOrganization(), project = getProject()): string {
  return `${organization}/${project}/${stack}`;
}

/**
 * What a stack of models reads of its platform. The one StackReference of the program; everything of it is a secret, since
 * the database's password is.
 *
 * @param stack `platform.cluster.stack` of the stack file
 */
export function referToPlatform(stack: string): Output<PlatformOutputs> {
  const reference = new StackReference("platform", { name: qualifiedStackName(stack) });
  return reference.getOutput(PLATFORM_OUTPUT).apply((value: unknown) => readOutputs(stack, value));
}

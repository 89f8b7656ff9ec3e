import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { declared, type SuiteObject } from "./objects.ts";

const { guardStack } = (await import(`${process.env["SUITE_REPOSITORY"]}/components/guard/program.ts`)) as {
  guardStack: () => { check(): void };
};
const guard = guardStack();

type Construct = new (name: string, args: object, options: pulumi.CustomResourceOptions) => pulumi.CustomResource;

/** Constructors by kind; a kind that is not here is a custom one. */
const KINDS: Readonly<Record<string, unknown>> = {
  ...k8s.core.v1,
  ...k8s.apps.v1,
  ...k8s.batch.v1,
  ...k8s.rbac.v1,
  ...k8s.networking.v1,
  ...k8s.policy.v1,
  ...k8s.scheduling.v1,
  ...k8s.storage.v1,
  CustomResourceDefinition: k8s.apiextensions.v1.CustomResourceDefinition,
};

/** Namespaces and definitions first: the others are made in them or of them. */
const made: pulumi.Resource[] = [];
for (const object of declared(process.env)) {
  const first = ["Namespace", "CustomResourceDefinition"].includes(object.manifest.kind);
  const resource = make(object, first ? [] : made);
  if (first) made.push(resource);
}

guard.check();

function make(
  { name, manifest, aliases, secret, ignoreChanges }: SuiteObject,
  dependsOn: pulumi.Resource[],
): pulumi.Resource {
  const { stringData, ...rest } = manifest as { stringData?: object };
  const args =
    secret === true && stringData !== undefined ? { ...rest, stringData: pulumi.secret(stringData) } : manifest;
  const kind = (KINDS[manifest.kind] ?? k8s.apiextensions.CustomResource) as Construct;
  return new kind(name, args, {
    dependsOn,
    ignoreChanges: [...(ignoreChanges ?? [])],
    aliases: (aliases ?? []).map((alias) => ({ name: alias })),
    // What a finalizer holds would be waited for ten minutes.
    customTimeouts: { delete: "20s" },
  });
}

import type { ServiceAccountArgs } from "@pulumi/kubernetes/core/v1/serviceAccount.js";
import type { RoleArgs } from "@pulumi/kubernetes/rbac/v1/role.js";
import type { RoleBindingArgs } from "@pulumi/kubernetes/rbac/v1/roleBinding.js";
import { labelsFor } from "../core/labels.ts";
import type { RunIdentityArgs } from "./types.ts";

/** The account of a model's runs. */
export function runAccountName(model: string): string {
  return `${model}-runs`;
}

/**
 * Who the recorders of a model are, and what they may do: read a pod, to see that its workload ended, and create the
 * record. They cannot change or remove a record, not even their own.
 */
export function renderIdentity({ model, namespace }: RunIdentityArgs) {
  const name = runAccountName(model);
  const metadata = { name, namespace, labels: labelsFor({ component: "training", model }) };
  return {
    serviceAccount: { metadata, automountServiceAccountToken: false } satisfies ServiceAccountArgs,
    role: {
      metadata,
      rules: [
        { apiGroups: [""], resources: ["pods"], verbs: ["get"] },
        { apiGroups: [""], resources: ["configmaps"], verbs: ["create"] },
      ],
    } satisfies RoleArgs,
    binding: {
      metadata,
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name },
      subjects: [{ kind: "ServiceAccount", name, namespace }],
    } satisfies RoleBindingArgs,
  };
}

import type { ServiceAccountArgs } from "@pulumi/kubernetes/core/v1/serviceAccount.js";
import type { ClusterRoleArgs } from "@pulumi/kubernetes/rbac/v1/clusterRole.js";
import type { ClusterRoleBindingArgs } from "@pulumi/kubernetes/rbac/v1/clusterRoleBinding.js";
import type { RoleArgs } from "@pulumi/kubernetes/rbac/v1/role.js";
import type { RoleBindingArgs } from "@pulumi/kubernetes/rbac/v1/roleBinding.js";
import { labelsFor } from "../../core/labels.ts";
import {
  CERTIFICATES_SECRET,
  METRICS_API,
  METRICS_NAME,
  METRICS_ROLE,
  OPERATOR_NAME,
  OPERATOR_ROLE,
  READER_ROLE,
} from "./defaults.ts";
import type { RenderArgs } from "./types.ts";

const RBAC = "rbac.authorization.k8s.io";
const labels = labelsFor({ component: "autoscaler" });

/**
 * Who may do what. Far less than KEDA's own manifests give: it scales Deployments and nothing else, reads no Secret
 * but its own, and starts no Job. A trigger that needs a password from a Secret is refused by the API server.
 */
export function renderAccess({ namespace }: Pick<RenderArgs, "namespace">) {
  return {
    accounts: [OPERATOR_NAME, METRICS_NAME].map(
      (name) =>
        ({ metadata: { name, namespace, labels }, automountServiceAccountToken: false }) satisfies ServiceAccountArgs,
    ),
    clusterRoles: [renderOperatorRole(), renderMetricsRole(), renderReaderRole()],
    clusterRoleBindings: [
      bindCluster(OPERATOR_ROLE, OPERATOR_ROLE, account(OPERATOR_NAME, namespace)),
      bindCluster(METRICS_ROLE, METRICS_ROLE, account(METRICS_NAME, namespace)),
      // Lets the metrics server ask the API server who its own clients are.
      bindCluster(`${METRICS_ROLE}:system:auth-delegator`, "system:auth-delegator", account(METRICS_NAME, namespace)),
      bindCluster(READER_ROLE, READER_ROLE, account("horizontal-pod-autoscaler", "kube-system")),
    ],
    roles: [renderCertificatesRole(namespace)],
    roleBindings: [
      bind(OPERATOR_ROLE, namespace, OPERATOR_ROLE, account(OPERATOR_NAME, namespace)),
      // What tells the metrics server the API server's certificate from another's.
      bind(METRICS_ROLE, "kube-system", "extension-apiserver-authentication-reader", account(METRICS_NAME, namespace)),
    ],
  };
}

function renderOperatorRole() {
  return {
    metadata: { name: OPERATOR_ROLE, labels },
    rules: [
      {
        apiGroups: ["keda.sh"],
        resources: ["scaledobjects", "scaledobjects/finalizers", "scaledobjects/status"],
        verbs: ["get", "list", "watch", "update", "patch"],
      },
      // Nobody has any here; without sight of them the operator does not start.
      {
        apiGroups: ["keda.sh"],
        resources: ["scaledjobs", "triggerauthentications", "clustertriggerauthentications"],
        verbs: ["get", "list", "watch"],
      },
      {
        apiGroups: ["eventing.keda.sh"],
        resources: ["cloudeventsources", "clustercloudeventsources"],
        verbs: ["get", "list", "watch"],
      },
      {
        apiGroups: ["autoscaling"],
        resources: ["horizontalpodautoscalers"],
        verbs: ["get", "list", "watch", "create", "update", "patch", "delete"],
      },
      { apiGroups: ["apps"], resources: ["deployments"], verbs: ["get", "list", "watch"] },
      { apiGroups: ["apps"], resources: ["deployments/scale"], verbs: ["get", "update", "patch"] },
      // Finds every router of a model behind its Service.
      { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["get", "list", "watch"] },
      { apiGroups: ["", "events.k8s.io"], resources: ["events"], verbs: ["create", "patch"] },
      { apiGroups: ["apiregistration.k8s.io"], resources: ["apiservices"], verbs: ["get", "list", "watch"] },
      // Tells the API server by which authority's certificate it knows the metrics server.
      {
        apiGroups: ["apiregistration.k8s.io"],
        resources: ["apiservices"],
        resourceNames: [apiServiceName()],
        verbs: ["update", "patch"],
      },
    ],
  } satisfies ClusterRoleArgs;
}

/** It knows by the ScaledObjects what it may be asked for. */
function renderMetricsRole() {
  return {
    metadata: { name: METRICS_ROLE, labels },
    rules: [{ apiGroups: ["keda.sh"], resources: ["scaledobjects"], verbs: ["get", "list", "watch"] }],
  } satisfies ClusterRoleArgs;
}

function renderReaderRole() {
  return {
    metadata: { name: READER_ROLE, labels },
    rules: [{ apiGroups: [METRICS_API.group], resources: ["*"], verbs: ["get", "list"] }],
  } satisfies ClusterRoleArgs;
}

/** A Secret cannot be made by name: rights to create are not told apart by it. */
function renderCertificatesRole(namespace: string) {
  return {
    metadata: { name: OPERATOR_ROLE, namespace, labels },
    rules: [
      { apiGroups: [""], resources: ["secrets"], verbs: ["list", "watch", "create"] },
      {
        apiGroups: [""],
        resources: ["secrets"],
        resourceNames: [CERTIFICATES_SECRET],
        verbs: ["get", "update", "patch"],
      },
    ],
  } satisfies RoleArgs;
}

/** The name every API's server is registered under. */
export function apiServiceName(): string {
  return `${METRICS_API.version}.${METRICS_API.group}`;
}

function account(name: string, namespace: string) {
  return { kind: "ServiceAccount", name, namespace };
}

function bindCluster(name: string, role: string, subject: ReturnType<typeof account>) {
  return {
    metadata: { name, labels },
    roleRef: { apiGroup: RBAC, kind: "ClusterRole", name: role },
    subjects: [subject],
  } satisfies ClusterRoleBindingArgs;
}

function bind(name: string, namespace: string, role: string, subject: ReturnType<typeof account>) {
  return {
    metadata: { name, namespace, labels },
    roleRef: { apiGroup: RBAC, kind: "Role", name: role },
    subjects: [subject],
  } satisfies RoleBindingArgs;
}

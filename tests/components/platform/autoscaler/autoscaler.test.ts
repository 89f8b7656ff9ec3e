import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import { renderAccess } from "../../../../components/platform/autoscaler/access.ts";
import { Autoscaler } from "../../../../components/platform/autoscaler/component.ts";
import { IMAGE_RECIPE } from "../../../../components/platform/autoscaler/defaults.ts";
import { renderDefinitions } from "../../../../components/platform/autoscaler/definitions.ts";
import { autoscalerOf } from "../../../../components/platform/autoscaler/needed.ts";
import {
  renderApiService,
  renderMetricsServer,
  renderMetricsService,
  renderOperator,
  renderOperatorService,
} from "../../../../components/platform/autoscaler/render.ts";
import type { AutoscalerArgs } from "../../../../components/platform/autoscaler/types.ts";
import { autoscalerSchema, type ScalingSpec, type Stack, scalingSchema } from "../../../../stacks/schema.ts";
import { countByType, DIGEST, declare, find } from "../../engine.ts";
import { MODEL, STACK } from "../../fixtures.ts";
import { restrictedProblems } from "../../pod-security.ts";

const args: AutoscalerArgs = {
  namespace: "keda",
  image: "127.0.0.1:5000/millwright/keda:2.21.0",
  registry: "127.0.0.1:5000/millwright",
};
const rendered = { namespace: "keda", image: "keda@sha256:1" };
const [operator, metrics] = [renderOperator(rendered), renderMetricsServer(rendered)];

const RBAC = "kubernetes:rbac.authorization.k8s.io/v1";
const DEPLOYMENT = "kubernetes:apps/v1:Deployment";

/** Not proven: that KEDA runs with so few rights (tests/conformance/autoscaler). */
describe("autoscaler", () => {
  it("is KEDA's kinds, rights, two programs with their Services, and an API", async () => {
    const { registrations } = await declare(() => new Autoscaler("autoscaler", args));
    assert.deepEqual(countByType(registrations), {
      "millwright:platform:Autoscaler": 1,
      "millwright:platform:WorkloadImage": 1,
      "docker:index/image:Image": 1,
      "kubernetes:core/v1:Namespace": 1,
      "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition": 6,
      "kubernetes:core/v1:ServiceAccount": 2,
      [`${RBAC}:ClusterRole`]: 3,
      [`${RBAC}:ClusterRoleBinding`]: 4,
      [`${RBAC}:Role`]: 1,
      [`${RBAC}:RoleBinding`]: 2,
      [DEPLOYMENT]: 2,
      "kubernetes:core/v1:Service": 2,
      "kubernetes:apiregistration.k8s.io/v1:APIService": 1,
    });
  });

  it("runs the copy of KEDA's image by digest", async () => {
    const { registrations } = await declare(() => new Autoscaler("autoscaler", args));
    for (const name of ["autoscaler-operator", "autoscaler-metrics"]) {
      const { inputs } = find(registrations, DEPLOYMENT, name);
      const { containers } = (inputs["spec"] as { template: { spec: { containers: { image: string }[] } } }).template
        .spec;
      assert.equal(containers[0]?.image, `127.0.0.1:5000/millwright/autoscaler@sha256:${DIGEST}`);
    }
    const image = find(registrations, "docker:index/image:Image").inputs;
    assert.deepEqual((image["build"] as { args: unknown }).args, { KEDA_IMAGE: args.image });
  });

  it("makes the API last, so that it goes first: without its server no namespace could be removed", async () => {
    const { registrations } = await declare(() => new Autoscaler("autoscaler", args));
    const dependencies = (type: string, name: string) => find(registrations, type, name).dependencies;
    assert.deepEqual(dependencies("kubernetes:apiregistration.k8s.io/v1:APIService", "autoscaler-api"), [
      "autoscaler-metrics-service",
    ]);
    assert.deepEqual(dependencies("kubernetes:core/v1:Service", "autoscaler-metrics-service"), ["autoscaler-metrics"]);
    assert.ok(dependencies(DEPLOYMENT, "autoscaler-metrics").includes("autoscaler-operator-service"));
    const needs = dependencies(DEPLOYMENT, "autoscaler-operator");
    for (const need of ["autoscaler-scaledobjects", "autoscaler-binding-keda-operator"]) {
      assert.ok(needs.includes(need), need);
    }
  });

  it("keeps the restricted standard", () => {
    for (const { spec } of [operator, metrics]) {
      assert.deepEqual(restrictedProblems(spec.template.spec), []);
    }
  });

  it("finds each program by a selector of its own", () => {
    for (const [deployment, service] of [
      [operator, renderOperatorService(args)],
      [metrics, renderMetricsService(args)],
    ] as const) {
      const { selector, template } = deployment.spec;
      assert.deepEqual(service.spec.selector, selector.matchLabels);
      assert.deepEqual({ ...template.metadata.labels, ...selector.matchLabels }, template.metadata.labels);
      assert.equal(service.metadata.name, deployment.metadata.name);
      const [port] = service.spec.ports;
      assert.ok(template.spec.containers[0]!.ports.some(({ name }) => name === port!.targetPort));
    }
    assert.notDeepEqual(operator.spec.selector, metrics.spec.selector);
  });

  it("has the operator make the certificates, and the metrics server wait for them", () => {
    const certificates = ({ spec }: typeof operator) => spec.template.spec.volumes[0]!.secret!;
    assert.equal(certificates(operator).optional, true);
    assert.ok(!("optional" in certificates(metrics)));
    assert.equal(certificates(operator).secretName, certificates(metrics).secretName);
    assert.ok(operator.spec.template.spec.containers[0]!.args.includes("--enable-cert-rotation=true"));
    assert.ok(!("caBundle" in renderApiService(args).spec), "the operator's to set");
  });

  it("never runs two operators at a time", () => {
    assert.deepEqual(operator.spec.strategy, { type: "Recreate" });
    assert.equal(operator.spec.replicas, 1);
  });

  it("may write nothing of the cluster but what scales, and read no Secret but its own", () => {
    const { clusterRoles, roles } = renderAccess({ namespace: "keda" });
    const rules = clusterRoles.flatMap((role) => role.rules as { resources: string[]; verbs: string[] }[]);
    const hidden = ["*", "configmaps", "jobs", "pods", "secrets", "serviceaccounts"];
    const own = rules.filter(({ resources, verbs }) => !(resources[0] === "*" && verbs.join() === "get,list"));
    assert.equal(own.length, rules.length - 1, "only the numbers of the metrics server have any name");
    assert.deepEqual(
      own.flatMap(({ resources }) => resources).filter((each) => hidden.includes(each)),
      [],
    );
    const written = rules.filter(({ verbs }) => verbs.some((verb) => !["get", "list", "watch"].includes(verb)));
    assert.deepEqual(written.flatMap(({ resources }) => resources).sort(), [
      "apiservices",
      "deployments/scale",
      "events",
      "horizontalpodautoscalers",
      "scaledobjects",
      "scaledobjects/finalizers",
      "scaledobjects/status",
    ]);
    assert.deepEqual(
      roles.map(({ metadata }) => metadata.namespace),
      ["keda"],
    );
  });

  it("defines every kind KEDA looks for at its start", () => {
    assert.deepEqual(
      renderDefinitions().map(({ metadata }) => metadata.name),
      [
        "scaledobjects.keda.sh",
        "scaledjobs.keda.sh",
        "triggerauthentications.keda.sh",
        "clustertriggerauthentications.keda.sh",
        "cloudeventsources.eventing.keda.sh",
        "clustercloudeventsources.eventing.keda.sh",
      ],
    );
  });

  it("counts the Dockerfile of its image among what the image is made of", () => {
    const file = path.resolve(import.meta.dirname, "../../../../workloads/autoscaler/Dockerfile");
    const built = readFileSync(file, "utf8")
      .split("\n")
      .filter((line) => !line.startsWith("#"))
      .join("\n");
    const hash = createHash("sha256").update(built).digest("hex").slice(0, 12);
    // Another Dockerfile: raise IMAGE_RECIPE, and put the two here.
    assert.deepEqual([IMAGE_RECIPE, hash], [1, "d3df97e788e4"]);
  });
});

describe("the need of an autoscaler", () => {
  const auto: ScalingSpec = scalingSchema.parse({ kind: "auto", max: 2 });
  const fixed: ScalingSpec = { kind: "fixed", replicas: 1 };
  const stack = (autoscaler: unknown, ...scalings: ScalingSpec[]): Stack => ({
    ...STACK,
    platform: {
      ...STACK.platform,
      ...(autoscaler === undefined ? {} : { autoscaler: autoscalerSchema.parse(autoscaler) }),
    },
    models: scalings.map((scaling) => ({ ...MODEL, serving: { ...MODEL.serving, scaling } })),
  });

  for (const [what, given, needed] of [
    ["a stack that says nothing", stack(undefined, fixed), undefined],
    ["a stack that would install it and scales nothing", stack({ kind: "install" }, fixed, fixed), undefined],
    ["a cluster that has it", stack({ kind: "present" }, auto), undefined],
    ["one model of several that is scaled", stack({ kind: "install" }, fixed, auto), args],
    ["another namespace", stack({ kind: "install", namespace: "scaling" }, auto), { ...args, namespace: "scaling" }],
  ] as const) {
    it(`is ${needed === undefined ? "not there" : "there"}: ${what}`, () => {
      assert.deepEqual(autoscalerOf(given), needed);
    });
  }
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { Endpoint } from "../../../components/serving/component.ts";
import { POLL_SECONDS, RECENT_LOAD, RECENT_SECONDS } from "../../../components/serving/defaults.ts";
import { renderEndpoint } from "../../../components/serving/render.ts";
import { requestsAtATime, waitsOf } from "../../../components/serving/scaling.ts";
import type { EndpointArgs } from "../../../components/serving/types.ts";
import { type ScalingSpec, scalingSchema } from "../../../stacks/schema.ts";
import { declare, find } from "../engine.ts";
import { ARGS, CANARY_ARGS, FIRST_ARGS, PROMOTED_ARGS } from "./versions.ts";

/**
 * What is declared of scaling. Not proven: that KEDA takes the objects (tests/conformance/autoscaler), that the
 * routers tell their load (load.service.test.ts), and that servers come and go (tests/integration).
 */

const auto = (fields: Record<string, unknown> = {}): ScalingSpec =>
  scalingSchema.parse({ kind: "auto", max: 4, ...fields });

/** The endpoint with the servers of each version scaled. */
function withScaling(args: EndpointArgs, scaling: ScalingSpec, startupSeconds = 180): EndpointArgs {
  const change = <T extends NonNullable<EndpointArgs["stable"]>>(served: T): T => ({
    ...served,
    model: { ...served.model, serving: { ...served.model.serving, scaling, startupSeconds } },
  });
  const { stable, canary } = args;
  return {
    ...args,
    stable: stable && change(stable),
    canary: canary && { ...canary, version: change(canary.version) },
  };
}

const scaledObjects = (args: EndpointArgs, scaling: ScalingSpec) =>
  renderEndpoint(withScaling(args, scaling)).scaledObjects;
const only = (args: EndpointArgs, scaling: ScalingSpec) => {
  const found = scaledObjects(args, scaling);
  assert.equal(found.length, 1);
  return found[0]!;
};

describe("scaled servers", () => {
  it("have a ScaledObject a live version, which names its Deployment and asks the model's routers", () => {
    const [stable, candidate] = scaledObjects(CANARY_ARGS, auto());
    for (const [scaledObject, version] of [
      [stable!, CANARY_ARGS.stable!.version],
      [candidate!, CANARY_ARGS.canary!.version.version],
    ] as const) {
      assert.equal(scaledObject.metadata.name, version);
      assert.equal(scaledObject.metadata.namespace, "models");
      assert.deepEqual(scaledObject.spec.scaleTargetRef, { apiVersion: "apps/v1", kind: "Deployment", name: version });
      assert.equal(scaledObject.spec.triggers.length, 1);
      const { type, metricType, metadata } = scaledObject.spec.triggers[0]!;
      assert.deepEqual([type, metricType], ["metrics-api", "AverageValue"]);
      const { metrics } = renderEndpoint(withScaling(CANARY_ARGS, auto())).router;
      assert.equal(metadata.url, `http://${metrics.metadata.name}.models.svc.cluster.local:8404/load`);
      assert.equal(metadata.aggregateFromKubeServiceEndpoints, "true");
      assert.equal(metadata.aggregationType, "sum");
    }
  });

  it("have none where their number is fixed", () => {
    assert.deepEqual(renderEndpoint(CANARY_ARGS).scaledObjects, []);
  });

  it("never have their number declared, whatever it may be", () => {
    for (const scaling of [auto(), auto({ min: 0 }), auto({ min: 3, max: 3 })]) {
      for (const { deployment } of renderEndpoint(withScaling(CANARY_ARGS, scaling)).versions) {
        assert.ok(!("replicas" in deployment.spec));
      }
    }
  });

  it("have their number taken back from the autoscaler where it is fixed again, and are never left asleep", () => {
    const FORCE = "pulumi.com/patchForce";
    const annotations = (args: EndpointArgs): Readonly<Record<string, string>> =>
      renderEndpoint(args).versions[0]!.deployment.metadata.annotations;
    assert.equal(annotations(ARGS)[FORCE], "true");
    assert.equal(annotations(withScaling(ARGS, auto()))[FORCE], undefined);
    assert.equal(only(ARGS, auto({ min: 0 })).spec.advanced.restoreToOriginalReplicaCount, true);
  });

  for (const [what, args, fields, least] of [
    ["the stack's least", ARGS, { min: 2 }, [2]],
    ["none, where the stack allows it", ARGS, { min: 0 }, [0]],
    ["one of each while a version is on trial", CANARY_ARGS, { min: 0 }, [1, 1]],
    ["one while the first version is on trial", FIRST_ARGS, { min: 0 }, [1]],
    ["more than one on trial, where the stack says so", CANARY_ARGS, { min: 3 }, [3, 3]],
    ["none again after the trial", PROMOTED_ARGS, { min: 0 }, [0]],
  ] as const) {
    it(`are at least ${what}`, () => {
      const found = scaledObjects(args, auto(fields));
      assert.deepEqual(
        found.map(({ spec }) => spec.minReplicaCount),
        least,
      );
      assert.ok(found.every(({ spec }) => spec.maxReplicaCount === 4));
      // What is kept when the routers cannot be asked is never nothing, and never less than the least.
      assert.ok(found.every(({ spec }) => spec.fallback.replicas === Math.max(1, spec.minReplicaCount)));
    });
  }

  for (const [what, args, concurrency, expected] of [
    ["alone", ARGS, 4, ["4"]],
    ["alone, of less than one request", ARGS, 0.5, ["0.5"]],
    ["at 80 and 20 percent", CANARY_ARGS, 4, ["5", "20"]],
    [
      "at 70 and 30 percent",
      { ...CANARY_ARGS, canary: { ...CANARY_ARGS.canary!, weight: 30 } },
      4,
      ["5.714", "13.333"],
    ],
    ["on trial alone", FIRST_ARGS, 4, ["4"]],
  ] as const) {
    it(`want one server for so many of all requests: ${what}`, () => {
      assert.deepEqual(
        scaledObjects(args, auto({ concurrency })).map(({ spec }) => spec.triggers[0]!.metadata.targetValue),
        expected,
      );
    });
  }

  it("are as many as a version's own requests call for, whatever its weight", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 99 }),
        fc.integer({ min: 1, max: 64 }),
        fc.nat(5000),
        (weight, each, all) => {
          const args = { ...CANARY_ARGS, canary: { ...CANARY_ARGS.canary!, weight } };
          const { targetValue } = scaledObjects(args, auto({ concurrency: each }))[1]!.spec.triggers[0]!.metadata;
          const [wanted, own] = [all / Number(targetValue), (all * weight) / 100 / each];
          assert.ok(Math.abs(wanted - own) <= own * 0.001, `${wanted} of ${own}`);
        },
      ),
    );
  });

  it("fall asleep only when nobody asked for as long as the stack says, a new version too", () => {
    const { spec } = only(ARGS, auto({ min: 0, idleSeconds: 40 }));
    assert.equal(spec.cooldownPeriod, 40);
    assert.equal(spec.initialCooldownPeriod, 40);
    assert.equal(spec.triggers[0]!.metadata.activationTargetValue, "0");
    assert.ok(RECENT_LOAD > 0 && RECENT_LOAD < 0.01, "a router that had a request is not idle, and not loaded");
    assert.ok(RECENT_SECONDS >= 2 * spec.pollingInterval, "no look misses that there was a request");
  });

  it("grow no faster than declared and shrink no sooner", () => {
    const scaling = auto({ growthReplicas: 3, growthSeconds: 45, stabilisationSeconds: 90 });
    const { scaleUp, scaleDown } = only(ARGS, scaling).spec.advanced.horizontalPodAutoscalerConfig.behavior;
    assert.deepEqual(scaleUp.policies, [{ type: "Pods", value: 3, periodSeconds: 45 }]);
    assert.ok(scaleUp.stabilizationWindowSeconds > 0);
    assert.equal(scaleDown.stabilizationWindowSeconds, 90);
    assert.deepEqual(scaleDown.policies, [{ type: "Percent", value: 50, periodSeconds: 60 }]);
  });

  it("are awaited until KEDA has taken them up, and go before what they need", async () => {
    const { registrations } = await declare(() => new Endpoint("mail-triage", withScaling(CANARY_ARGS, auto())));
    for (const version of [CANARY_ARGS.stable!.version, CANARY_ARGS.canary!.version.version]) {
      const { inputs, dependencies } = find(
        registrations,
        "kubernetes:keda.sh/v1alpha1:ScaledObject",
        `${version}-scaler`,
      );
      const { annotations } = inputs["metadata"] as { annotations: Record<string, string> };
      assert.equal(annotations["pulumi.com/waitFor"], "condition=Ready");
      assert.ok(dependencies.includes(`${version}-deployment`));
      assert.ok(dependencies.includes("mail-triage-metrics"));
    }
  });
});

describe("requests of scaled servers", () => {
  for (const [what, scaling, startup, hold, queue] of [
    ["of a fixed number", { kind: "fixed", replicas: 2 }, 180, 60, 60],
    ["of at least one", auto(), 180, 60, 60],
    ["of none that start fast", auto({ min: 0 }), 20, 60, 60],
    ["of none that start slowly", auto({ min: 0 }), 180, 212, 212],
  ] as [string, ScalingSpec, number, number, number][]) {
    it(`wait ${hold} s for servers ${what}, which is until one can have started`, () => {
      assert.deepEqual(waitsOf({ engine: { kind: "mlserver" }, scaling, startupSeconds: startup }), {
        holdSeconds: hold,
        queueSeconds: queue,
      });
      if (scaling.kind === "auto" && scaling.min === 0) {
        assert.ok(hold > POLL_SECONDS + startup);
      }
    });
  }

  for (const [scaling, expected] of [
    [{ kind: "fixed", replicas: 3 }, 48],
    [auto({ max: 4 }), 16],
    [auto({ max: 4, concurrency: 1 }), 16],
    [auto({ max: 4, concurrency: 10.5 }), 44],
  ] as [ScalingSpec, number][]) {
    it(`are given to servers ${expected} at a time: ${JSON.stringify(scaling)}`, () => {
      assert.equal(requestsAtATime(scaling, 16), expected);
    });
  }

  it("are given to as many servers as there can be at what each is wanted for", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 64 }), (max, concurrency) => {
        assert.ok(requestsAtATime(auto({ max, concurrency }), 16) >= max * concurrency);
      }),
    );
  });
});

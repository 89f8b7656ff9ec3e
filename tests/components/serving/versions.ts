import type { ServedVersion } from "../../../components/lifecycle/types.ts";
import type { EndpointArgs } from "../../../components/serving/types.ts";
import { TRAINING_RECORD, VERSION } from "../fixtures.ts";

/** A version that came after {@link VERSION}. */
export const LATER: ServedVersion = {
  ...VERSION,
  version: "mail-triage-training-ffffffffff",
  record: { ...TRAINING_RECORD, artifact: { ...TRAINING_RECORD.artifact, path: "training/later/model" } },
};

const context = {
  artifacts: { namespace: "models", claimName: "artifacts" },
  images: { server: "server@sha256:1", router: "router@sha256:2" },
};

/** An endpoint with one stable version. */
export const ARGS: EndpointArgs = { ...context, stable: VERSION };

/** The same with a canary beside it. */
export const CANARY_ARGS: EndpointArgs = { ...ARGS, canary: { version: LATER, weight: 20 } };

/** After the canary's promotion. */
export const PROMOTED_ARGS: EndpointArgs = { ...context, stable: LATER };

/** A model's first version on trial. */
export const FIRST_ARGS: EndpointArgs = { ...context, canary: { version: VERSION, weight: 100 } };

/** The endpoint with as many servers of each version. */
export function scaled(args: EndpointArgs, replicas: number): EndpointArgs {
  const scale = (served: ServedVersion): ServedVersion => ({
    ...served,
    model: { ...served.model, serving: { ...served.model.serving, scaling: { kind: "fixed", replicas } } },
  });
  const { stable, canary } = args;
  return {
    ...args,
    stable: stable && scale(stable),
    canary: canary && { ...canary, version: scale(canary.version) },
  };
}

import { ended } from "./converged.ts";
import { type Destructive, declared } from "./program/objects.ts";
import { createTrial, type Found, keyOf, type Trial, type World } from "./world.ts";

/**
 * What a change has to do to its object: `kept`: the run ends well and it is the same object; `refused`: the run says no and it is
 * the same object; `present`: either it is refused, or the run ends well and the object is there.
 */
type Promised = "kept" | "refused" | "present";

interface Case {
  readonly promised: Promised;
  /** Kind and name of the object, in the first namespace. */
  readonly object: string;
}

export const CASES: Readonly<Record<Destructive, Case>> = {
  rename: { promised: "kept", object: "ConfigMap settings-0" },
  "rename-with-alias": { promised: "kept", object: "ConfigMap settings-0" },
  "cluster-ip": { promised: "present", object: "Service service-one" },
  "deployment-selector": { promised: "present", object: "Deployment deployment" },
  "claim-class": { promised: "refused", object: "PersistentVolumeClaim claim" },
  "role-ref": { promised: "present", object: "RoleBinding binding" },
  "config-map-data": { promised: "present", object: "ConfigMap settings-0" },
  "volume-claim-templates": { promised: "present", object: "StatefulSet set" },
  "job-template": { promised: "present", object: "Job job" },
  "refused-successor": { promised: "refused", object: "Service service-one" },
  "custom-resource-renamed": { promised: "kept", object: "Widget widget-one" },
};

export interface Destroyed {
  readonly code: number | undefined;
  /** The first line of what the run said where it did not end well. */
  readonly said: string;
  readonly object: "same" | "another" | "missing";
  /** For how long a reader did not find it, to a tenth of a second. */
  readonly absentSeconds: number;
  /** What is not as promised. */
  readonly wrong: readonly string[];
}

/** Makes the stack, then lets one change loose on it. */
export async function tryDestruction(world: World, change: Destructive): Promise<Destroyed> {
  const trial = await createTrial(world);
  const { promised, object } = CASES[change];
  const [kind, name] = object.split(" ") as [string, string];
  const key = keyOf({ kind, metadata: { namespace: `${trial.prefix}-a`, name } });
  const url = pathOf(trial, key);
  try {
    const first = ended("the first run", await trial.up("full"));
    const before = await world.get(url);
    const watched = watchAbsence(() => world.get(url));
    const run = await trial.up(change);
    const absentSeconds = await watched.stop();
    const after = await world.get(url);
    const state =
      after === undefined || after.metadata.deletionTimestamp !== undefined
        ? "missing"
        : after.metadata.uid === before?.metadata.uid
          ? "same"
          : "another";
    const refused = run.code === 1 && state === "same";
    const right = {
      kept: run.code === 0 && state === "same",
      refused,
      present: refused || (run.code === 0 && state !== "missing"),
    }[promised];
    const said = (run.failure ?? "").replaceAll("\n", " ").slice(0, 160);
    const wrong = right ? [] : [`${promised} was promised; ended with ${run.code}, ${state}; ${said}`];
    return { code: run.code, said, object: state, absentSeconds, wrong: [...first, ...wrong] };
  } finally {
    await trial.dispose();
  }
}

/** A ConfigMap that is no longer declared and whose finalizer nobody takes away. */
export async function tryFinalizer(world: World): Promise<string[]> {
  const trial = await createTrial(world);
  const url = `/api/v1/namespaces/${trial.prefix}-a/configmaps/settings-9`;
  const finalizers = (names: readonly string[]) =>
    world.request("PATCH", url, { metadata: { finalizers: names } }, "application/merge-patch+json");
  try {
    const first = ended("the first run", await trial.up("full"));
    await finalizers(["millwright.dev/never"]);
    const runs = [await trial.up("smaller"), await trial.up("smaller")];
    const wrong = runs.flatMap(({ code, failure }, index) =>
      code === 1 && failure?.includes("settings-9")
        ? []
        : [`run ${index + 1} ended with ${code} and did not name it: ${failure}`],
    );
    await finalizers([]);
    return [...first, ...wrong];
  } finally {
    await trial.dispose();
  }
}

/** Where an object is read. */
function pathOf({ prefix }: Trial, key: string): string {
  const object = declared({ SUITE_PREFIX: prefix }).find(({ manifest }) => keyOf(manifest) === key);
  if (object === undefined) throw new Error(`the program declares no ${key}`);
  const { apiVersion, kind, metadata } = object.manifest;
  const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  return `${root}/namespaces/${metadata.namespace}/${kind.toLowerCase()}s/${metadata.name}`;
}

function watchAbsence(read: () => Promise<Found | undefined>): { stop(): Promise<number> } {
  let stopped = false;
  const watching = (async () => {
    let absent = 0;
    let last = Date.now();
    while (!stopped) {
      const there = (await read()) !== undefined;
      const now = Date.now();
      if (!there) absent += now - last;
      last = now;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    return Math.round(absent / 100) / 10;
  })();
  return {
    stop: () => {
      stopped = true;
      return watching;
    },
  };
}

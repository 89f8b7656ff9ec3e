// Every Kubernetes object of every stack of the repository, at the first `up` and where a model serves, as a real API server
// judges it by a server-side dry run; custom resources by the definitions their modules carry. Does not prove what the
// projects' own webhooks would say, nor what Helm's charts install.
import assert from "node:assert/strict";
import type { Registration } from "../../components/engine.ts";
import { declareShipped, livesOf, SHIPPED } from "../../components/shipped-stacks.ts";
import { type Applicable, type DryRun, dryRun } from "../dry-run.ts";

/** What the engine is told to keep secret is wrapped in a mark. */
const SECRET_MARK = "4dabf18193072939515e22adb298388d";

/** No objects of the API server: Pulumi's own, and what the plugin makes of a chart. */
const NO_OBJECTS = new Set(["kubernetes:helm.sh/v3:Release"]);

/** A registration's inputs as the object that the plugin would apply. */
function objectOf({ type, inputs }: Registration): Applicable {
  const [, version = "", kind = ""] = /^kubernetes:(.+):(.+)$/.exec(type) ?? [];
  const apiVersion = version.replace(/^core\//, "");
  return { apiVersion, kind, ...(inTheClear(inputs) as Pick<Applicable, "metadata">) };
}

function inTheClear(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(inTheClear);
  }
  if (value === null || typeof value !== "object") {
    return value;
  }
  if (SECRET_MARK in value) {
    return inTheClear((value as Record<string, unknown>)["value"]);
  }
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, inTheClear(member)]));
}

describe("the objects of the stacks that come with the program", function () {
  this.timeout(300_000);
  let server: DryRun;
  before("start an API server that knows every kind", async function () {
    this.timeout(300_000);
    server = await dryRun();
    await server.define("karpenter", "kueue", "leaderworkerset", "keda");
  });

  for (const name of SHIPPED) {
    it(`of stack ${name} are taken`, async () => {
      let asked = 0;
      const refused: string[] = [];
      for (const observations of await livesOf(name)) {
        const { registrations } = await declareShipped(name, observations);
        const objects = registrations.filter(
          ({ custom, type }) => custom && type.startsWith("kubernetes:") && !NO_OBJECTS.has(type),
        );
        // Definitions and priorities are what others need to be judged at all.
        const first = objects.filter(({ type }) => /:(CustomResourceDefinition|PriorityClass)$/.test(type));
        for (const each of first) {
          const object = objectOf(each);
          if (object.kind === "CustomResourceDefinition") {
            await server.defineKind(object as unknown as Parameters<DryRun["defineKind"]>[0]);
          } else {
            await server.keep(object);
          }
        }
        for (const each of objects) {
          asked += 1;
          const refusal = await server.refusal(objectOf(each));
          if (refusal !== undefined) {
            refused.push(`${each.type} ${each.name}: ${refusal}`);
          }
        }
      }
      assert.deepEqual(refused, []);
      assert.ok(asked > 10, `only ${asked} objects were judged`);
    });
  }
});

import assert from "node:assert/strict";
import { freshNamespace, get } from "./cluster.ts";
import { Engine, secret } from "./engine.ts";
import { corePath, DEPLOYMENT, deployment, SECRET } from "./fixtures.ts";

const PASSWORD = "correct-horse-battery";
const base64 = (text: string) => Buffer.from(text).toString("base64");

/** What a state or a log would show: everything but what is wrapped as a secret. */
const clear = (value: unknown): string =>
  JSON.stringify(value, (_key, child: unknown) =>
    typeof child === "object" && child !== null && "4dabf18193072939515e22adb298388d" in child ? "[secret]" : child,
  );

/** Not proven: that the engine encrypts what is marked; its own tests do that. */
describe("kubernetes: secrets", function () {
  this.timeout(120_000);
  let engine: Engine;
  let namespace: string;
  before(async () => {
    engine = await Engine.start();
    namespace = await freshNamespace("secrets");
  });

  function assertHidden(value: unknown): void {
    assert.ok(!clear(value).includes(PASSWORD), "in the clear");
    assert.ok(!clear(value).includes(base64(PASSWORD)), "in base64");
  }

  it("a Secret's payload is secret even if the program does not say so", async () => {
    const resource = await engine.create(SECRET, "plain", {
      metadata: { name: "plain", namespace },
      stringData: { a: PASSWORD },
    });
    assertHidden(resource);
    const live = await get(corePath(namespace, "secrets", "plain"));
    assert.deepEqual(live["data"], { a: base64(PASSWORD) }, "the cluster gets the real value");
  });

  it("so it is after an update, a preview and a failed wait", async () => {
    const resource = await engine.create(SECRET, "steps", {
      metadata: { name: "steps", namespace },
      data: { a: base64("x") },
    });
    const news = await engine.checked(
      resource.urn,
      { metadata: { name: "steps", namespace }, data: { a: base64(PASSWORD) } },
      resource.inputs,
    );
    assertHidden(await engine.update(resource, news, { preview: true }));
    assertHidden(await engine.update(resource, news));
    const metadata = { name: "token", namespace, annotations: { "kubernetes.io/service-account.name": "default" } };
    const waiting = {
      metadata: { ...metadata, annotations: { "pulumi.com/waitFor": "jsonpath={.never}" } },
      stringData: { a: PASSWORD },
    };
    const failed = await engine.create(SECRET, "token", waiting, { timeout: 1 });
    assert.equal(failed.initErrors.length, 1);
    assertHidden(failed);
  });

  it("what the program marks is secret in inputs and outputs of any kind", async () => {
    const env = [{ name: "PASSWORD", value: secret(PASSWORD) }];
    const resource = await engine.create(DEPLOYMENT, "env", deployment(namespace, "env", { env }));
    assertHidden(resource);
    assert.ok(
      clear(resource.outputs).includes("minReadySeconds") || clear(resource.outputs).includes("strategy"),
      "the rest is readable",
    );
  });

  it("errors do not quote secrets", async () => {
    const env = [{ name: "PASSWORD", value: secret(PASSWORD), valueFrom: { fieldRef: { fieldPath: PASSWORD } } }];
    await assert.rejects(engine.create(DEPLOYMENT, "bad", deployment(namespace, "bad", { env })), (error: Error) => {
      assert.match(error.message, /\[secret\]/);
      return !error.message.includes(PASSWORD);
    });
  });
});

import assert from "node:assert/strict";
import fc from "fast-check";
import structPb from "google-protobuf/google/protobuf/struct_pb.js";
import { redact, secrecyOf } from "../../../../scripts/standins/kubernetes/secrets.ts";
import type { JsonObject } from "../../../../scripts/standins/kubernetes/values.ts";
import { decode, encode } from "../../../../scripts/standins/kubernetes/wire.ts";

const SIGNATURE = "4dabf18193072939515e22adb298388d";
const secret = (value: unknown) => ({ [SIGNATURE]: "1b47061264138c4ac30d75fd1eb44270", value });
const struct = (value: object) => structPb.Struct.fromJavaScript(value as never);
const wire = (value: object): unknown => decodeRaw(struct(value));
const decodeRaw = (value: ReturnType<typeof struct>): unknown => value.toJavaScript();

describe("wire", () => {
  it("brings back every value as it was sent, nulls of objects aside", () => {
    const value = fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.array(fc.string())));
    fc.assert(
      fc.property(value, (object) => {
        if ("__proto__" in JSON.parse(JSON.stringify(object)) && Object.hasOwn(object, "__proto__")) return;
        const { value: decoded, secrecy } = decode(struct(object));
        assert.deepEqual(encode(decoded, secrecy).toJavaScript(), wire(object));
      }),
    );
  });

  it("keeps secrets where they were; a list with one is secret as a whole", () => {
    const { value, secrecy } = decode(struct({ a: { b: secret("x"), c: 1 }, list: [{ p: secret("y") }] }));
    assert.deepEqual(value, { a: { b: "x", c: 1 }, list: [{ p: "y" }] });
    assert.deepEqual(
      encode(value, secrecy).toJavaScript(),
      wire({ a: { b: secret("x"), c: 1 }, list: secret([{ p: "y" }]) }),
    );
  });

  it("spells x-kubernetes keys as each side does", () => {
    const { value } = decode(struct({ schema: { x_kubernetes_preserve_unknown_fields: true, x_other: 1 } }));
    assert.deepEqual(value, { schema: { "x-kubernetes-preserve-unknown-fields": true, x_other: 1 } });
    assert.deepEqual(encode(value, undefined).toJavaScript(), {
      schema: { x_kubernetes_preserve_unknown_fields: true, x_other: 1 },
    });
  });

  it("refuses assets with their place", () => {
    const asset = { [SIGNATURE]: "c44067f5952c0a294b673a41bacd8c17", text: "x" };
    assert.throws(() => decode(struct({ data: { file: asset } })), /data\.file: an asset cannot be part/);
  });
});

describe("secrets", () => {
  it("every Secret's payload, and nothing of other kinds that is not marked", () => {
    assert.deepEqual(secrecyOf({ apiVersion: "v1", kind: "Secret" }, undefined), { data: true, stringData: true });
    assert.equal(secrecyOf({ apiVersion: "v1", kind: "ConfigMap" }, undefined), undefined);
    assert.equal(secrecyOf({ apiVersion: "example/v1", kind: "Secret" }, undefined), undefined);
  });

  it("never leaves a secret text in a message", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 4 }), fc.string(), (text, around) => {
        const object: JsonObject = { a: { b: text } };
        const message = redact(`${around}${text}${around} ${Buffer.from(text).toString("base64")}`, object, {
          a: { b: true },
        });
        if (!"[secret]".includes(text)) assert.ok(!message.includes(text));
      }),
    );
  });
});

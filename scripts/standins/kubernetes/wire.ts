import type { Struct } from "google-protobuf/google/protobuf/struct_pb.js";
import structPb from "google-protobuf/google/protobuf/struct_pb.js";
import { isObject, type Json, type JsonObject } from "./values.ts";

const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";
const signatureNames: Readonly<Record<string, string>> = {
  c44067f5952c0a294b673a41bacd8c17: "an asset",
  "0def7320c3a5731c473e5ecbe6d01bc7": "an archive",
  "5cf8f73096256a8f31e491e813e4eb8e": "a resource reference",
  d0e6a833031e9bbcd3f4e8bde6ca49a4: "an output value",
};

/** Which parts of a value are secret: all of it, or some of its keys. Arrays are secret as a whole. */
export type Secrecy = true | { readonly [key: string]: Secrecy };

/** Resource properties as they came over the wire, with secrets unwrapped and remembered. */
export interface Properties {
  readonly value: JsonObject;
  readonly secrecy: Secrecy | undefined;
}

/** Names the SDK spells with underscores because a language cannot write the dashes of `x-kubernetes-*`. */
const toKubernetesKey = (key: string): string => (key.startsWith("x_kubernetes_") ? key.replaceAll("_", "-") : key);
const toPulumiKey = (key: string): string => (key.startsWith("x-kubernetes-") ? key.replaceAll("-", "_") : key);

interface Decoded {
  readonly value: Json;
  readonly secrecy: Secrecy | undefined;
}

function decodeValue(raw: unknown, place: string): Decoded {
  if (Array.isArray(raw)) {
    const elements = raw.map((element, index) => decodeValue(element, `${place}[${index}]`));
    const secret = elements.some((element) => element.secrecy !== undefined);
    return { value: elements.map((element) => element.value), secrecy: secret ? true : undefined };
  }
  if (typeof raw !== "object" || raw === null) return { value: raw as Json, secrecy: undefined };
  const object = raw as Record<string, unknown>;
  const signature = object[SIGNATURE];
  if (signature === SECRET) return { value: decodeValue(object["value"], place).value, secrecy: true };
  if (typeof signature === "string") {
    const what = signatureNames[signature] ?? `a value with signature ${signature}`;
    throw new Error(`${place}: ${what} cannot be part of a Kubernetes object; give its text or id instead`);
  }
  const value: JsonObject = {};
  const secrecy: Record<string, Secrecy> = {};
  for (const [rawKey, child] of Object.entries(object)) {
    if (child === null || child === undefined) continue;
    const key = toKubernetesKey(rawKey);
    const decoded = decodeValue(child, place === "" ? key : `${place}.${key}`);
    value[key] = decoded.value;
    if (decoded.secrecy !== undefined) secrecy[key] = decoded.secrecy;
  }
  return { value, secrecy: Object.keys(secrecy).length > 0 ? secrecy : undefined };
}

/** Null entries of objects are dropped: to the API server they mean the same as absent. */
export function decode(struct: Struct | undefined): Properties {
  if (struct === undefined) return { value: {}, secrecy: undefined };
  const { value, secrecy } = decodeValue(struct.toJavaScript(), "");
  return { value: isObject(value) ? value : {}, secrecy };
}

type WireValue = string | number | boolean | null | WireValue[] | { [key: string]: WireValue };

function encodeValue(value: Json, secrecy: Secrecy | undefined): WireValue {
  if (secrecy === true) return { [SIGNATURE]: SECRET, value: encodeValue(value, undefined) };
  if (Array.isArray(value)) return value.map((element) => encodeValue(element, undefined));
  if (!isObject(value)) return value;
  const encoded: { [key: string]: WireValue } = {};
  for (const [key, child] of Object.entries(value)) encoded[toPulumiKey(key)] = encodeValue(child, secrecy?.[key]);
  return encoded;
}

export function encode(value: JsonObject, secrecy: Secrecy | undefined): Struct {
  return structPb.Struct.fromJavaScript(
    encodeValue(value, secrecy) as Parameters<typeof structPb.Struct.fromJavaScript>[0],
  );
}

/** What is secret in either. */
export function uniteSecrecy(left: Secrecy | undefined, right: Secrecy | undefined): Secrecy | undefined {
  if (left === true || right === true) return true;
  if (left === undefined) return right;
  if (right === undefined) return left;
  const united: Record<string, Secrecy> = { ...left };
  for (const [key, child] of Object.entries(right)) united[key] = uniteSecrecy(left[key], child) as Secrecy;
  return united;
}

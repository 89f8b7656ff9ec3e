import { isObject, type Json, type JsonObject } from "./values.ts";
import { type Secrecy, uniteSecrecy } from "./wire.ts";

/** What of an object must never be stored in the clear: what the program marked, and the payload of every Secret. */
export function secrecyOf(object: JsonObject, declared: Secrecy | undefined): Secrecy | undefined {
  if (object["kind"] !== "Secret" || object["apiVersion"] !== "v1") return declared;
  return uniteSecrecy(declared, { data: true, stringData: true });
}

function collect(value: Json, secrecy: Secrecy | undefined, into: Set<string>): void {
  if (secrecy === undefined) return;
  if (Array.isArray(value)) {
    for (const element of value) collect(element, secrecy, into);
  } else if (isObject(value)) {
    for (const [key, child] of Object.entries(value)) collect(child, secrecy === true ? true : secrecy[key], into);
  } else if (secrecy === true && value !== null && typeof value !== "boolean") {
    const text = String(value);
    into.add(text);
    into.add(Buffer.from(text).toString("base64"));
    into.add(Buffer.from(text, "base64").toString());
  }
}

/** Texts shorter than this are left alone: hiding every "1" of a message would hide the message and no secret. */
const SHORTEST_SECRET = 4;

/** `message` with every secret text of `object`, plain or base64, replaced by `[secret]`. */
export function redact(message: string, object: JsonObject, secrecy: Secrecy | undefined): string {
  const texts = new Set<string>();
  collect(object, secrecy, texts);
  return [...texts]
    .filter((text) => text.length >= SHORTEST_SECRET)
    .sort((left, right) => right.length - left.length)
    .reduce((result, text) => result.replaceAll(text, "[secret]"), message);
}

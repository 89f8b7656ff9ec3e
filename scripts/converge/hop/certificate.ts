import { generateKeyPairSync, randomBytes, sign } from "node:crypto";

export interface ServerCertificate {
  /** PEM. */
  readonly key: string;
  /** PEM; its own authority. */
  readonly certificate: string;
}

const VALID_DAYS = 365;
const DAY_MS = 86_400_000;

/**
 * A certificate for a server on 127.0.0.1 that vouches for itself and lives in memory. Written here because Node makes none and
 * the machine of somebody who brings their own cluster need not have openssl.
 */
export function loopbackCertificate(now: Date = new Date()): ServerCertificate {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const algorithm = sequence(objectId(ECDSA_WITH_SHA256));
  const name = sequence(der(SET, sequence(objectId(COMMON_NAME), der(UTF8_STRING, Buffer.from("millwright-hop")))));
  const addresses = sequence(der(IP_ADDRESS, Buffer.from([127, 0, 0, 1])));
  const body = sequence(
    der(VERSION, der(INTEGER, Buffer.from([2]))),
    // Positive and of full length: the first byte is neither 0 nor has its highest bit set.
    der(INTEGER, Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    algorithm,
    name,
    sequence(time(new Date(now.getTime() - DAY_MS)), time(new Date(now.getTime() + VALID_DAYS * DAY_MS))),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    der(EXTENSIONS, sequence(sequence(objectId(SUBJECT_ALT_NAME), der(OCTET_STRING, addresses)))),
  );
  const signature = der(BIT_STRING, Buffer.from([0]), sign("sha256", body, privateKey));
  const lines = sequence(body, algorithm, signature)
    .toString("base64")
    .replaceAll(/.{64}(?=.)/g, "$&\n");
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
    certificate: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
  };
}

// Tags of ASN.1, and object identifiers in their encoded form (RFC 5280, RFC 5758).
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const OBJECT_ID = 0x06;
const UTF8_STRING = 0x0c;
const UTC_TIME = 0x17;
const SEQUENCE = 0x30;
const SET = 0x31;
const IP_ADDRESS = 0x87;
const VERSION = 0xa0;
const EXTENSIONS = 0xa3;
const ECDSA_WITH_SHA256 = "2a8648ce3d040302";
const COMMON_NAME = "550403";
const SUBJECT_ALT_NAME = "551d11";

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const size = content.length;
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

const sequence = (...parts: readonly Buffer[]): Buffer => der(SEQUENCE, ...parts);

const objectId = (encoded: string): Buffer => der(OBJECT_ID, Buffer.from(encoded, "hex"));

/** `YYMMDDhhmmssZ`. */
const time = (date: Date): Buffer =>
  der(UTC_TIME, Buffer.from(`${date.toISOString().replaceAll(/\D/g, "").slice(2, 14)}Z`));

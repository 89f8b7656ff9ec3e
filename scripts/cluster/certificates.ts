import { spawn } from "node:child_process";
import { createPrivateKey, generateKeyPairSync, X509Certificate } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Failure } from "../lib/failure.ts";
import { CLUSTER_DOMAIN, KUBERNETES_SERVICE_ADDRESS, NODE_ADDRESS, NODE_NAME } from "./constants.ts";

/** One authority for each trust decision: a certificate of one never opens what another guards. */
export type Authority = "ca" | "etcd-ca" | "front-proxy-ca";

export interface CertificateRequest {
  /** File name without extension. */
  readonly name: string;
  readonly authority: Authority;
  /** The user name, for a client. */
  readonly commonName: string;
  /** The group, for a client. */
  readonly organization?: string;
  readonly usages: readonly ("serverAuth" | "clientAuth")[];
  readonly dnsNames?: readonly string[];
  readonly addresses?: readonly string[];
}

export const ADMIN_USER = "millwright-admin";
/** The user the API server is at the kubelet. */
export const KUBELET_CLIENT_USER = "millwright-api-server";

const LOOPBACK = { dnsNames: ["localhost"], addresses: ["127.0.0.1"] } as const;

const client = (name: string, commonName: string, organization?: string): CertificateRequest => ({
  name,
  authority: "ca",
  commonName,
  ...(organization === undefined ? {} : { organization }),
  usages: ["clientAuth"],
});

export const CONTROL_PLANE_CERTIFICATES: readonly CertificateRequest[] = [
  {
    name: "api-server",
    authority: "ca",
    commonName: "kube-apiserver",
    usages: ["serverAuth"],
    dnsNames: [
      "localhost",
      NODE_NAME,
      "kubernetes",
      "kubernetes.default",
      "kubernetes.default.svc",
      `kubernetes.default.svc.${CLUSTER_DOMAIN}`,
    ],
    addresses: ["127.0.0.1", NODE_ADDRESS, KUBERNETES_SERVICE_ADDRESS],
  },
  client("api-server-kubelet-client", KUBELET_CLIENT_USER),
  client("admin", ADMIN_USER, "system:masters"),
  // What the controller manager and the scheduler show to who asks for their health.
  { name: "control-plane-server", authority: "ca", commonName: "control-plane", usages: ["serverAuth"], ...LOOPBACK },
  client("controller-manager", "system:kube-controller-manager"),
  client("scheduler", "system:kube-scheduler"),
  { name: "etcd", authority: "etcd-ca", commonName: "etcd", usages: ["serverAuth", "clientAuth"], ...LOOPBACK },
  { name: "etcd-client", authority: "etcd-ca", commonName: "kube-apiserver", usages: ["clientAuth"] },
  { name: "front-proxy-client", authority: "front-proxy-ca", commonName: "front-proxy-client", usages: ["clientAuth"] },
];

export const NODE_CERTIFICATES: readonly CertificateRequest[] = [
  client("kubelet-client", `system:node:${NODE_NAME}`, "system:nodes"),
  {
    name: "kubelet-server",
    authority: "ca",
    commonName: `system:node:${NODE_NAME}`,
    organization: "system:nodes",
    usages: ["serverAuth"],
    dnsNames: [NODE_NAME, "localhost"],
    addresses: [NODE_ADDRESS, "127.0.0.1"],
  },
  client("kube-proxy", "system:kube-proxy"),
  client("coredns", "system:coredns"),
];

const AUTHORITIES: readonly Authority[] = ["ca", "etcd-ca", "front-proxy-ca"];
const VALID_DAYS = 3650;
const RENEW_BEFORE_DAYS = 90;
const DAY_MS = 86_400_000;

export const certificateFile = (pki: string, name: string): string => path.join(pki, `${name}.crt`);
export const keyFile = (pki: string, name: string): string => path.join(pki, `${name}.key`);
/** The key service account tokens are signed with. */
export const SERVICE_ACCOUNT_KEY = "service-account";

/** What of a certificate decides whether it still serves. */
export interface CertificateFacts {
  readonly validTo: Date;
  readonly subjectAltName: string;
  readonly subject: string;
  readonly issuedByAuthority: boolean;
  readonly matchesKey: boolean;
}

/** Why a certificate must be made anew, or undefined where it still serves. */
export function renewalReason(
  request: CertificateRequest,
  facts: CertificateFacts | undefined,
  now: Date,
): string | undefined {
  if (facts === undefined) {
    return "it is not there";
  }
  if (!facts.issuedByAuthority) {
    return `it is not signed by ${request.authority}`;
  }
  if (!facts.matchesKey) {
    return "it does not match its key";
  }
  if (facts.validTo.getTime() - now.getTime() < RENEW_BEFORE_DAYS * DAY_MS) {
    return `it ends on ${facts.validTo.toISOString().slice(0, 10)}`;
  }
  if (facts.subjectAltName !== alternativeNames(request).replaceAll("IP:", "IP Address:")) {
    return "it names other addresses";
  }
  return facts.subject === subjectOf(request) ? undefined : "it names another subject";
}

function alternativeNames({ dnsNames = [], addresses = [] }: CertificateRequest): string {
  return [...dnsNames.map((name) => `DNS:${name}`), ...addresses.map((address) => `IP:${address}`)].join(", ");
}

function subjectOf({ organization, commonName }: CertificateRequest): string {
  return [...(organization === undefined ? [] : [`O=${organization}`]), `CN=${commonName}`].join("\n");
}

/** The openssl configuration that makes one certificate. */
export function opensslConfig(request: CertificateRequest | { readonly authority: Authority }): string {
  const leaf = "commonName" in request ? request : undefined;
  const names = leaf === undefined ? "" : alternativeNames(leaf).replaceAll(" ", "");
  return [
    "[req]",
    "prompt = no",
    "distinguished_name = subject",
    "x509_extensions = extensions",
    "[subject]",
    ...(leaf?.organization === undefined ? [] : [`O = ${leaf.organization}`]),
    `CN = ${leaf?.commonName ?? `millwright-${request.authority}`}`,
    "[extensions]",
    `basicConstraints = critical, CA:${leaf === undefined}`,
    `keyUsage = critical, ${leaf === undefined ? "keyCertSign, cRLSign, digitalSignature" : "digitalSignature"}`,
    "subjectKeyIdentifier = hash",
    ...(leaf === undefined ? [] : ["authorityKeyIdentifier = keyid", `extendedKeyUsage = ${leaf.usages.join(", ")}`]),
    ...(names === "" ? [] : [`subjectAltName = ${names}`]),
    "",
  ].join("\n");
}

/**
 * Makes the certificates that are missing or no longer serve, under `pki` (mode 0700). Those that serve are left alone,
 * so that a second call changes nothing.
 *
 * @returns the names of what was made
 * @throws Failure where openssl is missing or refuses
 */
export async function ensureCertificates(pki: string, requests: readonly CertificateRequest[]): Promise<string[]> {
  mkdirSync(pki, { recursive: true, mode: 0o700 });
  const made: string[] = [];
  await Promise.all(
    AUTHORITIES.map(async (authority) => {
      if (!existsSync(certificateFile(pki, authority)) || !existsSync(keyFile(pki, authority))) {
        await issue(pki, authority, opensslConfig({ authority }));
        made.push(authority);
      }
    }),
  );
  await Promise.all(
    requests.map(async (request) => {
      if (renewalReason(request, readFacts(pki, request), new Date()) !== undefined) {
        await issue(pki, request.name, opensslConfig(request), request.authority);
        made.push(request.name);
      }
    }),
  );
  if (!existsSync(keyFile(pki, SERVICE_ACCOUNT_KEY))) {
    makeServiceAccountKey(pki);
    made.push(SERVICE_ACCOUNT_KEY);
  }
  return made.sort();
}

function readFacts(pki: string, request: CertificateRequest): CertificateFacts | undefined {
  const file = certificateFile(pki, request.name);
  if (!existsSync(file) || !existsSync(keyFile(pki, request.name))) {
    return undefined;
  }
  const certificate = new X509Certificate(readFileSync(file));
  const authority = new X509Certificate(readFileSync(certificateFile(pki, request.authority)));
  return {
    validTo: new Date(certificate.validTo),
    subjectAltName: certificate.subjectAltName ?? "",
    subject: certificate.subject,
    issuedByAuthority: certificate.verify(authority.publicKey),
    matchesKey: certificate.checkPrivateKey(createPrivateKey(readFileSync(keyFile(pki, request.name)))),
  };
}

/** The key goes into place before the certificate: an interruption leaves a pair that does not match and is made anew. */
async function issue(pki: string, name: string, config: string, authority?: Authority): Promise<void> {
  const [key, certificate] = [`${keyFile(pki, name)}.new`, `${certificateFile(pki, name)}.new`];
  const configFile = path.join(pki, `${name}.cnf`);
  writeFileSync(configFile, config);
  const signer =
    authority === undefined ? [] : ["-CA", certificateFile(pki, authority), "-CAkey", keyFile(pki, authority)];
  await openssl(
    [
      ...["req", "-x509", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-sha256"],
      ...["-days", String(VALID_DAYS), "-config", configFile, "-keyout", key, "-out", certificate],
      ...signer,
    ],
    name,
  );
  rmSync(configFile);
  chmodSync(key, 0o600);
  renameSync(key, keyFile(pki, name));
  renameSync(certificate, certificateFile(pki, name));
}

function makeServiceAccountKey(pki: string): void {
  const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const file = keyFile(pki, SERVICE_ACCOUNT_KEY);
  writeFileSync(`${file}.new`, pair.privateKey.export({ type: "sec1", format: "pem" }), { mode: 0o600 });
  writeFileSync(path.join(pki, `${SERVICE_ACCOUNT_KEY}.pub`), pair.publicKey.export({ type: "spki", format: "pem" }));
  renameSync(`${file}.new`, file);
}

function openssl(args: readonly string[], name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn("openssl", args, { stdio: ["ignore", "ignore", "pipe"] });
    let errors = "";
    child.stderr.on("data", (data) => {
      errors += String(data);
    });
    child.once("error", (error: NodeJS.ErrnoException) => {
      const missing = error.code === "ENOENT";
      reject(
        new Failure(
          missing ? "There is no openssl on PATH" : `openssl could not be started: ${error.message}`,
          "install it (Debian: apt-get install openssl) and run this again",
        ),
      );
    });
    child.once("close", (code) => {
      if (code === 0) {
        resolve();
      } else {
        const reason = errors.trim().split("\n").slice(-3).join("; ");
        reject(
          new Failure(`openssl could not make the certificate ${name}: ${reason}`, "needs OpenSSL 3: openssl version"),
        );
      }
    });
  });
}

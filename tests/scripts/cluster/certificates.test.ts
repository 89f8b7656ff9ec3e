import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  type CertificateFacts,
  type CertificateRequest,
  CONTROL_PLANE_CERTIFICATES,
  certificateFile,
  ensureCertificates,
  keyFile,
  NODE_CERTIFICATES,
  opensslConfig,
  renewalReason,
} from "../../../scripts/cluster/certificates.ts";

const REQUEST: CertificateRequest = {
  name: "sample",
  authority: "ca",
  commonName: "system:node:sample",
  organization: "system:nodes",
  usages: ["serverAuth"],
  dnsNames: ["sample"],
  addresses: ["10.0.0.1"],
};
const NOW = new Date("2030-01-01T00:00:00Z");
const GOOD: CertificateFacts = {
  validTo: new Date("2035-01-01T00:00:00Z"),
  subjectAltName: "DNS:sample, IP Address:10.0.0.1",
  subject: "O=system:nodes\nCN=system:node:sample",
  issuedByAuthority: true,
  matchesKey: true,
};

describe("certificates: renewal", () => {
  it("leaves one alone that serves", () => {
    assert.equal(renewalReason(REQUEST, GOOD, NOW), undefined);
  });

  const cases: [string, CertificateFacts | undefined, RegExp][] = [
    ["is not there", undefined, /not there/],
    ["is of another authority", { ...GOOD, issuedByAuthority: false }, /not signed by ca/],
    ["does not match its key", { ...GOOD, matchesKey: false }, /its key/],
    ["ends within 90 days", { ...GOOD, validTo: new Date("2030-03-31T00:00:00Z") }, /ends on 2030-03-31/],
    ["names another address", { ...GOOD, subjectAltName: "DNS:sample, IP Address:10.0.0.2" }, /other addresses/],
    ["is for another user", { ...GOOD, subject: "CN=system:node:sample" }, /another subject/],
  ];
  for (const [what, facts, reason] of cases) {
    it(`makes one anew that ${what}`, () => {
      assert.match(renewalReason(REQUEST, facts, NOW) ?? "", reason);
    });
  }

  it("keeps one that ends in 91 days", () => {
    const validTo = new Date(NOW.getTime() + 91 * 86_400_000);
    assert.equal(renewalReason(REQUEST, { ...GOOD, validTo }, NOW), undefined);
  });
});

describe("certificates: openssl configuration", () => {
  it("lets only authorities sign", () => {
    assert.match(opensslConfig({ authority: "ca" }), /CA:true/);
    assert.match(opensslConfig(REQUEST), /CA:false/);
    assert.doesNotMatch(opensslConfig(REQUEST), /keyCertSign/);
  });
});

describe("certificates: made", () => {
  let pki: string;
  before(async () => {
    pki = path.join(mkdtempSync(path.join(tmpdir(), "millwright-pki-")), "pki");
    await ensureCertificates(pki, [...CONTROL_PLANE_CERTIFICATES, ...NODE_CERTIFICATES]);
  });
  after(() => rmSync(path.dirname(pki), { recursive: true, force: true }));

  const read = (name: string) => new X509Certificate(readFileSync(certificateFile(pki, name)));

  it("name every address the API server is reached by", () => {
    const certificate = read("api-server");
    for (const address of ["127.0.0.1", "10.244.0.1", "10.96.0.1"]) {
      assert.equal(certificate.checkIP(address), address);
    }
    for (const host of ["localhost", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"]) {
      assert.equal(certificate.checkHost(host), host);
    }
    assert.equal(certificate.checkHost("example.org"), undefined);
  });

  it("are signed by their own authority and by no other", () => {
    for (const { name, authority } of [...CONTROL_PLANE_CERTIFICATES, ...NODE_CERTIFICATES]) {
      for (const candidate of ["ca", "etcd-ca", "front-proxy-ca"]) {
        assert.equal(read(name).verify(read(candidate).publicKey), candidate === authority, `${name} by ${candidate}`);
      }
    }
  });

  it("make the kubelet the node's user, and nobody but the administrator a master", () => {
    assert.equal(read("kubelet-client").subject, "O=system:nodes\nCN=system:node:millwright");
    const masters = [...CONTROL_PLANE_CERTIFICATES, ...NODE_CERTIFICATES].filter(
      ({ organization }) => organization === "system:masters",
    );
    assert.deepEqual(
      masters.map(({ name }) => name),
      ["admin"],
    );
  });

  it("keep their keys to their owner", () => {
    assert.equal(statSync(keyFile(pki, "admin")).mode & 0o777, 0o600);
    assert.equal(statSync(pki).mode & 0o777, 0o700);
  });

  it("stay as they are at a second call, and one that was damaged is made anew", async () => {
    assert.deepEqual(await ensureCertificates(pki, CONTROL_PLANE_CERTIFICATES), []);
    writeFileSync(keyFile(pki, "admin"), readFileSync(keyFile(pki, "scheduler")));
    assert.deepEqual(await ensureCertificates(pki, CONTROL_PLANE_CERTIFICATES), ["admin"]);
    assert.equal(read("admin").checkPrivateKey(createPrivateKey(readFileSync(keyFile(pki, "admin")))), true);
  });

  it("follow a new authority", async () => {
    rmSync(certificateFile(pki, "front-proxy-ca"));
    const made = await ensureCertificates(pki, CONTROL_PLANE_CERTIFICATES);
    assert.deepEqual(made, ["front-proxy-ca", "front-proxy-client"]);
  });
});

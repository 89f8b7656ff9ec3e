// That TLS accepts it, tests/scripts/converge/hop.test.ts shows with Node; Go's own check is not made here.
import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { loopbackCertificate } from "../../../../scripts/converge/hop/certificate.ts";

describe("certificate of the hop", () => {
  const now = new Date("2030-06-01T12:34:56Z");
  const { key, certificate } = loopbackCertificate(now);
  const read = new X509Certificate(certificate);

  it("vouches for itself and for 127.0.0.1 alone", () => {
    assert.ok(read.verify(read.publicKey));
    assert.ok(read.checkPrivateKey(createPrivateKey(key)));
    assert.equal(read.subjectAltName, "IP Address:127.0.0.1");
    assert.equal(read.checkIP("127.0.0.2"), undefined);
  });

  it("is valid from a day ago for a year", () => {
    assert.equal(new Date(read.validFrom).toISOString(), "2030-05-31T12:34:56.000Z");
    assert.equal(new Date(read.validTo).toISOString(), "2031-06-01T12:34:56.000Z");
  });

  it("is another one each time", () => {
    const other = new X509Certificate(loopbackCertificate(now).certificate);
    assert.notEqual(other.serialNumber, read.serialNumber);
    assert.equal(read.serialNumber.length, 32);
  });
});

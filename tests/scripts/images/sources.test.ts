import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fromLines, fromStanzas, usableSources } from "../../../scripts/images/sources.ts";

const STANZAS = `Types: deb deb-src
# Suites: trixie
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
 bookworm-backports
Components: main

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: http://vendor.example/linux/debian
Suites: bookworm
Components: stable
`;

describe("sources of Debian packages", () => {
  it("reads stanzas", () => {
    assert.deepEqual(fromStanzas(STANZAS), [
      "deb http://mirror.example/debian bookworm main",
      "deb http://mirror.example/debian bookworm-updates main",
      "deb http://mirror.example/debian-security bookworm-security main",
    ]);
  });

  it("reads lines", () => {
    const text = [
      "# deb http://old.example/debian bookworm main",
      "deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian/ bookworm main # ours",
      "deb-src http://mirror.example/debian bookworm main",
      "deb http://mirror.example/debian trixie main",
      "deb http://mirror.example/ubuntu bookworm main",
      "",
    ].join("\n");
    assert.deepEqual(fromLines(text), ["deb http://mirror.example/debian/ bookworm main"]);
  });

  it("takes each source once from every file, and none where the release itself is not among them", () => {
    const folder = mkdtempSync(path.join(tmpdir(), "millwright-sources-"));
    try {
      mkdirSync(path.join(folder, "sources.list.d"));
      assert.equal(usableSources(folder), "");
      writeFileSync(
        path.join(folder, "sources.list.d", "security.list"),
        "deb http://m/debian bookworm-security main\n",
      );
      assert.equal(usableSources(folder), "");
      writeFileSync(path.join(folder, "sources.list"), "deb http://m/debian bookworm main\n");
      writeFileSync(path.join(folder, "sources.list.d", "off.sources.disabled"), STANZAS);
      writeFileSync(path.join(folder, "sources.list.d", "again.list"), "deb http://m/debian bookworm main\n");
      const both = "deb http://m/debian bookworm main\ndeb http://m/debian bookworm-security main\n";
      assert.equal(usableSources(folder), both);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

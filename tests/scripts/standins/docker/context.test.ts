import assert from "node:assert/strict";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { contextDigest } from "../../../../scripts/standins/docker/context.ts";

describe("contextDigest", () => {
  let context: string;
  const at = (path: string) => join(context, path);
  const digest = () => contextDigest(context, at("Dockerfile"));

  beforeEach(() => {
    context = mkdtempSync(join(tmpdir(), "millwright-digest-"));
    mkdirSync(at("sub"));
    writeFileSync(at("Dockerfile"), "FROM scratch\n");
    writeFileSync(at("sub/a"), "one");
    symlinkSync("sub/a", at("link"));
    writeFileSync(at(".dockerignore"), "*.log\nignored\n!ignored/kept\n");
  });

  afterEach(() => rmSync(context, { recursive: true, force: true }));

  for (const [what, change] of [
    ["a file's content", () => writeFileSync(at("sub/a"), "two")],
    ["a file's name", () => renameSync(at("sub/a"), at("sub/b"))],
    ["a file's permissions", () => chmodSync(at("sub/a"), 0o755)],
    ["a new file", () => writeFileSync(at("sub/new"), "")],
    [
      "a link's target",
      () => {
        unlinkSync(at("link"));
        symlinkSync("sub", at("link"));
      },
    ],
    ["the Dockerfile", () => writeFileSync(at("Dockerfile"), "FROM other\n")],
    [
      "what .dockerignore takes back",
      () => {
        mkdirSync(at("ignored"));
        writeFileSync(at("ignored/kept"), "");
      },
    ],
  ] as const) {
    it(`changes with ${what}`, async () => {
      const before = await digest();
      change();
      assert.notEqual(await digest(), before);
    });
  }

  for (const [what, change] of [
    ["a file's time", () => utimesSync(at("sub/a"), 1, 1)],
    ["an ignored file", () => writeFileSync(at("x.log"), "noise")],
    [
      "a file in an ignored folder",
      () => {
        mkdirSync(at("ignored"));
        writeFileSync(at("ignored/x"), "");
      },
    ],
  ] as const) {
    it(`does not change with ${what}`, async () => {
      const before = await digest();
      change();
      assert.equal(await digest(), before);
    });
  }

  it("is the same for the same content elsewhere", async () => {
    const before = await digest();
    const other = `${context}-moved`;
    renameSync(context, other);
    context = other;
    assert.equal(await digest(), before);
  });

  it("names a missing Dockerfile, and where it would be", async () => {
    await assert.rejects(contextDigest(context, "nowhere"), /build\.dockerfile nowhere: cannot be read/);
    await assert.rejects(contextDigest(context, "sub/a"), /did you mean .*sub\/a\?/);
  });

  it("names a missing context", async () => {
    await assert.rejects(contextDigest(at("none"), at("Dockerfile")), /build\.context .*none: cannot be read/);
  });
});

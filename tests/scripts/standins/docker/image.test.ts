import assert from "node:assert/strict";
import {
  buildArguments,
  buildEnvironment,
  hostPlatform,
  ownDigest,
} from "../../../../scripts/standins/docker/build.ts";
import { imageChanges } from "../../../../scripts/standins/docker/diff.ts";
import { readImage } from "../../../../scripts/standins/docker/inputs.ts";
import { imageReference } from "../../../../scripts/standins/docker/reference.ts";
import { type JsonObject, secret, UNKNOWN } from "../../../../scripts/standins/lib/values.ts";

const SHA = `sha256:${"a".repeat(64)}`;

describe("imageReference", () => {
  for (const [name, registry, repository, tag, digest] of [
    ["127.0.0.1:5000/m/trainer:0123", "127.0.0.1:5000", "m/trainer", "0123", undefined],
    ["localhost/x", "localhost", "x", undefined, undefined],
    ["docker.io/library/a_b:v1.0-2", "docker.io", "library/a_b", "v1.0-2", undefined],
    ["plain/name", undefined, "plain/name", undefined, undefined],
    [`host:5000/a@${SHA}`, "host:5000", "a", undefined, SHA],
  ] as const) {
    it(`reads ${name}`, () => assert.deepEqual(imageReference(name), { registry, repository, tag, digest }));
  }

  for (const name of ["Upper/case", "a//b", "a:b:c", "", "a b", "host:5000/", `a@sha256:12`]) {
    it(`refuses ${JSON.stringify(name)}`, () => assert.equal(imageReference(name), undefined));
  }
});

describe("readImage", () => {
  const name = "127.0.0.1:5000/m/a:1";
  const problems = (inputs: JsonObject) =>
    readImage(inputs).problems.map(({ property, reason }) => `${property} ${reason}`);

  it("fills in what is left out", () => {
    const { image, problems: found } = readImage({ imageName: name });
    assert.deepEqual(found, []);
    assert.equal(image.build.context, ".");
    assert.equal(image.build.dockerfile, "Dockerfile");
    assert.equal(image.build.network, "host");
    assert.equal(image.skipPush, false);
    assert.equal(readImage({ imageName: name, build: { context: "a/b" } }).image.build.dockerfile, "a/b/Dockerfile");
  });

  it("reports every problem at once, each with its place", () => {
    const found = problems({
      imageName: "just-a-name",
      skipPush: "yes",
      tag: "x",
      build: { args: { A: 1 }, addHosts: "h", builderVersion: "V3", ssh: true },
      registry: { user: "x" },
    });
    const places = found.map((text) => text.split(" ")[0]).sort();
    assert.deepEqual(places, [
      "build.addHosts",
      "build.args",
      "build.builderVersion",
      "build.ssh",
      "imageName",
      "registry.user",
      "skipPush",
      "tag",
    ]);
  });

  it("lets unknown values pass, and a name without a registry where nothing is pushed", () => {
    assert.deepEqual(problems({ imageName: UNKNOWN, build: UNKNOWN, registry: UNKNOWN, skipPush: UNKNOWN }), []);
    assert.deepEqual(problems({ imageName: name, build: { args: UNKNOWN, context: UNKNOWN } }), []);
    assert.deepEqual(problems({ imageName: "local", skipPush: true }), []);
  });
});

describe("imageChanges", () => {
  const base: JsonObject = {
    imageName: "r:1/a",
    build: { args: { A: "1", B: "2" }, contextDigest: "x" },
    registry: { server: "r:1", username: "u", password: secret("p") },
    skipPush: false,
  };
  const with_ = (changes: JsonObject): JsonObject => ({ ...base, ...changes });

  it("finds none where nothing changed", () => {
    assert.deepEqual(imageChanges(base, structuredClone(base)), []);
    assert.deepEqual(imageChanges({ imageName: "a" }, { imageName: "a", skipPush: false, build: {} }), []);
  });

  it("names what changed by its path", () => {
    const found = imageChanges(base, with_({ build: { args: { A: "3", C: "4" }, contextDigest: "y" } }));
    assert.deepEqual(found, [
      { path: "build.args.A", kind: "update" },
      { path: "build.args.B", kind: "delete" },
      { path: "build.args.C", kind: "add" },
      { path: "build.contextDigest", kind: "update" },
    ]);
  });

  it("does not rebuild for credentials, but does for another registry", () => {
    const credentials = with_({ registry: { server: "r:1", username: "v", password: secret("q") } });
    assert.deepEqual(imageChanges(base, credentials), []);
    assert.deepEqual(imageChanges({ imageName: "a" }, { imageName: "a", registry: { password: "p" } }), []);
    assert.deepEqual(imageChanges(base, with_({ registry: { server: "r:2" } })), [
      { path: "registry.server", kind: "update" },
    ]);
  });
});

describe("docker build's command line", () => {
  const spec = (build: JsonObject) => readImage({ imageName: "r:1/a:1", build }).image;

  it("carries every field", () => {
    const image = spec({
      context: "c",
      dockerfile: "d",
      args: { A: "1", PATH: "/x" },
      target: "t",
      platform: "linux/riscv64",
      network: "none",
      addHosts: ["h:1.2.3.4"],
      cacheFrom: { images: ["r:1/a:0"] },
    });
    assert.equal(
      buildArguments(image).join(" "),
      "build --file d --tag r:1/a:1 --network none --build-arg A --build-arg PATH=/x --target t --platform linux/riscv64 --add-host h:1.2.3.4 --cache-from r:1/a:0 c",
    );
    assert.deepEqual(buildEnvironment(image.build), { A: "1", DOCKER_BUILDKIT: "0" });
  });

  it("keeps secrets off the command line, and names no platform where it is the machine's own", () => {
    const image = spec({ context: "c", args: { TOKEN: secret("hush") }, platform: hostPlatform() });
    assert.doesNotMatch(buildArguments(image).join(" "), /hush|--platform/);
    assert.equal(buildEnvironment(image.build).TOKEN, "hush");
  });

  it("takes BuildKit where it is asked for", () => {
    assert.equal(buildEnvironment(spec({ builderVersion: "BuilderBuildKit" }).build).DOCKER_BUILDKIT, "1");
  });
});

describe("ownDigest", () => {
  it("takes the digest of the name that was pushed", () => {
    const digests = [`other:1/a@${SHA}`, `r:1/b@${SHA}`, `r:1/a@${SHA}`];
    assert.equal(ownDigest("r:1/a:tag", digests), `r:1/a@${SHA}`);
  });

  it("names an image that Docker knows no digest of", () => {
    assert.throws(() => ownDigest("r:1/a:tag", []), /r:1\/a:tag was pushed but/);
    assert.throws(() => ownDigest("r:1/a:tag", null), /no digest/);
  });
});

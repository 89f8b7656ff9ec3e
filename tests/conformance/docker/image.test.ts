import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import {
  createWorkspace,
  eventually,
  missingEngine,
  processesWith,
  skipWithout,
  type Workspace,
} from "../nodejs/workspace.ts";
import { type Daemons, missingDaemons, startDaemons } from "./daemons.ts";

let temporary: string;

describe("docker.Image by the stand-in with the real engine", function () {
  this.timeout(180_000);
  let daemons: Daemons;
  let workspace: Workspace;
  let context: string;
  const up = ["up", "--yes", "--skip-preview"];

  before(async function () {
    skipWithout(this, missingEngine() ?? missingDaemons());
    try {
      daemons = await startDaemons();
    } catch (error) {
      skipWithout(this, `dockerd cannot be started here: ${error instanceof Error ? error.message : error}`);
    }
  });

  after(() => daemons?.stop());

  beforeEach(async () => {
    temporary = mkdtempSync(join(tmpdir(), "millwright-temporary-"));
    context = mkdtempSync(join(tmpdir(), "millwright-context-"));
    shellInto(context);
    writeFileSync(join(context, "file"), "one");
    // Different in every test, so that none is served from another's cache.
    writeFileSync(join(context, "root", "nonce"), randomUUID());
    writeFileSync(join(context, ".dockerignore"), "*.log\n");
    dockerfile("RUN echo building with $TOKEN");
    workspace = await createWorkspace({ program: program({}), packages: ["@pulumi/docker"] });
    workspace.env.DOCKER_HOST = daemons.dockerHost;
    workspace.env.TMPDIR = temporary;
  });

  afterEach(async () => {
    await workspace.dispose();
    rmSync(context, { recursive: true, force: true });
    rmSync(temporary, { recursive: true, force: true });
  });

  const name = () => `${daemons.registry}/trial/image:1`;

  function dockerfile(...steps: readonly string[]): void {
    const lines = ["FROM scratch", "COPY root /", "ARG TOKEN", ...steps, "COPY file /file", ""];
    writeFileSync(join(context, "Dockerfile"), lines.join("\n"));
  }

  function program(more: { readonly args?: string; readonly after?: string }): string {
    return `
      import * as pulumi from "@pulumi/pulumi";
      import * as docker from "@pulumi/docker";
      const image = new docker.Image("image", {
        imageName: ${JSON.stringify(name())},
        build: { context: ${JSON.stringify(context)}, args: { TOKEN: pulumi.secret("s3cret-token") } },
        registry: { server: ${JSON.stringify(daemons.registry)}, username: "someone", password: "s3cret-password" },
        ${more.args ?? ""}
      });
      export const digest = image.repoDigest;
      ${more.after ?? ""}
    `;
  }

  const digest = async (): Promise<string> =>
    String((JSON.parse(await workspace.succeed(["stack", "output", "--json"])) as { digest: unknown }).digest);

  const inRegistry = async (repoDigest: string, method = "HEAD") => {
    const sha = repoDigest.split("@")[1];
    const headers = { accept: "application/vnd.docker.distribution.manifest.v2+json" };
    return (await fetch(`http://${daemons.registry}/v2/trial/image/manifests/${sha}`, { method, headers })).status;
  };

  it("builds and pushes once, and again only when what the build sees has changed", async () => {
    const preview = await workspace.succeed(["preview"]);
    assert.match(preview, /2 to create/);
    await workspace.succeed(up);
    const first = await digest();
    assert.match(first, new RegExp(`^${daemons.registry}/trial/image@sha256:[0-9a-f]{64}$`));
    assert.equal(await inRegistry(first), 200);

    writeFileSync(join(context, "noise.log"), "ignored");
    await workspace.succeed(["preview", "--expect-no-changes"]);

    writeFileSync(join(context, "file"), "two");
    const diff = await workspace.succeed(["preview", "--diff"]);
    assert.match(diff, /contextDigest/);
    await workspace.succeed(up);
    const second = await digest();
    assert.notEqual(second, first);
    assert.equal(await inRegistry(second), 200);
    assert.equal(await inRegistry(first), 200, "the image that was replaced stays for those who still run it");
  });

  it("shows the build as it goes, without the secrets, which are not in the state either", async () => {
    const output = await workspace.succeed(up);
    assert.match(output, /Step 4\/5 : RUN echo building/);
    assert.match(output, /building with \[secret\]/);
    const state = await workspace.succeed(["stack", "export"]);
    for (const text of [output, state]) {
      assert.doesNotMatch(text, /s3cret/);
      assert.ok(!text.includes(Buffer.from("someone:s3cret-password").toString("base64")));
    }
  });

  it("does not build again because a password changed", async () => {
    await workspace.succeed(up);
    await workspace.write("index.ts", program({}).replace("s3cret-password", "another-password"));
    const output = await workspace.succeed(up);
    assert.match(output, /2 unchanged/);
  });

  it("rebuilds to the same digest what a refresh finds gone from the registry", async () => {
    await workspace.succeed(up);
    const before = await digest();
    assert.equal(await inRegistry(before, "DELETE"), 202);
    assert.equal(await inRegistry(before), 404);
    const output = await workspace.succeed([...up, "--refresh"]);
    assert.match(output, /1 created/);
    assert.equal(await digest(), before);
    assert.equal(await inRegistry(before), 200);
  });

  it("does not take a registry that is down for an image that is gone", async () => {
    await workspace.write(
      "index.ts",
      program({}).replaceAll(daemons.registry, "127.0.0.1:1").replace(`registry: {`, `skipPush: true, registry: {`),
    );
    await workspace.succeed(up);
    const state = JSON.parse(await workspace.succeed(["stack", "export"])) as {
      deployment: { resources: { inputs: Record<string, unknown>; outputs: Record<string, unknown>; type: string }[] };
    };
    const image = state.deployment.resources.find(({ type }) => type === "docker:index/image:Image");
    assert.ok(image);
    image.inputs.skipPush = false;
    image.outputs.repoDigest = `127.0.0.1:1/trial/image@sha256:${"0".repeat(64)}`;
    await workspace.write("state.json", JSON.stringify(state));
    await workspace.succeed(["stack", "import", "--file", "state.json"]);
    const { code, output } = await workspace.pulumi(["refresh", "--yes", "--skip-preview"]);
    assert.notEqual(code, 0);
    assert.match(output, /registry 127\.0\.0\.1:1 does not answer/);
    assert.match(await workspace.succeed(["stack", "export"]), /docker:index\/image:Image/);
  });

  it("keeps a local image local, known by its ID", async () => {
    await workspace.write("index.ts", program({ args: "skipPush: true," }));
    await workspace.succeed(up);
    const id = await digest();
    assert.match(id, /^sha256:[0-9a-f]{64}$/);
    await workspace.succeed(["preview", "--expect-no-changes", "--refresh"]);
    execFileSync("docker", ["image", "rm", name()], { env: { ...process.env, DOCKER_HOST: daemons.dockerHost } });
    assert.match(await workspace.succeed([...up, "--refresh"]), /1 created/);
  });

  it("ends a failed build with the end of Docker's output, without secrets, and goes on from there", async () => {
    dockerfile("RUN echo about to fail with $TOKEN && exit 9");
    const { code, output } = await workspace.pulumi(up);
    assert.notEqual(code, 0);
    assert.match(output, /docker build failed/);
    assert.match(output, /about to fail with \[secret\]/);
    assert.match(output, /returned a non-zero code: 9/);
    dockerfile("RUN echo mended");
    assert.match(await workspace.succeed(up), /1 created/);
  });

  it("names a missing Dockerfile and context, a bad name and an unknown field before anything is built", async () => {
    for (const [find, replacement, message] of [
      ["build: {", `build: { dockerfile: "nowhere/Dockerfile",`, /nowhere\/Dockerfile: cannot be read/],
      [JSON.stringify(context), `"no-such-folder"`, /no-such-folder/],
      [JSON.stringify(name()), `"Upper/Case:1"`, /must be repository\[:tag\]/],
      [JSON.stringify(name()), `"just-a-name:1"`, /must name the registry/],
      ["build: {", `build: { builderVersion: "BuilderV9" as never,`, /BuilderV9.* must be/],
      ["build: {", `build: { sshAgent: true,`, /sshAgent/],
    ] as const) {
      await workspace.write("index.ts", program({}).replace(find, replacement));
      const { code, output } = await workspace.pulumi(["preview"]);
      assert.notEqual(code, 0, replacement);
      assert.match(output, message);
    }
  });

  it("refuses every other resource and function by name", async () => {
    for (const [after, message] of [
      [`new docker.Container("c", { image: "x" });`, /does not support the resource docker:index\/container:Container/],
      [
        `export const n = docker.getNetworkOutput({ name: "x" }).driver;`,
        /does not support the function docker:index\/getNetwork/,
      ],
      [`new docker.Provider("p", { sshOpts: ["-v"] });`, /sshOpts/],
    ] as const) {
      await workspace.write("index.ts", program({ after }));
      const { code, output } = await workspace.pulumi(["preview"]);
      assert.notEqual(code, 0, after);
      assert.match(output, message);
    }
  });

  it("stops the build when the engine is killed", async () => {
    dockerfile("RUN while :; do :; done");
    const { child, done } = workspace.start(up);
    await eventually(async () => (await processesWith(name())).length > 0, "the build's start", 60);
    assert.equal(credentialFolders().length, 1);
    child.kill("SIGKILL");
    await done;
    await eventually(async () => (await processesWith(name())).length === 0, "the end of docker build");
    await eventually(
      async () => (await processesWith("while :; do :; done")).length === 0,
      "the end of the build's step",
    );
  });

  it("forgets an image that is no longer declared, and leaves it in the registry", async () => {
    await workspace.succeed(up);
    const before = await digest();
    await workspace.succeed(["destroy", "--yes", "--skip-preview"]);
    assert.equal(await inRegistry(before), 200);
  });
});

/** Folders with credentials that the stand-in made for a build, of this test's own temporary folder. */
function credentialFolders(): string[] {
  return readdirSync(temporary).filter((entry) => entry.startsWith("millwright-docker-"));
}

/** A root file system with a shell, so that RUN works without a base image. */
function shellInto(folder: string): void {
  const root = join(folder, "root");
  const libraries = execFileSync("ldd", ["/bin/sh"], { encoding: "utf8" }).match(/\/\S+/g) ?? [];
  for (const file of ["/bin/sh", ...libraries]) {
    mkdirSync(join(root, dirname(file)), { recursive: true });
    cpSync(realpathSync(file), join(root, file));
  }
}

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { createWorkspace, eventually, missingEngine, processesWith, skipWithout, type Workspace } from "./workspace.ts";

const PROGRAM = `
import * as pulumi from "@pulumi/pulumi";
class Part extends pulumi.ComponentResource {
  constructor(name: string) { super("trial:index:Part", name); this.registerOutputs({}); }
}
new Part("one");
const config = new pulumi.Config();
export const greeting: string | undefined = config.get("greeting");
export const hidden = config.getSecret("hidden");
export const where = pulumi.getProject() + "/" + pulumi.getStack() + "/" + pulumi.getOrganization();
export const nodeArguments = process.execArgv.filter((argument: string) => argument.startsWith("--title"));
`;

const WITHOUT_COMPILER = "runtime: { name: nodejs, options: { typescript: false } }\nversion: 0.1.0\n";

describe("the Node language host with the real engine", function () {
  this.timeout(120_000);
  let workspace: Workspace;

  before(function () {
    skipWithout(this, missingEngine());
  });

  afterEach(async () => {
    await workspace?.dispose();
  });

  it("runs a TypeScript module as it stands, with its configuration, secrets and node's arguments", async () => {
    workspace = await createWorkspace({
      program: PROGRAM,
      runtimeOptions: ["typescript: false", "nodeargs: --title=trial"],
    });
    await workspace.succeed(["config", "set", "greeting", "hello"]);
    await workspace.succeed(["config", "set", "--secret", "hidden", "s3cret-value"]);
    const output = await workspace.succeed(["up", "--yes", "--skip-preview"]);
    assert.match(output, /2 created/);
    assert.doesNotMatch(output, /s3cret-value/);
    assert.doesNotMatch(output, /warning/i);
    const outputs: unknown = JSON.parse(await workspace.succeed(["stack", "output", "--json"]));
    assert.deepEqual(outputs, {
      greeting: "hello",
      hidden: "[secret]",
      where: "trial/dev/organization",
      nodeArguments: ["--title=trial"],
    });
    assert.match(await workspace.succeed(["preview", "--expect-no-changes"]), /2 unchanged/);
  });

  it("needs no plugin of a package that the program depends on and makes nothing of", async () => {
    workspace = await createWorkspace({
      program: 'import "@pulumi/aws/ec2/vpc.js";\nexport const made = "nothing";\n',
      packages: ["@pulumi/aws"],
    });
    await workspace.succeed(["up", "--yes", "--skip-preview"]);
    assert.equal((await workspace.succeed(["stack", "output", "made"])).trim(), "nothing");
  });

  it("leaves the stack file as it is when that has the salt of the empty passphrase", async () => {
    workspace = await createWorkspace({ program: PROGRAM });
    const salted = await workspace.read("Pulumi.dev.yaml");
    assert.match(salted, /encryptionsalt/);
    await workspace.succeed(["stack", "rm", "--yes"]).catch(() => undefined);
    const file = `# a comment\nconfig:\n  trial:greeting: hello\n${salted}`;
    await workspace.write("Pulumi.dev.yaml", file);
    await workspace.succeed(["stack", "init"]);
    await workspace.succeed(["up", "--yes"]);
    assert.equal(await workspace.read("Pulumi.dev.yaml"), file);
  });

  it("reports what a program throws once, and a program that exits by itself with its code", async () => {
    workspace = await createWorkspace({ program: `throw new Error("the stack is on fire");` });
    const thrown = await workspace.pulumi(["up", "--yes", "--skip-preview"]);
    assert.notEqual(thrown.code, 0);
    assert.match(thrown.output, /the stack is on fire/);
    assert.doesNotMatch(thrown.output, /node exited with code/);
    await workspace.write("index.ts", "process.exit(7);");
    const exited = await workspace.pulumi(["up", "--yes", "--skip-preview"]);
    assert.notEqual(exited.code, 0);
    assert.match(exited.output, /node exited with code 7/);
  });

  it("runs a policy pack, which blocks before anything is made", async () => {
    workspace = await createWorkspace({ program: PROGRAM });
    await mkdir(join(workspace.folder, "pack"));
    await workspace.write("pack/PulumiPolicy.yaml", "runtime: nodejs\nversion: 0.1.0\n");
    await workspace.write(
      "pack/package.json",
      `{"name": "pack", "version": "0.1.0", "type": "module", "main": "index.js"}`,
    );
    await workspace.write("pack/index.js", `import "./pack.ts";\n`);
    await workspace.write(
      "pack/pack.ts",
      `import { PolicyPack } from "@pulumi/policy";
       const forbidden: string = "trial:index:Part";
       new PolicyPack("trial", { policies: [{
         name: "no-parts", description: "Parts are forbidden.", enforcementLevel: "mandatory",
         validateResource: (args, report) => { if (args.type === forbidden) report("a part is forbidden here"); },
       }] });`,
    );
    const env = { PULUMI_OPTION_POLICY_PACK: join(workspace.folder, "pack") };
    for (const args of [["preview"], ["up", "--yes", "--skip-preview"]]) {
      // The second time Node strips the types, without the compiler the SDK brings.
      if (args[0] === "up") await workspace.write("pack/PulumiPolicy.yaml", WITHOUT_COMPILER);
      const { code, output } = await workspace.pulumi(args, env);
      assert.notEqual(code, 0, output);
      assert.match(output, /a part is forbidden here/);
    }
    assert.doesNotMatch(await workspace.succeed(["stack", "export"]), /trial:index:Part/);
  });

  it("passes on a program's own debug messages, and spares the engine the SDK's", async () => {
    workspace = await createWorkspace({
      program: `import { log } from "@pulumi/pulumi"; log.debug("seen by the program's author"); ${PROGRAM}`,
    });
    const output = await workspace.succeed(["up", "--yes", "--skip-preview", "--debug"]);
    assert.match(output, /seen by the program's author/);
    assert.doesNotMatch(output, /RegisterResource RPC/);
  });

  it("names a runtime option it does not know", async () => {
    workspace = await createWorkspace({ program: PROGRAM, runtimeOptions: ["typescrypt: false"] });
    const { code, output } = await workspace.pulumi(["preview"]);
    assert.notEqual(code, 0);
    assert.match(output, /runtime\.options\.typescrypt/);
  });

  it("names what it depends on to `pulumi about`, and refuses to generate SDKs by name", async () => {
    workspace = await createWorkspace({ program: PROGRAM, packages: ["@pulumi/docker"] });
    const about = await workspace.succeed(["about", "--json"]);
    assert.match(about, /"@pulumi\/docker"/);
    assert.match(about, /"@pulumi\/pulumi"/);
    await workspace.write("schema.json", `{"name": "x", "version": "1.0.0"}`);
    const { code, output } = await workspace.plain(["package", "gen-sdk", "schema.json", "--language", "nodejs"]);
    assert.notEqual(code, 0);
    assert.match(output, /stand-in does not support generating an SDK/);
  });

  const endless = `
    import { writeFileSync } from "node:fs";
    import { once } from "node:events";
    import { spawn } from "node:child_process";
    writeFileSync("pid", String(process.pid));
    await new Promise((resolve) => setTimeout(resolve, 600_000));
  `;

  for (const signal of ["SIGKILL", "SIGINT"] as const) {
    it(`ends with its program when the engine ends by ${signal}`, async () => {
      workspace = await createWorkspace({ program: endless });
      const { child, done } = workspace.start(["preview"]);
      await eventually(async () => (await workspace.read("pid").catch(() => "")) !== "", "the program's start");
      const program = Number(await workspace.read("pid"));
      child.kill(signal);
      await eventually(() => !alive(program), "the program's end");
      await done;
      await eventually(
        async () => (await processesWith(workspace.folder)).length === 0,
        "the end of all its processes",
      );
    });
  }

  it("takes its program along when it is killed itself", async () => {
    workspace = await createWorkspace({ program: endless });
    const { child, done } = workspace.start(["preview"]);
    await eventually(async () => (await workspace.read("pid").catch(() => "")) !== "", "the program's start");
    const program = Number(await workspace.read("pid"));
    const host = await parentOf(program);
    process.kill(host, "SIGKILL");
    await eventually(() => !alive(program), "the program's end");
    child.kill("SIGKILL");
    await done;
  });
});

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function parentOf(pid: number): Promise<number> {
  const { readFile } = await import("node:fs/promises");
  return Number(/^PPid:\s+(\d+)/m.exec(await readFile(`/proc/${pid}/status`, "utf8"))?.[1]);
}

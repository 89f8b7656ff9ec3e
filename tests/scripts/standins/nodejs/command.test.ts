import assert from "node:assert/strict";
import {
  type ProgramRun,
  policyPackCommand,
  programCommand,
  runtimeOptions,
  words,
} from "../../../../scripts/standins/nodejs/command.ts";

const run: ProgramRun = {
  monitorAddress: "127.0.0.1:1",
  engineAddress: "127.0.0.1:2",
  project: "millwright",
  stack: "local",
  organization: "organization",
  rootDirectory: "/root",
  pwd: "/root/program",
  parallel: 16,
  dryRun: false,
  entryPoint: "index.ts",
  args: ["one"],
  config: { "millwright:a": "1" },
  configSecretKeys: ["millwright:a"],
  options: { typescript: false, nodeargs: ["--title=x"] },
};

describe("the command of a program", () => {
  it("gives cmd/run what the SDK reads", () => {
    const { args, env, cwd } = programCommand(run, "/sdk/cmd/run/index.js", ["/preload.ts"]);
    const flags =
      "--monitor 127.0.0.1:1 --engine 127.0.0.1:2 --organization organization --project millwright --stack local";
    assert.equal(
      args.join(" "),
      `--import /preload.ts --title=x /sdk/cmd/run/index.js ${flags} --root-directory /root --pwd /root/program --parallel 16 index.ts one`,
    );
    assert.deepEqual(env, {
      PULUMI_CONFIG: '{"millwright:a":"1"}',
      PULUMI_CONFIG_SECRET_KEYS: '["millwright:a"]',
      PULUMI_NODEJS_TYPESCRIPT: "false",
    });
    assert.equal(cwd, "/root/program");
  });

  it("says when it is a dry run, and lets package.json name the program", () => {
    const { args } = programCommand({ ...run, dryRun: true, entryPoint: "", args: [], parallel: 0 }, "/run.js", []);
    assert.deepEqual(args.slice(-2), ["--dry-run", "."]);
    assert.ok(!args.includes("--parallel"));
  });

  it("runs a policy pack in its own folder, with the engine's address before it", () => {
    const { args, cwd } = policyPackCommand(
      { directory: "/pack", args: ["127.0.0.1:2"], options: run.options },
      "/pack.js",
      [],
    );
    assert.deepEqual(args, ["--title=x", "/pack.js", "127.0.0.1:2", "/pack"]);
    assert.equal(cwd, "/pack");
  });
});

describe("runtime.options", () => {
  it("reads what is known", () => {
    assert.deepEqual(runtimeOptions({}), { typescript: true, nodeargs: [] });
    assert.deepEqual(
      runtimeOptions({ typescript: false, nodeargs: "--a '--b=c d'", tsconfig: "t.json", packagemanager: "npm" }),
      {
        typescript: false,
        nodeargs: ["--a", "--b=c d"],
        tsconfig: "t.json",
      },
    );
  });

  for (const [options, message] of [
    [{ typescrypt: false }, /runtime\.options\.typescrypt/],
    [{ typescript: "no" }, /typescript: "no" must be true or false/],
    [{ nodeargs: ["--a"] }, /nodeargs: \["--a"\] must be one string/],
    [{ tsconfig: 1 }, /tsconfig: 1 must be a path/],
  ] as const) {
    it(`names what is wrong with ${JSON.stringify(options)}`, () =>
      assert.throws(() => runtimeOptions(options), message));
  }

  it("splits words as a shell does", () => {
    assert.deepEqual(words(`--a  "b c" d\\ e 'f "g' "h \\"i\\""`), ["--a", "b c", "d e", 'f "g', 'h "i"']);
    assert.deepEqual(words("  "), []);
  });
});

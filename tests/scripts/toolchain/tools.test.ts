import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { goBuildArguments } from "../../../scripts/toolchain/go.ts";
import { binariesOf, type GoBuild, TOOL_NAMES, TOOLS } from "../../../scripts/toolchain/tools.ts";

const ROOT = path.resolve(import.meta.dirname, "../../..");
const modules = (name: string, file: string) =>
  readFileSync(path.join(ROOT, "scripts/toolchain/modules", name, file), "utf8");
const BUILDS = TOOL_NAMES.flatMap((name): { name: typeof name; build: GoBuild }[] => {
  const { from } = TOOLS[name];
  return from.kind === "goBuild" ? [{ name, build: from }] : [];
});

describe("tools", () => {
  for (const name of TOOL_NAMES) {
    it(`${name} is pinned to one version`, () => assert.match(TOOLS[name].version, /^\d+\.\d+\.\d+$/));
    it(`${name} is asked for its version by a binary of its own`, () =>
      assert.ok(binariesOf(name).includes(TOOLS[name].check.binary)));
  }

  it("no two tools bring the same binary", () => {
    const binaries = TOOL_NAMES.flatMap(binariesOf);
    assert.deepEqual([...new Set(binaries)], binaries);
  });

  it("the engine and its SDK have one version", () => {
    const { dependencies } = JSON.parse(readFileSync(path.join(ROOT, "package.json"), "utf8")) as {
      dependencies: Record<string, string>;
    };
    assert.equal(TOOLS.pulumi.version, dependencies["@pulumi/pulumi"]);
    assert.equal(TOOLS["pulumi-kubernetes"].version, dependencies["@pulumi/kubernetes"]);
  });

  it("the official download is that of the pinned version, where there is one", () => {
    const url = TOOLS.pulumi.official?.("linux", "x64") ?? "";
    assert.ok(url.endsWith(`/pulumi-v${TOOLS.pulumi.version}-linux-x64.tar.gz`), url);
    assert.equal(TOOLS.pulumi.official?.("sunos", "x64"), undefined);
    assert.equal(TOOLS.pulumi.official?.("linux", "riscv64"), undefined);
  });
});

describe("Go builds", () => {
  for (const { name, build } of BUILDS) {
    it(`${name} is required by its module at the pinned version, with a checksum`, () => {
      const goMod = modules(name, "go.mod");
      const main = Object.values(build.packages)[0] ?? "";
      // A main of ours is in the module itself, which then requires the one it is about by name.
      const source = main.startsWith("millwright.dev/") ? (/^require (\S+) v/m.exec(goMod)?.[1] ?? "") : main;
      const required = [...goMod.matchAll(/^(?:require)?\s+(\S+) (v\S+)/gm)].filter(([, module = ""]) =>
        `${source}/`.startsWith(`${module}/`),
      );
      assert.equal(required.length, 1, `${source} in ${name}/go.mod`);
      const [, module, version] = required[0] ?? [];
      // A module of which no release is served is taken at one commit.
      if (build.embed === undefined) assert.equal(version, `v${TOOLS[name].version}`);
      else assert.match(version ?? "", /-\d{14}-[0-9a-f]{12}$/);
      assert.ok(modules(name, "go.sum").includes(`${module} ${version} h1:`));
    });

    it(`${name} asks for no newer Go than any that serves`, () => {
      const { onPath } = TOOLS.go;
      const minimum = typeof onPath === "object" ? onPath.atLeast : undefined;
      assert.equal(/^go (\S+)$/m.exec(modules(name, "go.mod"))?.[1], minimum);
    });

    it(`${name} puts each of its binaries where they are looked for`, () => {
      const calls = goBuildArguments(build, "/target");
      const outputs = calls.flatMap((args) => {
        const output = args[args.indexOf("-o") + 1] ?? "";
        const packages = args.slice(args.indexOf("-o") + 2);
        return output.endsWith("/") ? packages.map((source) => output + path.basename(source)) : [output];
      });
      assert.deepEqual(
        outputs.sort(),
        binariesOf(name)
          .map((binary) => `/target/${binary}`)
          .sort(),
      );
    });
  }
});

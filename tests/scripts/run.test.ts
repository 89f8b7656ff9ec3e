import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

/** What `npm run <command>` calls. Not proved here: that npm installs the real packages. */
describe("run.sh", () => {
  let root = "";
  const write = (name: string, text: string, mode = 0o644) => {
    mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    writeFileSync(path.join(root, name), text, { mode });
  };
  const sh = (args: string[], searchPath = `${root}/bin:/usr/bin:/bin`) =>
    spawnSync("/bin/sh", [path.join(root, "scripts/run.sh"), ...args], {
      encoding: "utf8",
      cwd: "/",
      env: { PATH: searchPath, TMPDIR: root },
    });
  /** An npm that makes the packages' folder appear, and counts its calls. */
  const npm = (node: string) => `#!/bin/sh
echo noise; echo "$*" >>"${root}/calls"
mkdir -p "${root}/node_modules/.bin" && ln -sf "${node}" "${root}/node_modules/.bin/node"
`;

  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), "millwright-run-sh-"));
    mkdirSync(path.join(root, "scripts"));
    copyFileSync(path.resolve(import.meta.dirname, "../../scripts/run.sh"), path.join(root, "scripts/run.sh"));
    write("package.json", "{}");
    write("package-lock.json", "{}");
    write("scripts/hello.ts", 'const name: string = process.argv.slice(2).join();\nconsole.log("hello " + name);\n');
    mkdirSync(path.join(root, "bin"));
    symlinkSync(process.execPath, path.join(root, "bin/node"));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it("installs once for a lock file, and keeps stdout for the command", () => {
    write("bin/npm", npm(process.execPath), 0o755);
    const first = sh(["hello", "--json", "a b"]);
    assert.deepEqual([first.status, first.stdout], [0, "hello --json,a b\n"], first.stderr);
    assert.match(first.stderr, /✓ npm packages \d+s\n$/);
    const second = sh(["hello"]);
    assert.deepEqual([second.stdout, second.stderr], ["hello \n", ""]);
    write("package-lock.json", '{"changed":true}');
    assert.match(sh(["hello"]).stderr, /✓ npm packages/);
  });

  it("says what to do where npm is missing", () => {
    const { status, stderr } = sh(["hello"], `${root}/bin:${coreutils()}`);
    assert.equal(status, 1);
    assert.equal(
      stderr,
      "There is no npm on this machine.\nWhat to do: install it, on Debian with: apt-get install --no-install-recommends npm.\n",
    );
  });

  it("says what to do when npm fails, and tries again the next time", () => {
    write("bin/npm", "#!/bin/sh\necho npm error network unreachable; exit 1\n", 0o755);
    const failed = sh(["hello"]);
    assert.equal(failed.status, 1);
    assert.equal(failed.stdout, "");
    assert.match(
      failed.stderr,
      /network unreachable\nnpm could not install the packages of .*package-lock\.json\.\nWhat to do: /,
    );
    write("bin/npm", npm(process.execPath), 0o755);
    assert.equal(sh(["hello"]).stdout, "hello \n");
  });

  it("names the commands there are", () => {
    const { status, stderr } = sh(["helo"]);
    assert.equal(status, 1);
    assert.match(stderr, /^There is no command "helo" .*\nWhat to do: name one of: hello/);
  });

  /** The system's commands without npm. */
  function coreutils(): string {
    const folder = path.join(root, "coreutils");
    mkdirSync(folder);
    for (const name of ["dirname", "cat", "cksum", "mkdir", "flock", "ls", "sed", "tr"]) {
      symlinkSync(
        spawnSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).stdout.trim(),
        path.join(folder, name),
      );
    }
    return folder;
  }
});

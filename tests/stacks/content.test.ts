import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { chmod, symlink, utimes } from "node:fs/promises";
import { join } from "node:path";
import { folderHash } from "../../stacks/content.ts";
import { loadStack } from "../../stacks/load.ts";
import { IMAGE_NAMES, type StackContent } from "../../stacks/schema.ts";
import { Repository, VALID_STACK } from "./repository.ts";

describe("the content of a stack", () => {
  let repository: Repository;
  let before: StackContent;
  const content = async (): Promise<StackContent> =>
    (await loadStack({ name: "local", repositoryRoot: repository.root })).content;
  const fromDirectory = VALID_STACK.replace(/source: .*/, "source: { kind: directory, path: mails }");

  beforeEach(async () => {
    repository = await Repository.create();
    before = await content();
  });
  afterEach(() => repository.remove());

  it("is a SHA-256 for each image and each model", () => {
    assert.deepEqual(Object.keys(before.images).sort(), [...IMAGE_NAMES].sort());
    assert.deepEqual(Object.keys(before.sources), ["mail-triage"]);
    for (const hash of [...Object.values(before.images), ...Object.values(before.sources)]) {
      assert.match(hash, /^[0-9a-f]{64}$/);
    }
  });

  it("of a model's own image is that of its folder", async () => {
    assert.deepEqual(before.workloads, {});
    const workload = "      workload: { kind: image, context: images/own }\n      training:";
    await repository.write("images/own/Dockerfile", "FROM scratch\n");
    await repository.write("stacks/Pulumi.local.yaml", VALID_STACK.replace("      training:", workload));
    const first = await content();
    assert.deepEqual({ ...first, workloads: {} }, before);
    await repository.write("images/own/train.py", "print()\n");
    const second = await content();
    assert.match(second.workloads["mail-triage"] ?? "", /^[0-9a-f]{64}$/);
    assert.notEqual(second.workloads["mail-triage"], first.workloads["mail-triage"]);
    assert.deepEqual({ ...second, workloads: first.workloads }, first);
  });

  it("is the same in another folder and at another time", async () => {
    const copy = await Repository.create();
    try {
      await utimes(join(copy.root, "workloads/trainer/Dockerfile"), 1, 1);
      assert.deepEqual((await loadStack({ name: "local", repositoryRoot: copy.root })).content, before);
    } finally {
      await copy.remove();
    }
  });

  it("changes with one image's files, and only for that image", async () => {
    await repository.write("workloads/trainer/module/train.py", "print()\n");
    const after = await content();
    assert.notEqual(after.images.trainer, before.images.trainer);
    assert.deepEqual({ ...after, images: { ...after.images, trainer: before.images.trainer } }, before);
  });

  it("changes when a file is renamed or made executable", async () => {
    await repository.write("workloads/trainer/a.sh", "true\n");
    const first = await content();
    await chmod(join(repository.root, "workloads/trainer/a.sh"), 0o755);
    const executable = await content();
    await repository.remove("workloads/trainer/a.sh");
    await repository.write("workloads/trainer/b.sh", "true\n");
    const renamed = await content();
    assert.equal(new Set([first, executable, renamed].map(({ images }) => images.trainer)).size, 3);
  });

  it("does not change with what Python and tests leave behind", async () => {
    await repository.write("workloads/trainer/__pycache__/train.cpython-311.pyc", "x");
    await repository.write("workloads/trainer/module/__pycache__/train.cpython-311.pyc", "x");
    await repository.write("workloads/trainer/tests/test_train.py", "x");
    assert.deepEqual(await content(), before);
  });

  it("changes for every image with the base image", async () => {
    await repository.write(
      "stacks/Pulumi.local.yaml",
      VALID_STACK.replace("    registry:", "    baseImage: debian:13\n    registry:"),
    );
    const after = await content();
    for (const image of IMAGE_NAMES) {
      assert.notEqual(after.images[image], before.images[image]);
    }
  });

  it("of a package is what npm locked", async () => {
    await repository.lock("sha512-two");
    assert.notEqual((await content()).sources["mail-triage"], before.sources["mail-triage"]);
  });

  it("of a package that is not locked is its files", async () => {
    await repository.lock(undefined);
    const unlocked = await content();
    await repository.write("node_modules/@example/mail/data/two.txt", "another mail");
    assert.notEqual((await content()).sources["mail-triage"], unlocked.sources["mail-triage"]);
  });

  it("of a directory is its files", async () => {
    await repository.write("mails/one.txt", "a mail");
    await repository.write("stacks/Pulumi.local.yaml", fromDirectory);
    const first = await content();
    await repository.write("mails/one.txt", "a mail!");
    assert.notEqual((await content()).sources["mail-triage"], first.sources["mail-triage"]);
  });

  it("takes a link for what it names", async () => {
    await repository.write("mails/one.txt", "a mail");
    const folder = join(repository.root, "mails");
    const hash = () => folderHash(folder, () => true);
    await symlink("one.txt", join(folder, "link"));
    const first = await hash();
    await repository.remove("mails/link");
    await symlink("nowhere.txt", join(folder, "link"));
    assert.notEqual(await hash(), first);
  });

  it("is taken in the order of the paths, not in that in which a folder lists them", async () => {
    // Within a folder Node lists in order already; a folder beside a file of nearly its name is where the two differ.
    const names = ["folder/file", "folder-file", "b", "a"];
    for (const name of names) await repository.write(`many/${name}`, name);
    const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
    const lines = names.sort().map((name) => `${JSON.stringify([name, "file", sha256(name)])}\n`);
    assert.equal(await folderHash(join(repository.root, "many"), () => true), sha256(lines.join("")));
  });
});

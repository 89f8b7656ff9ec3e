import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { recoverStack } from "../../../scripts/converge/recover.ts";

// What it does not prove: that the engine reads what is left (tests/conformance/nodejs and tests/conformance/loop do).

describe("recovery of damaged files, before the engine is asked anything", () => {
  let root: string;
  let state: string;

  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), "millwright-recover-"));
    writeFileSync(path.join(root, "Pulumi.yaml"), "name: shop\n");
    state = path.join(root, "state", ".pulumi", "stacks", "shop", "dev.json");
    mkdirSync(path.dirname(state), { recursive: true });
  });
  afterEach(() => rmSync(root, { recursive: true }));

  // No pulumi is on this PATH: a call of it would fail.
  const recover = () =>
    recoverStack({
      workDir: root,
      stack: "dev",
      env: { PATH: root, PULUMI_BACKEND_URL: `file://${path.join(root, "state")}?metadata=skip` },
    });
  const WHOLE = JSON.stringify({ version: 3, checkpoint: { latest: { resources: [] } } });

  it("leaves whole ones alone", async () => {
    for (const file of [state, `${state}.bak`, `${state}.attrs`]) writeFileSync(file, WHOLE);
    assert.deepEqual(await recover(), []);
    assert.equal(readdirSync(path.dirname(state)).length, 3);
  });

  it("removes a description that a kill left empty", async () => {
    writeFileSync(state, WHOLE);
    writeFileSync(`${state}.attrs`, "");
    await recover();
    assert.ok(!existsSync(`${state}.attrs`));
    assert.equal(readFileSync(state, "utf8"), WHOLE);
  });

  for (const [what, content] of [
    ["empty", ""],
    ["cut off", WHOLE.slice(0, 20)],
    ["null", "null"],
  ] as const) {
    it(`takes the backup in place of a state that is ${what}, and keeps that aside`, async () => {
      writeFileSync(state, content);
      writeFileSync(`${state}.bak`, WHOLE);
      assert.match((await recover()).join(), /was damaged: its backup is used/);
      assert.equal(readFileSync(state, "utf8"), WHOLE);
      const aside = readdirSync(path.dirname(state)).filter((name) => name.includes(".broken-"));
      assert.equal(aside.length, 1);
    });

    it(`has what runs made looked for after a state that was ${what}`, async () => {
      const record = path.join(root, "state", ".millwright", "shop.dev.objects.json");
      mkdirSync(path.dirname(record));
      writeFileSync(record, JSON.stringify({ open: false, objects: [] }));
      writeFileSync(state, content);
      writeFileSync(`${state}.bak`, WHOLE);
      await recover();
      assert.deepEqual(JSON.parse(readFileSync(record, "utf8")), { open: true, objects: [] });
    });

    it(`goes on without a state where it is ${what} and has no whole backup`, async () => {
      writeFileSync(state, content);
      writeFileSync(`${state}.bak`, content);
      assert.match((await recover()).join(), /what exists is taken over/);
      assert.ok(!existsSync(state));
    });
  }
});

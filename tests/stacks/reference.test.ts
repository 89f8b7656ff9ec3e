import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { generatedFiles } from "../../scripts/schema.ts";
import { type JsonSchema, specJsonSchema } from "../../stacks/json-schema.ts";
import { loadStack } from "../../stacks/load.ts";
import { stackFileSchema } from "../../stacks/reference.ts";

const root = join(import.meta.dirname, "../..");

describe("what is made from the stack schema", () => {
  it("is current: run npm run schema if this fails", async () => {
    for (const [path, text] of await generatedFiles(root)) {
      assert.equal(await readFile(join(root, path), "utf8"), text, `${path} is not what stacks/schema.ts says`);
    }
  });

  it("describes every field", () => {
    const silent: string[] = [];
    const visit = (path: string, node: JsonSchema) => {
      for (const [field, child] of Object.entries(node.properties ?? {})) {
        if (child.description === undefined) silent.push(`${path}${field}`);
        visit(`${path}${field}.`, child);
      }
      for (const variant of node.oneOf ?? []) visit(path, variant);
      if (node.items !== undefined) visit(`${path}[].`, node.items);
    };
    visit("", specJsonSchema());
    assert.deepEqual(silent, []);
  });

  it("lets other namespaces be, but no key of ours that nobody reads", () => {
    const { properties } = stackFileSchema() as { properties: { config: { patternProperties: object } } };
    const [pattern = ""] = Object.keys(properties.config.patternProperties);
    assert.match("aws:region", new RegExp(pattern));
    assert.doesNotMatch("millwright:modles", new RegExp(pattern));
  });
});

describe("the stack of this machine", () => {
  it("is valid, and read within the time a user does not notice", async () => {
    const start = performance.now();
    const stack = await loadStack({ name: "local", repositoryRoot: root });
    const milliseconds = performance.now() - start;
    assert.deepEqual(
      stack.models.map(({ name }) => name),
      ["mail-triage", "digits", "digits-keras"],
    );
    // The target is 150 ms; a machine busy with other tests is allowed its share.
    assert.ok(milliseconds < 1000, `took ${milliseconds.toFixed(0)} ms`);
  });
});

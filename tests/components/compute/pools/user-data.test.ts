import assert from "node:assert/strict";
import { parse } from "yaml";
import { renderUserData } from "../../../../components/compute/pools/user-data.ts";

/** Not proven: that the machine does it. */
describe("user data of a machine", () => {
  /** The parts of a MIME document, by their type. */
  function parts(document: string): Record<string, string> {
    const boundary = /boundary="([^"]+)"/.exec(document)?.[1];
    assert.ok(boundary !== undefined && document.endsWith(`\n--${boundary}--\n`));
    const bodies = document.split(`--${boundary}`).slice(1, -1);
    return Object.fromEntries(
      bodies.map((body) => {
        const [head, ...rest] = body.trimStart().split("\n\n");
        return [/^Content-Type: ([^;\n]+)/.exec(head!)?.[1], rest.join("\n\n")];
      }),
    );
  }

  it("keeps huge pages of 2 MiB: 512 a GiB", () => {
    const { "text/x-shellscript": script } = parts(renderUserData({ hugepages2MiGiB: 10, localStorage: false })!);
    assert.match(script!, /^#!\/bin\/bash\nset -eu\necho "vm\.nr_hugepages = 5120" > /);
  });

  it("makes one volume of the machine's own disks", () => {
    const both = parts(renderUserData({ hugepages2MiGiB: 1, localStorage: true })!);
    assert.deepEqual(Object.keys(both), ["text/x-shellscript", "application/node.eks.aws"]);
    assert.deepEqual(parse(both["application/node.eks.aws"]!), {
      apiVersion: "node.eks.aws/v1alpha1",
      kind: "NodeConfig",
      spec: { instance: { localStorage: { strategy: "RAID0" } } },
    });
  });

  it("is left out where there is nothing to say", () => {
    assert.equal(renderUserData({ hugepages2MiGiB: 0, localStorage: false }), undefined);
  });
});

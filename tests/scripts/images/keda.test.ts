import assert from "node:assert/strict";
import { kedaImage } from "../../../scripts/images/keda.ts";
import { toolPath } from "../../../scripts/lib/roots.ts";
import { TOOLS } from "../../../scripts/toolchain/tools.ts";
import { autoscalerSchema } from "../../../stacks/schema.ts";

/** Not proven: the archive (archive.test.ts), and that docker and a registry take it. */
describe("KEDA's image", () => {
  it("holds the two programs where the pods look for them, run by no root", () => {
    const { reference, files, user } = kedaImage("127.0.0.1:5000/millwright/keda:2.21.0");
    assert.equal(reference, "127.0.0.1:5000/millwright/keda:2.21.0");
    assert.deepEqual(files, { "/keda": toolPath("keda"), "/keda-adapter": toolPath("keda", "keda-adapter") });
    assert.match(user, /^[1-9]\d*:[1-9]\d*$/);
  });

  it("is the one a stack asks for by default, of the version that is built", () => {
    const spec = autoscalerSchema.parse({ kind: "install" });
    assert.ok(spec.kind === "install" && spec.image.endsWith(`/keda:${TOOLS.keda.version}`));
  });
});

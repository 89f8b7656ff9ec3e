import { appendFileSync } from "node:fs";
import path from "node:path";
import { Engine } from "../../../scripts/converge/engine.ts";
import { recoverStack } from "../../../scripts/converge/recover.ts";
import { describeError } from "../../../scripts/lib/failure.ts";

// What `npm run up` does on a stack, as a process of its own that can be killed: recovery, then one run of the engine.
// Prints one line of JSON. Usage: node run.ts FOLDER STACK

const [folder = ".", stack = "dev"] = process.argv.slice(2);
const env = Object.fromEntries(
  Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
);
// What a user would find in logs and events is kept, since the tests look there for secrets.
const keep = (file: string, text: string) => appendFileSync(path.join(folder, "..", file), text);

try {
  const recovered = await recoverStack({ workDir: folder, stack, env });
  const engine = await Engine.open({
    repositoryRoot: folder,
    stackName: stack,
    stackFile: path.join(folder, `Pulumi.${stack}.yaml`),
    env,
    onEvent: (event) => keep("events.jsonl", `${JSON.stringify(event)}\n`),
    onOutput: (text) => keep("output.log", text),
    signal: new AbortController().signal,
    interrupted: () => false,
    onRepair: (sentence) => recovered.push(sentence),
    kubernetesOnly: true,
    cluster: async () => ({ kubeconfig: env["KUBECONFIG"] ?? "", context: "loop" }),
  });
  const { created, updated, replaced, deleted, drift } = await engine.up();
  process.stdout.write(`${JSON.stringify({ recovered, created, updated, replaced, deleted, drift })}\n`);
} catch (error) {
  process.stdout.write(`${JSON.stringify({ failure: describeError(error) })}\n`);
  process.exitCode = 1;
}

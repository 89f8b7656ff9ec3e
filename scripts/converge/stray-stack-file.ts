import { existsSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { parse } from "yaml";

/** What Pulumi writes into a stack file by itself. */
const PULUMI_FIELDS = ["encryptionsalt", "encryptedkey", "secretsprovider"];

/**
 * Removes what Pulumi leaves of a stack whose file lies elsewhere. Its commands that take no `--config-file` (`stack history`
 * after each run, `stack rm`) write how the state is encrypted into `stacks/Pulumi.<stack>.yaml`, where the next run would
 * take it for a stack without a platform. A file with anything else in it is the user's and is left alone.
 */
export function removeStrayStackFile(repositoryRoot: string, stackName: string, stackFile: string): void {
  const stray = path.join(repositoryRoot, "stacks", `Pulumi.${stackName}.yaml`);
  if (path.resolve(stackFile) === stray || !existsSync(stray)) {
    return;
  }
  const content: unknown = parse(readFileSync(stray, "utf8")) ?? {};
  if (typeof content === "object" && Object.keys(content as object).every((key) => PULUMI_FIELDS.includes(key))) {
    rmSync(stray);
  }
}

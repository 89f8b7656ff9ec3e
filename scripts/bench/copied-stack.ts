import { RECORD_LABEL } from "../../components/core/labels.ts";
import { clusterConnection, kubeconfigOf } from "../../components/lifecycle/cluster.ts";
import { parseRecord, recordList } from "../../components/lifecycle/records.ts";
import type { RunRecord } from "../../components/lifecycle/types.ts";
import { Failure } from "../lib/failure.ts";
import type { Report } from "../lib/report.ts";
import type { StackCopy } from "../lib/stack-copy.ts";

/** The platform of every copy, as far as reaching it goes. */
export const LOCAL = { cluster: { kind: "local" } } as const;

/** Does something with a copy of the stack and removes it, whatever came of it. */
export async function withStackCopy<T>(
  stack: StackCopy,
  report: Report,
  work: (stack: StackCopy) => Promise<T>,
): Promise<T> {
  let result: T;
  try {
    result = await work(stack);
  } catch (error) {
    // What went wrong first is what is told, whether or not the copy can be removed.
    await remove(stack, report).catch((failure: unknown) => report.line(String(failure)));
    throw error;
  }
  await remove(stack, report);
  return result;
}

function remove(stack: StackCopy, report: Report): Promise<void> {
  return report.step("remove the copy of the stack", async () => {
    const { code, stderr, stdout } = await stack.destroy();
    if (code !== 0) {
      throw new Failure(
        `The copy of the stack could not be removed: ${(stderr + stdout).slice(-1000)}`,
        "npm run down -- --purge removes it with everything else",
      );
    }
  });
}

/** Every record there is of the stack's runs. */
export async function recordsOf(stack: StackCopy): Promise<RunRecord[]> {
  const connection = await clusterConnection(kubeconfigOf(LOCAL));
  try {
    const path = `/api/v1/namespaces/${stack.namespace}/configmaps?labelSelector=${RECORD_LABEL}`;
    return recordList.parse(await connection.get(path)).items.map(parseRecord);
  } finally {
    connection.close();
  }
}

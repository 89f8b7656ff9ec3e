import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import type { AlertingRule } from "../../../components/monitoring/rules.ts";

const REPOSITORY = path.join(import.meta.dirname, "../../..");

/** What is wrong with the pages that say what to do about alerts. */
export function pageProblems(alerts: readonly AlertingRule[]): string[] {
  return alerts.flatMap(({ alert, annotations, labels }) => {
    const page = path.join(REPOSITORY, annotations["runbook"] ?? "");
    if (annotations["runbook"] !== `docs/runbooks/${alert}.md` || !existsSync(page)) {
      return [`${alert}: there is no ${page}`];
    }
    const text = readFileSync(page, "utf8");
    const wanted = [
      `# ${alert}\n`,
      `Severity: ${labels["severity"]}\n`,
      "## Meaning",
      "## Impact",
      "## Diagnosis",
      "## Mitigation",
    ];
    return wanted.filter((part) => !text.includes(part)).map((part) => `${page} has no ${part.trimEnd()}`);
  });
}

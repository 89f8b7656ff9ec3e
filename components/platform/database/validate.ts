import type { Problem } from "../../core/problem.ts";
import type { DatabaseArgs } from "./types.ts";

/** What is wrong with a database server. Paths start at its arguments. */
export function validateDatabase({
  databases,
  clients,
  passwordGeneration = 1,
}: Pick<DatabaseArgs, "databases" | "clients" | "passwordGeneration">): Problem[] {
  const problems: Problem[] = [];
  if (databases.length === 0) {
    problems.push({ path: "databases", message: "must name at least one database", value: databases });
  }
  for (const [index, database] of databases.entries()) {
    const path = `databases[${index}]`;
    if (!/^[a-z][a-z0-9_]{0,62}$/.test(database)) {
      const message = "must be 1 to 63 of a-z, 0-9 and '_', starting with a letter";
      problems.push({ path, message, value: database });
    } else if (/^(postgres|template[01]|pg_.*)$/.test(database)) {
      problems.push({ path, message: "must be a name that the server does not use itself", value: database });
    } else if (databases.indexOf(database) < index) {
      problems.push({ path, message: "must not be named twice", value: database });
    }
  }
  for (const [path, value] of Object.entries({ clients, passwordGeneration })) {
    if (!Number.isInteger(value) || value < 1) {
      problems.push({ path, message: "must be a whole number of at least 1", value });
    }
  }
  return problems;
}

import type { Problem } from "../core/problem.ts";
import { SCRAPE_SECONDS, SCRAPE_TIMEOUT_SECONDS } from "./defaults.ts";
import type { PrometheusArgs, WatchedModel } from "./types.ts";

/** Looks at a series that a window must hold, so that its growth is seen. */
const LEAST_SCRAPES = 4;

/** What is wrong with a Prometheus. Paths start at its arguments. */
export function validatePrometheus({ models, scrapeSeconds = SCRAPE_SECONDS }: PrometheusArgs): Problem[] {
  const problems = validateModels(models);
  if (!Number.isInteger(scrapeSeconds) || scrapeSeconds < SCRAPE_TIMEOUT_SECONDS) {
    const message = `must be a whole number of at least ${SCRAPE_TIMEOUT_SECONDS}, the seconds a target may take`;
    return [...problems, { path: "scrapeSeconds", message, value: scrapeSeconds }];
  }
  for (const [index, { watch }] of models.entries()) {
    for (const part of ["drift", "quality"] as const) {
      const value = watch[part]?.windowSeconds;
      if (value !== undefined && value < LEAST_SCRAPES * scrapeSeconds) {
        const path = `models[${index}].watch.${part}.windowSeconds`;
        const message = `must be at least ${LEAST_SCRAPES * scrapeSeconds}: ${LEAST_SCRAPES} times scrapeSeconds`;
        problems.push({ path, message, value });
      }
    }
  }
  return problems;
}

/** What is wrong with what is watched. */
export function validateModels(models: readonly WatchedModel[]): Problem[] {
  if (models.length === 0) {
    return [{ path: "models", message: "must name at least one model to look at", value: models }];
  }
  const names = models.map(({ name }) => name);
  return names.flatMap((name, index) =>
    names.indexOf(name) < index
      ? [{ path: `models[${index}].name`, message: "must not be named twice", value: name }]
      : [],
  );
}

import { stringify } from "yaml";
import { metricsServiceName } from "../serving/addresses.ts";
import { ROUTER_METRICS_PORT } from "../serving/defaults.ts";
import { serversServiceName, serviceHost } from "./addresses.ts";
import { renderOwnAlerts } from "./alerts.ts";
import { CONFIG_FILE, CONFIG_FOLDER, PROMETHEUS_PORT, SCRAPE_SECONDS, SCRAPE_TIMEOUT_SECONDS } from "./defaults.ts";
import { renderRules } from "./rules.ts";
import { metricsOf } from "./servers.ts";
import type { PrometheusArgs } from "./types.ts";

type ConfigArgs = Pick<PrometheusArgs, "artifacts" | "models" | "scrapeSeconds">;

/** Files of Prometheus' configuration, by name: where it looks, and what it makes of what it finds. Pure. */
export function renderConfigFiles(args: ConfigArgs): Readonly<Record<string, string>> {
  const rules = args.models.map((model) => [`${model.name}.rules.yml`, yaml(renderRules(model))] as const);
  return Object.fromEntries([
    [CONFIG_FILE, yaml(renderScraping(args))],
    // No model is called like this: its name has no dot.
    ["own.alerts.yml", yaml(renderOwnAlerts())],
    ...rules,
  ]);
}

/**
 * Routers and servers are found by the names of their headless Services, which stand for every pod: so Prometheus needs
 * no right in the cluster. A name that is not there yet is asked for again.
 */
function renderScraping({ artifacts: { namespace }, models, scrapeSeconds = SCRAPE_SECONDS }: ConfigArgs) {
  const found = (job: string, model: string, service: string, port: number, path = "/metrics") => ({
    job_name: `${job}-${model}`,
    ...(path === "/metrics" ? {} : { metrics_path: path }),
    // What a server says of itself counts: it knows its version.
    honor_labels: true,
    dns_sd_configs: [
      {
        names: [serviceHost(service, namespace)],
        type: "A",
        port,
        refresh_interval: `${scrapeSeconds}s`,
      },
    ],
    relabel_configs: [
      { target_label: "model", replacement: model },
      { target_label: "job", replacement: job },
    ],
  });
  return {
    global: {
      scrape_interval: `${scrapeSeconds}s`,
      scrape_timeout: `${SCRAPE_TIMEOUT_SECONDS}s`,
      evaluation_interval: `${scrapeSeconds}s`,
    },
    rule_files: [`${CONFIG_FOLDER}/*.rules.yml`, `${CONFIG_FOLDER}/*.alerts.yml`],
    scrape_configs: [
      { job_name: "prometheus", static_configs: [{ targets: [`127.0.0.1:${PROMETHEUS_PORT}`] }] },
      ...models.flatMap((model) => {
        const { name } = model;
        const servers = metricsOf(model);
        return [
          found("routers", name, metricsServiceName(name), ROUTER_METRICS_PORT),
          ...(servers === undefined
            ? []
            : [found("servers", name, serversServiceName(name), servers.port, servers.path)]),
        ];
      }),
    ],
  };
}

function yaml(value: unknown): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
}

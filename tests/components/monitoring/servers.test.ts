import assert from "node:assert/strict";
import { parse } from "yaml";
import { renderConfigFiles } from "../../../components/monitoring/config.ts";
import { renderServersService } from "../../../components/monitoring/render.ts";
import { renderRules } from "../../../components/monitoring/rules.ts";
import { engineSchema } from "../../../stacks/engines.ts";
import { EXAMPLES, IMAGE, KINDS } from "../catalog/engines.ts";
import { ARGS, DIGITS } from "./fixtures.ts";

/** What Prometheus asks the servers of each engine. That it finds them is proved for MLServer alone. */

interface Scraped {
  readonly job_name: string;
  readonly metrics_path?: string;
  readonly dns_sd_configs?: readonly { readonly port: number }[];
}

const SILENT = engineSchema.parse({ kind: "custom", image: IMAGE, port: 9000, readyPath: "/", livePath: "/" });

function scraped(engine: (typeof EXAMPLES)[keyof typeof EXAMPLES]): Scraped | undefined {
  const files = renderConfigFiles({ ...ARGS, models: [{ ...DIGITS, engine }] });
  const { scrape_configs } = parse(files["prometheus.yml"]!) as { scrape_configs: Scraped[] };
  return scrape_configs.find(({ job_name }) => job_name === "servers-digits");
}

const slowest = (engine: (typeof EXAMPLES)[keyof typeof EXAMPLES]) =>
  renderRules({ ...DIGITS, engine }).groups[0]!.rules.find(
    (rule) => "record" in rule && rule.record === "millwright:latency_seconds:p99_5m",
  )?.expr;

describe("what Prometheus asks of servers", () => {
  it("is asked where the engine tells it", () => {
    const found = KINDS.map((kind) => {
      const job = scraped(EXAMPLES[kind]);
      return [kind, job?.dns_sd_configs?.[0]?.port, job?.metrics_path];
    });
    assert.deepEqual(found, [
      ["mlserver", 8082, undefined],
      ["triton", 8002, undefined],
      ["tensorflow-serving", 8501, "/monitoring/prometheus/metrics"],
      ["vllm", 8000, undefined],
      ["custom", 9100, "/stats"],
    ]);
  });

  it("is nothing where a server tells nothing", () => {
    assert.equal(scraped(SILENT), undefined);
    assert.equal(renderServersService({ ...DIGITS, engine: SILENT }, ARGS), undefined);
    assert.equal(slowest(SILENT), undefined);
  });

  it("is the slowest requests' seconds, in the engine's own words and unit", () => {
    const p99 = (series: string) => `histogram_quantile(0.99, sum by (model, le) (rate(${series}[5m])))`;
    assert.deepEqual(
      KINDS.map((kind) => slowest(EXAMPLES[kind])),
      [
        p99('rest_server_request_duration_seconds_bucket{model="digits",path="/v2/models/{model_name}/infer"}'),
        undefined,
        `${p99(':tensorflow:serving:request_latency_bucket{model="digits"}')} / 1000000`,
        p99('vllm:e2e_request_latency_seconds_bucket{model="digits"}'),
        p99('request_seconds_bucket{model="digits"}'),
      ],
    );
  });

  it("is MLServer's where no engine is named", () => {
    assert.deepEqual(
      renderServersService(DIGITS, ARGS),
      renderServersService({ ...DIGITS, engine: EXAMPLES.mlserver }, ARGS),
    );
  });
});

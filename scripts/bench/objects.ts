/** A Kubernetes object as it is applied. */
export interface PlainObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Record<string, string> };
  readonly data?: Readonly<Record<string, string>>;
}

/** What is applied in one step: `count` ConfigMaps, one of them with another value if `changed`. */
export interface Workload {
  readonly namespace: string;
  readonly count: number;
  readonly changed: boolean;
}

/** The objects of a workload, in one order; both sides apply exactly these. */
export function configMaps({ namespace, count, changed }: Workload): PlainObject[] {
  return Array.from({ length: count }, (_item, index) => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: {
      name: `plain-${String(index).padStart(5, "0")}`,
      namespace,
      labels: { "app.kubernetes.io/name": "bench", "app.kubernetes.io/part-of": "millwright" },
    },
    data: { index: String(index), note: changed && index === 0 ? "changed" : "as it was", filler: "x".repeat(64) },
  }));
}

/** One YAML document a line of JSON, which is YAML. */
export function manifest(objects: readonly PlainObject[]): string {
  return objects.map((object) => `${JSON.stringify(object)}\n---\n`).join("");
}

/** A Pulumi program that declares the objects of the file `objects.json` beside it. */
export const PROGRAM = `import { readFileSync } from "node:fs";
import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap.js";
import { Provider } from "@pulumi/kubernetes/provider.js";

// A change is made in place, as kubectl does; the default would replace the object.
const provider = new Provider("cluster", { kubeconfig: process.env.KUBECONFIG, enableConfigMapMutable: true });
for (const { metadata, data } of JSON.parse(readFileSync("objects.json", "utf8"))) {
  new ConfigMap(metadata.name, { metadata, data }, { provider });
}
`;

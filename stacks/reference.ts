import { describeAllowed } from "./allowed.ts";
import { type JsonSchema, specJsonSchema } from "./json-schema.ts";

/**
 * The JSON Schema of a whole stack file, for editors. Everything Pulumi itself or another namespace may keep there is
 * allowed; under `millwright:` only what the program reads.
 */
export function stackFileSchema(): object {
  const { properties = {} } = specJsonSchema();
  const own = Object.entries(properties).map(([field, node]) => [`millwright:${field}`, forEditors(node)] as const);
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "A Millwright stack",
    type: "object",
    required: ["config"],
    properties: {
      config: {
        type: "object",
        required: own.map(([key]) => key),
        properties: Object.fromEntries(own),
        patternProperties: { "^(?!millwright:)[^:]+:.+$": true },
        additionalProperties: false,
      },
      encryptionsalt: { type: "string" },
      encryptedkey: { type: "string" },
      secretsprovider: { type: "string" },
      environment: true,
    },
    additionalProperties: false,
  };
}

/** Says what a pattern asks for in the way editors know it. */
function forEditors(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(forEditors);
  }
  if (value === null || typeof value !== "object") {
    return value;
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) =>
      key === "allowed" ? ["patternErrorMessage", `must be ${String(member)}`] : [key, forEditors(member)],
    ),
  );
}

/** The reference of every field, in Markdown: one table for each of the top-level fields and of a model's parts. */
export function referenceTables(): string {
  const fields = specJsonSchema().properties ?? {};
  const model = itemsOf(fields, "models");
  const isPart = ([, node]: [string, JsonSchema]) => node.type === "object" && node.properties !== undefined;
  const parts = Object.entries(model.properties ?? {});
  const own = Object.fromEntries(parts.filter((part) => !isPart(part)));
  return [
    table("millwright:platform", memberNode(fields, "platform")),
    table("millwright:pools[]", itemsOf(fields, "pools")),
    table("millwright:scheduling", memberNode(fields, "scheduling")),
    table("millwright:models[]", { ...model, properties: own }),
    ...parts.filter(isPart).map(([field, node]) => table(`millwright:models[].${field}`, node)),
    table("millwright:endpoints[]", itemsOf(fields, "endpoints")),
    table("millwright:simulation", memberNode(fields, "simulation")),
  ].join("\n");
}

function memberNode(fields: Readonly<Record<string, JsonSchema>>, field: string): JsonSchema {
  const node = fields[field];
  if (node === undefined) {
    throw new Error(`the stack schema has no ${field}; adapt referenceTables to it`);
  }
  return node;
}

function itemsOf(fields: Readonly<Record<string, JsonSchema>>, field: string): JsonSchema {
  const { items } = memberNode(fields, field);
  if (items === undefined) {
    throw new Error(`${field} is no list in the stack schema; adapt referenceTables to it`);
  }
  return items;
}

function table(title: string, node: JsonSchema): string {
  const head = ["| field | must be | default | |", "| --- | --- | --- | --- |"];
  return [`### ${title}`, "", node.description ?? "", "", ...head, ...rowsBelow("", node), ""].join("\n");
}

function rowsBelow(prefix: string, node: JsonSchema): string[] {
  const required = node.required ?? [];
  return Object.entries(node.properties ?? {}).flatMap(([field, child]) => [
    row(`${prefix}${field}`, field, child, required.includes(field)),
    ...rowsOfKinds(`${prefix}${field}.`, child),
    ...(child.items === undefined ? [] : rowsOfKinds(`${prefix}${field}[].`, child.items)),
  ]);
}

function rowsOfKinds(prefix: string, node: JsonSchema): string[] {
  return [...(node.oneOf ?? []).flatMap((variant) => rowsBelow(prefix, variant)), ...rowsBelow(prefix, node)];
}

function row(path: string, field: string, node: JsonSchema, required: boolean): string {
  const fallback = node.default === undefined ? (required ? "required" : "") : `\`${JSON.stringify(node.default)}\``;
  const isObject = node.properties !== undefined;
  const allowed = isObject ? "an object" : describeAllowed(node, field);
  const cells = [`\`${path}\``, allowed, node.const === undefined ? fallback : "", node.description ?? ""];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

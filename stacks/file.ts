import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import type { Problem } from "../components/core/problem.ts";
import { memberOf } from "./json-schema.ts";

/** Where Pulumi keeps our values, and what the schema calls them: `millwright:models` is `models`. */
const NAMESPACE = "millwright:";

/** What stands below it. */
const OWN_FIELDS = ["platform", "pools", "scheduling", "models", "endpoints", "simulation"];

/** What a Pulumi stack file may hold beside `config`. */
const PULUMI_FIELDS = ["encryptionsalt", "encryptedkey", "secretsprovider", "environment"];

/** A stack's values as written, before the schema has judged them. */
export interface RawStack {
  /** `{platform, models}` and whatever else stands under `millwright:`. */
  readonly raw: Readonly<Record<string, unknown>>;
  /** What is wrong around these values. */
  readonly problems: readonly Problem[];
  /** The line a path leads to, from 1, or that of the nearest thing around it. */
  readonly lineOf?: (path: string) => number | undefined;
}

/**
 * Reads configuration as Pulumi's engine gives it: a map of full keys to values, objects as JSON text. Keys of other
 * namespaces are left alone.
 */
export function fromConfig(config: Readonly<Record<string, string>>): RawStack {
  const values = Object.entries(config).map(([key, value]): [string, unknown] => [key, parseJson(value)]);
  return { raw: ownValues(values), problems: [] };
}

/** A value that is no JSON is one Pulumi gives as plain text; the schema says what should stand there. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) {
      return text;
    }
    throw error;
  }
}

/** Reads the text of a stack file. A text that is no YAML is one problem with its line. */
export function fromYaml(text: string): RawStack {
  const lines = new LineCounter();
  // Pulumi reads the same file with Go's YAML, which follows merge keys.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true, logLevel: "error" });
  const [error] = document.errors;
  if (error !== undefined) {
    const reason =
      error.code === "MULTIPLE_DOCS" ? "a stack file holds one document, without '---' in between" : error.message;
    return unreadable(reason, lines.linePos(error.pos[0]).line);
  }
  let content: unknown;
  try {
    content = document.toJS();
  } catch (error) {
    // An alias that multiplies beyond all bounds, or a merge of what is no map: wrong with the file, not with us.
    return unreadable(error instanceof Error ? error.message : String(error));
  }
  const lineOf = (segments: readonly string[]) => findLine(document.contents, document, lines, segments);
  return {
    raw: ownValues(Object.entries(asObject(memberOf(content, "config")))),
    problems: surroundingProblems(content).map(({ segments, ...problem }) => withLine(problem, lineOf(segments))),
    lineOf: (path) => lineOf(segmentsInFile(path)),
  };
}

function unreadable(reason: string, line?: number): RawStack {
  return { raw: {}, problems: [withLine({ path: "", message: `is not valid YAML: ${reason}.` }, line)] };
}

function withLine(problem: Problem, line: number | undefined): Problem {
  return line === undefined ? problem : { ...problem, line };
}

function ownValues(entries: readonly [string, unknown][]): Record<string, unknown> {
  return Object.fromEntries(
    entries.flatMap(([key, value]) => (key.startsWith(NAMESPACE) ? [[key.slice(NAMESPACE.length), value]] : [])),
  );
}

/** What is wrong outside of our values: nothing of ours may be lost by standing in the wrong place. */
function surroundingProblems(content: unknown): (Problem & { segments: string[] })[] {
  if (content === null || typeof content !== "object" || Array.isArray(content)) {
    return [
      { path: "", segments: [], message: `must be an object with the field config.`, value: content ?? undefined },
    ];
  }
  const unknownFields = Object.keys(content).filter((field) => field !== "config" && !PULUMI_FIELDS.includes(field));
  const config = memberOf(content, "config");
  return [
    ...unknownFields.map((field) => ({
      path: field,
      segments: [field],
      message: isOurs(field)
        ? `must stand under config, as ${qualified(field)}.`
        : `is not a known field of a stack file; the fields are config, ${PULUMI_FIELDS.join(", ")}.`,
    })),
    ...(config === undefined || config === null || isObject(config)
      ? []
      : [{ path: "config", segments: ["config"], message: "must be an object.", value: config }]),
    ...Object.keys(asObject(config))
      .filter((key) => !key.includes(":"))
      .map((key) => ({
        path: `config.${key}`,
        segments: ["config", key],
        message: isOurs(key)
          ? `must be written ${qualified(key)}.`
          : "must have a namespace, as in millwright:platform.",
      })),
  ];
}

function isOurs(field: string): boolean {
  return OWN_FIELDS.includes(field.replace(NAMESPACE, ""));
}

function qualified(field: string): string {
  return field.startsWith(NAMESPACE) ? field : `${NAMESPACE}${field}`;
}

function isObject(value: unknown): value is object {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

function asObject(value: unknown): object {
  return isObject(value) ? value : {};
}

/** `models[0].name` is found in the file at `config`, `millwright:models`, `0`, `name`. */
function segmentsInFile(path: string): string[] {
  const [first, ...rest] = path.match(/[^.[\]]+/g) ?? [];
  return first === undefined ? [] : ["config", `${NAMESPACE}${first}`, ...rest];
}

type YamlDocument = ReturnType<typeof parseDocument>;

function findLine(
  root: Node | null,
  document: YamlDocument,
  lines: LineCounter,
  path: readonly string[],
): number | undefined {
  let node: unknown = root;
  let line: number | undefined;
  for (const segment of path) {
    const container = isAlias(node) ? node.resolve(document) : node;
    let start: number | undefined;
    if (isMap(container)) {
      const pair = container.items.find(({ key }) => isScalar(key) && String(key.value) === segment);
      start = isScalar(pair?.key) ? pair.key.range?.[0] : undefined;
      node = pair?.value;
    } else if (isSeq(container)) {
      node = container.items[Number(segment)];
      start = (node as Node | undefined)?.range?.[0];
    }
    if (start === undefined) {
      return line;
    }
    line = lines.linePos(start).line;
  }
  return line;
}

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { gunzipSync } from "node:zlib";

/** A shape of one of AWS's API models, as botocore writes them down. */
interface Shape {
  readonly type: string;
  readonly required?: readonly string[];
  readonly members?: Readonly<Record<string, { readonly shape: string }>>;
  readonly member?: { readonly shape: string };
  readonly key?: { readonly shape: string };
  readonly value?: { readonly shape: string };
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly min?: number;
  readonly max?: number;
}

interface ServiceModel {
  readonly operations: Readonly<Record<string, { readonly input?: { readonly shape: string } }>>;
  readonly shapes: Readonly<Record<string, Shape>>;
}

/** One call of an API with what it would be sent. */
export interface Request {
  readonly service: string;
  readonly operation: string;
  /** Members by their names in the API. */
  readonly input: Readonly<Record<string, unknown>>;
}

export interface Verdict {
  /** How many rules of the model were held against the request. */
  readonly checks: number;
  readonly problems: readonly string[];
}

/** The descriptions of AWS's APIs. */
export class ApiModels {
  readonly #folder: string;
  readonly #services = new Map<string, ServiceModel>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Whether the API has an operation, by the name IAM's actions have too. */
  hasOperation(service: string, operation: string): boolean {
    return operation in this.#service(service).operations;
  }

  /** Holds a request against the operation's input: members, required ones, types, choices, patterns, lengths, ranges. */
  judge({ service, operation, input }: Request): Verdict {
    const model = this.#service(service);
    const shape = model.operations[operation]?.input?.shape;
    assert.ok(shape !== undefined, `${service} has no operation ${operation} with an input`);
    const judge = new Judge(model);
    judge.value(shape, input, operation);
    return { checks: judge.checks, problems: judge.problems };
  }

  /** Members and their shapes of what an operation is sent. */
  membersOf(service: string, operation: string): readonly string[] {
    const model = this.#service(service);
    return Object.keys(model.shapes[model.operations[operation]?.input?.shape ?? ""]?.members ?? {});
  }

  /** Brings values into an operation's form: see {@link shaped}. */
  shaped(service: string, operation: string, input: object): Readonly<Record<string, unknown>> {
    const model = this.#service(service);
    const shape = model.operations[operation]?.input?.shape;
    assert.ok(shape !== undefined, `${service} has no operation ${operation} with an input`);
    return shaped(model, shape, input) as Record<string, unknown>;
  }

  #service(service: string): ServiceModel {
    const known = this.#services.get(service);
    if (known !== undefined) {
      return known;
    }
    const folder = path.join(this.#folder, service);
    // Folders are dates; the newest is what clients use.
    const newest = readdirSync(folder).sort().at(-1);
    assert.ok(newest);
    const model = JSON.parse(
      gunzipSync(readFileSync(path.join(folder, newest, "service-2.json.gz"))).toString("utf8"),
    ) as ServiceModel;
    this.#services.set(service, model);
    return model;
  }
}

/**
 * A value of the provider's in the form that the API has it in: names of members by their letters alone (`subnetIds` is
 * `SubnetIds`), one block for a list of at most one, a map of tags for a list of pairs, text for numbers and the like. What it
 * does not know it leaves, and the model refuses it.
 */
function shaped(model: ServiceModel, name: string, value: unknown): unknown {
  const shape = model.shapes[name];
  assert.ok(shape);
  switch (shape.type) {
    case "structure": {
      const members = shape.members ?? {};
      if (!isObject(value)) {
        // EC2 puts single values into a frame of their own.
        return Object.keys(members).join() === "Value" ? { Value: value } : value;
      }
      return Object.fromEntries(
        Object.entries(value).map(([key, member]) => {
          const found = memberFor(Object.keys(members), key);
          return found === undefined ? [key, member] : [found, shaped(model, members[found]!.shape, member)];
        }),
      );
    }
    case "list": {
      const item = shape.member!.shape;
      if (Array.isArray(value)) {
        return value.map((each) => shaped(model, item, each));
      }
      const pair = Object.keys(model.shapes[item]?.members ?? {});
      const [key, content] = [
        pair.find((member) => /key$/i.test(member)),
        pair.find((member) => /value$/i.test(member)),
      ];
      if (isObject(value) && pair.length === 2 && key !== undefined && content !== undefined) {
        return Object.entries(value).map(([tag, text]) => ({ [key]: tag, [content]: text }));
      }
      return [shaped(model, item, value)];
    }
    case "boolean":
      return value === "true" ? true : value === "false" ? false : value;
    case "integer":
    case "long":
      return typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value;
    default:
      return value;
  }
}

/** Singular and plural are one name: providers write what APIs have as `SecurityGroupId` or `Subnets` either way. */
function memberFor(members: readonly string[], key: string): string | undefined {
  const bare = (name: string) => name.toLowerCase().replace(/s$/, "");
  return (
    members.find((member) => member.toLowerCase() === key.toLowerCase()) ??
    members.find((member) => bare(member) === bare(key))
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

class Judge {
  checks = 0;
  readonly problems: string[] = [];
  readonly #model: ServiceModel;

  constructor(model: ServiceModel) {
    this.#model = model;
  }

  value(name: string, value: unknown, at: string): void {
    const shape = this.#model.shapes[name];
    assert.ok(shape, `the model has no shape ${name}`);
    switch (shape.type) {
      case "structure":
        if (this.#check(isObject(value), `${at}: must be a structure`)) this.#structure(shape, value, at);
        break;
      case "list":
        if (this.#check(Array.isArray(value), `${at}: must be a list`)) {
          this.#range(shape, (value as unknown[]).length, `${at}: number of items`);
          for (const [index, item] of (value as unknown[]).entries()) {
            this.value(shape.member!.shape, item, `${at}[${index}]`);
          }
        }
        break;
      case "map":
        if (this.#check(isObject(value), `${at}: must be a map`)) {
          for (const [key, item] of Object.entries(value as object)) {
            this.value(shape.key!.shape, key, `${at} key`);
            this.value(shape.value!.shape, item, `${at}.${key}`);
          }
        }
        break;
      case "string":
        if (this.#check(typeof value === "string", `${at}: must be text, not ${typeof value}`)) {
          this.#text(shape, value as string, at);
        }
        break;
      case "integer":
      case "long":
        if (this.#check(Number.isInteger(value), `${at}: must be a whole number, not ${JSON.stringify(value)}`)) {
          this.#range(shape, value as number, at);
        }
        break;
      case "boolean":
        this.#check(typeof value === "boolean", `${at}: must be true or false, not ${JSON.stringify(value)}`);
        break;
      case "blob":
        this.#check(typeof value === "string", `${at}: must be text`);
        break;
      default:
        assert.fail(`${at}: no judge for the type ${shape.type}`);
    }
  }

  #structure({ members = {}, required = [] }: Shape, value: unknown, at: string): void {
    const given = value as Record<string, unknown>;
    for (const name of required) {
      this.#check(given[name] !== undefined, `${at}: ${name} is required`);
    }
    for (const [key, item] of Object.entries(given)) {
      const member = members[key];
      if (this.#check(member !== undefined, `${at}: has no member ${key}`) && member !== undefined) {
        this.value(member.shape, item, `${at}.${key}`);
      }
    }
  }

  #text(shape: Shape, value: string, at: string): void {
    this.#range(shape, value.length, `${at}: length`);
    if (shape.enum !== undefined) {
      this.#check(shape.enum.includes(value), `${at}: ${value} is none of ${shape.enum.join(", ")}`);
    }
    if (shape.pattern !== undefined) {
      this.#check(matches(shape.pattern, value), `${at}: ${JSON.stringify(value)} is not ${shape.pattern}`);
    }
  }

  #range({ min, max }: Shape, value: number, at: string): void {
    if (min !== undefined) this.#check(value >= min, `${at}: ${value} is below ${min}`);
    if (max !== undefined) this.#check(value <= max, `${at}: ${value} is above ${max}`);
  }

  #check(holds: boolean, problem: string): boolean {
    this.checks += 1;
    if (!holds) {
      this.problems.push(problem);
    }
    return holds;
  }
}

/**
 * A pattern of an API is for the whole text. Those with Unicode's classes, or with characters beyond the first plane as two
 * halves, need the flag that others break on.
 */
function matches(pattern: string, value: string): boolean {
  const whole = `^(?:${pattern})$`;
  return new RegExp(whole, /\\p\{|\\x\{|\\u\{|\\uD800\\uDC00/.test(pattern) ? "su" : "s").test(value);
}

import { join } from "node:path";
import { isObject, isUnknown, type Json, type JsonObject, plain } from "../lib/values.ts";
import { imageReference } from "./reference.ts";

/** A `docker.Image` as the program declares it, without wrappers of secrets, with defaults. */
export interface ImageSpec {
  /** `[registry/]repository[:tag]`. */
  readonly imageName: string;
  readonly skipPush: boolean;
  readonly buildOnPreview: boolean;
  readonly build: BuildSpec;
  readonly registry: { readonly server: string; readonly username: string; readonly password: string };
}

export interface BuildSpec {
  readonly context: string;
  readonly dockerfile: string;
  readonly args: Readonly<Record<string, string>>;
  readonly target?: string;
  readonly platform?: string;
  /** @default "host": the machine's dockerd may run without a bridge */
  readonly network: string;
  readonly addHosts: readonly string[];
  readonly cacheFrom: readonly string[];
  readonly buildKit: boolean;
}

/** What is wrong with one property. */
export interface Problem {
  readonly property: string;
  readonly reason: string;
}

const IMAGE_FIELDS = new Set(["build", "buildOnPreview", "imageName", "registry", "skipPush"]);
const BUILD_FIELDS = new Set([
  "addHosts",
  "args",
  "builderVersion",
  "cacheFrom",
  "context",
  "contextDigest",
  "dockerfile",
  "network",
  "platform",
  "target",
]);

/** Reads an image's inputs; unknown values (in a preview) count as right. Every problem is returned, not only the first. */
export function readImage(inputs: JsonObject): { readonly image: ImageSpec; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const values = plain(inputs) as JsonObject;
  const report = (property: string, reason: string): void => {
    problems.push({ property, reason });
  };
  const reader = new Reader(values, "", report, IMAGE_FIELDS);
  const build = reader.object("build", BUILD_FIELDS);
  const registry = reader.object("registry", new Set(["server", "username", "password"]));
  const context = build.text("context") ?? ".";
  const builder = build.text("builderVersion");
  if (builder !== undefined && !isUnknown(builder) && builder !== "BuilderV1" && builder !== "BuilderBuildKit") {
    report("build.builderVersion", `${JSON.stringify(builder)} must be "BuilderV1" or "BuilderBuildKit"`);
  }
  const imageName = reader.text("imageName") ?? "";
  const skipPush = reader.flag("skipPush");
  if (!isUnknown(imageName)) {
    const reference = imageReference(imageName);
    if (reference === undefined)
      report("imageName", `${JSON.stringify(imageName)} must be repository[:tag] in lower case`);
    else if (reference.registry === undefined && !skipPush) {
      report(
        "imageName",
        `${JSON.stringify(imageName)} must name the registry it is pushed to, e.g. 127.0.0.1:5000/${imageName}`,
      );
    }
  }
  const target = build.text("target");
  const platform = build.text("platform");
  return {
    image: {
      imageName,
      skipPush,
      buildOnPreview: reader.flag("buildOnPreview"),
      build: {
        context,
        dockerfile: build.text("dockerfile") ?? join(context, "Dockerfile"),
        args: build.texts("args"),
        ...(target === undefined ? {} : { target }),
        ...(platform === undefined ? {} : { platform }),
        network: build.text("network") ?? "host",
        addHosts: build.list("addHosts"),
        cacheFrom: build.object("cacheFrom", new Set(["images"])).list("images"),
        buildKit: builder === "BuilderBuildKit",
      },
      registry: {
        server: registry.text("server") ?? "",
        username: registry.text("username") ?? "",
        password: registry.text("password") ?? "",
      },
    },
    problems,
  };
}

/** Reads typed fields of one object and reports what is not as it must be. */
class Reader {
  readonly #values: JsonObject;
  readonly #path: string;
  readonly #report: (property: string, reason: string) => void;

  constructor(
    values: JsonObject,
    path: string,
    report: (property: string, reason: string) => void,
    known: ReadonlySet<string>,
  ) {
    this.#values = values;
    this.#path = path;
    this.#report = report;
    for (const name of Object.keys(values)) {
      if (!known.has(name) && !name.startsWith("__")) {
        report(this.#at(name), `is not a field the stand-in knows; known are ${[...known].join(", ")}`);
      }
    }
  }

  text(name: string): string | undefined {
    return this.#typed(name, "a string", (value) => (typeof value === "string" ? value : undefined));
  }

  flag(name: string): boolean {
    const value = this.#values[name];
    if (isUnknown(value)) return false;
    return this.#typed(name, "true or false", (item) => (typeof item === "boolean" ? item : undefined)) ?? false;
  }

  list(name: string): readonly string[] {
    if (isUnknown(this.#values[name])) return [];
    return this.#typed(name, "a list of strings", (value) => (isStrings(value) ? value : undefined)) ?? [];
  }

  texts(name: string): Readonly<Record<string, string>> {
    if (isUnknown(this.#values[name])) return {};
    const isTexts = (value: Json): value is Record<string, string> =>
      isObject(value) && Object.values(value).every((item) => typeof item === "string");
    return this.#typed(name, "an object of strings", (value) => (isTexts(value) ? value : undefined)) ?? {};
  }

  object(name: string, known: ReadonlySet<string>): Reader {
    const value = this.#values[name];
    const empty = new Reader({}, this.#at(name), this.#report, known);
    if (isUnknown(value)) return empty;
    const object = this.#typed(name, "an object", (item) => (isObject(item) ? item : undefined));
    return object === undefined ? empty : new Reader(object, this.#at(name), this.#report, known);
  }

  #typed<T>(name: string, expected: string, read: (value: Json) => T | undefined): T | undefined {
    const value = this.#values[name];
    if (value === undefined || value === null) return undefined;
    const found = read(value);
    if (found === undefined) this.#report(this.#at(name), `${JSON.stringify(value)} must be ${expected}`);
    return found;
  }

  #at(name: string): string {
    return this.#path === "" ? name : `${this.#path}.${name}`;
  }
}

function isStrings(value: Json): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

import { ApiError, isNotFound } from "./apiError.ts";
import { apiVersionOf, type GroupVersionKind, kindKey } from "./kinds.ts";
import type { RestClient } from "./rest.ts";
import { at, type JsonObject, listAt, objectAt, textAt } from "./values.ts";

/** Where the objects of a kind live in the API. */
export interface ApiResource extends GroupVersionKind {
  readonly plural: string;
  readonly namespaced: boolean;
}

/** The URL path of an object, or of the collection when `name` is not given. */
export function apiPath(resource: ApiResource, namespace: string | undefined, name?: string): string {
  const root = resource.group === "" ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  const scope = resource.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : "";
  return `${root}${scope}/${resource.plural}${name === undefined ? "" : `/${encodeURIComponent(name)}`}`;
}

/** What the API server serves, asked for one group and version at a time and remembered. */
export class Discovery {
  private readonly client: RestClient;
  private readonly versions = new Map<string, Promise<readonly ApiResource[]>>();
  private readonly announced = new Map<string, boolean>();

  constructor(client: RestClient) {
    this.client = client;
  }

  /**
   * @returns undefined when the server answered that it has no such kind
   * @throws ApiError, Unreachable when it did not say
   */
  async find(kind: GroupVersionKind, signal?: AbortSignal): Promise<ApiResource | undefined> {
    const key = apiVersionOf(kind);
    let listed = this.versions.get(key);
    if (listed === undefined) {
      listed = this.list(kind, signal);
      this.versions.set(key, listed);
      listed.then(
        (resources) => resources.length === 0 && this.versions.delete(key),
        () => this.versions.delete(key),
      );
    }
    const found = (await listed).find((resource) => resource.kind === kind.kind);
    // A kind may have been added to a group since it was listed; whoever asks again gets a fresh answer.
    if (found === undefined) this.versions.delete(key);
    return found;
  }

  /** Remembers the scope of a kind whose definition the program declares but the server does not have yet. */
  announce(definition: JsonObject): void {
    const group = textAt(definition, "spec", "group") ?? "";
    const kind = textAt(definition, "spec", "names", "kind") ?? "";
    for (const version of listAt(definition, "spec", "versions")) {
      const key = kindKey({ group, version: textAt(version, "name") ?? "", kind });
      this.announced.set(key, textAt(definition, "spec", "scope") !== "Cluster");
    }
  }

  /** Whether objects of the kind lie in namespaces; kinds nobody knows yet are assumed to. */
  async isNamespaced(kind: GroupVersionKind): Promise<boolean> {
    return (await this.find(kind))?.namespaced ?? this.announced.get(kindKey(kind)) ?? true;
  }

  forget(): void {
    this.versions.clear();
  }

  /**
   * Whether no object of the kind can exist any more, because its definition is gone. Anything short of a definite answer is an
   * error: unknown is not absent.
   *
   * @throws Error when the kind exists but not in the version asked for, or when the server did not say
   */
  async isGone(kind: GroupVersionKind): Promise<boolean> {
    if ((await this.find(kind)) !== undefined) return false;
    for (const version of await this.versionsOf(kind.group)) {
      if ((await this.find({ ...kind, version })) !== undefined) {
        throw new Error(
          `${kindKey(kind)} is no longer served, but ${kind.group}/${version} ${kind.kind} is: its objects still exist. ` +
            "Change the program to that version.",
        );
      }
    }
    const definitions = await this.client.request("GET", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions");
    const defined = listAt(definitions.body, "items").some(
      (item) => textAt(item, "spec", "group") === kind.group && textAt(item, "spec", "names", "kind") === kind.kind,
    );
    if (defined) throw new Error(`${kindKey(kind)} is defined but not served (yet); try again in a moment`);
    return true;
  }

  private async list(kind: GroupVersionKind, signal: AbortSignal | undefined): Promise<readonly ApiResource[]> {
    const root = kind.group === "" ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
    try {
      const { body } = await this.client.request("GET", root, signal && { signal });
      return listAt(body, "resources").flatMap((entry) => {
        const plural = textAt(entry, "name") ?? "";
        const served = { group: kind.group, version: kind.version, kind: textAt(entry, "kind") ?? "" };
        return plural.includes("/") ? [] : [{ ...served, plural, namespaced: at(entry, "namespaced") === true }];
      });
    } catch (error) {
      if (isNotFound(error)) return [];
      throw error;
    }
  }

  private async versionsOf(group: string): Promise<string[]> {
    if (group === "") return [];
    try {
      const { body } = await this.client.request("GET", `/apis/${group}`);
      return listAt(objectAt(body), "versions").map((version) => textAt(version, "version") ?? "");
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return [];
      throw error;
    }
  }
}

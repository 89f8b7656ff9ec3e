import { clusterIdentity, KubeconfigProblem, type KubeconfigSource, loadKubeconfig } from "./kubeconfig.ts";
import { isUnknown, type JsonObject } from "./values.ts";

/** The provider's settings; booleans are all off by default. */
export interface Configuration extends KubeconfigSource {
  /** Empty for the context's own. */
  readonly namespace: string;
  readonly enablePatchForce: boolean;
  readonly enableConfigMapMutable: boolean;
  readonly enableSecretMutable: boolean;
  readonly upsertExistingObjects: boolean;
}

/** A setting that cannot be used, and why. */
export interface ConfigurationProblem {
  readonly property: string;
  readonly reason: string;
}

/** Settings only the official plugin has, each with the value that means "not used". */
const unsupported: Readonly<Record<string, readonly string[]>> = {
  alwaysRender: ["", "false"],
  deleteUnreachable: ["", "false"],
  enableServerSideApply: ["", "true"],
  helmReleaseSettings: ["", "{}", "null"],
  renderYamlToDirectory: [""],
  skipUpdateUnreachable: ["", "false"],
  strictMode: ["", "false"],
};

const environmentNames: Readonly<Record<string, string>> = {
  enableConfigMapMutable: "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE",
  enablePatchForce: "PULUMI_K8S_ENABLE_PATCH_FORCE",
  enableSecretMutable: "PULUMI_K8S_ENABLE_SECRET_MUTABLE",
  upsertExistingObjects: "PULUMI_K8S_UPSERT_EXISTING_OBJECTS",
};

const setting = (settings: JsonObject, name: string): string => {
  const value = settings[name];
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
};

/** Every setting that is asked for and not supported. */
export function unsupportedSettings(settings: JsonObject): ConfigurationProblem[] {
  return Object.entries(unsupported).flatMap(([property, unused]) => {
    const value = setting(settings, property);
    if (unused.includes(value)) return [];
    const reason =
      `${property}=${value} is done by the official plugin only: this stand-in does not support it. ` +
      `Unset it${unused.length > 1 ? ` or set it to ${unused[1]}` : ""}.`;
    return [{ property, reason }];
  });
}

export function parseConfiguration(
  settings: JsonObject,
  environment: Readonly<Record<string, string | undefined>>,
): Configuration {
  const isOn = (name: string): boolean => {
    const given = setting(settings, name);
    return (given === "" ? environment[environmentNames[name] ?? ""] : given) === "true";
  };
  return {
    kubeconfig: setting(settings, "kubeconfig"),
    context: setting(settings, "context"),
    cluster: setting(settings, "cluster"),
    namespace: setting(settings, "namespace"),
    enablePatchForce: isOn("enablePatchForce"),
    enableConfigMapMutable: isOn("enableConfigMapMutable"),
    enableSecretMutable: isOn("enableSecretMutable"),
    upsertExistingObjects: isOn("upsertExistingObjects"),
  };
}

/** Everything wrong with the provider's settings; a kubeconfig that is not known yet is not judged. */
export function configurationProblems(settings: JsonObject): ConfigurationProblem[] {
  const problems = unsupportedSettings(settings);
  const sources = ["kubeconfig", "context", "cluster"].map((name) => settings[name]);
  if (sources.some(isUnknown)) return problems;
  try {
    loadKubeconfig(parseConfiguration(settings, {}));
  } catch (error) {
    if (!(error instanceof KubeconfigProblem)) throw error;
    problems.push({ property: error.message.split(":")[0] ?? "kubeconfig", reason: error.message });
  }
  return problems;
}

export interface ConfigurationDiff {
  readonly diffs: readonly string[];
  /** Settings whose change means another cluster: everything in it must be made anew. */
  readonly replaces: readonly string[];
}

const identifying = ["kubeconfig", "context", "cluster"];

/**
 * What a change of settings means. Another `clusterIdentifier` always means another cluster, the same one never; without it,
 * another server or certificate authority does, and rotated credentials do not.
 */
export function diffConfiguration(olds: JsonObject, news: JsonObject): ConfigurationDiff {
  const names = new Set([...Object.keys(olds), ...Object.keys(news)]);
  const diffs = [...names].filter((name) => name !== "version" && setting(olds, name) !== setting(news, name)).sort();
  const identifier = { old: setting(olds, "clusterIdentifier"), new: setting(news, "clusterIdentifier") };
  if (identifier.old !== "" && identifier.new !== "") {
    return { diffs, replaces: identifier.old === identifier.new ? [] : ["clusterIdentifier"] };
  }
  const changed = identifying.filter((name) => diffs.includes(name));
  if (changed.length === 0) return { diffs, replaces: [] };
  const unknown = changed.filter((name) => isUnknown(news[name]));
  if (unknown.length > 0) return { diffs, replaces: unknown };
  const before = clusterIdentity(parseConfiguration(olds, {}));
  const after = clusterIdentity(parseConfiguration(news, {}));
  const isSame =
    before === undefined ||
    after === undefined ||
    (before.server === after.server && before.certificateAuthority === after.certificateAuthority);
  return { diffs, replaces: isSame ? [] : changed };
}

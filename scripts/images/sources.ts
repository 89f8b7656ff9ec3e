import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";

/** The release of Debian that images are made of. */
export const SUITE = "bookworm";

const APT = "/etc/apt";

/**
 * Where this machine gets Debian's packages from, as the text of a sources.list: so that a mirror set up on the machine
 * also serves the images. Empty where the machine has no source of this release; then mmdebstrap knows a default.
 */
export function usableSources(folder: string = APT): string {
  const parts = path.join(folder, "sources.list.d");
  const files = [
    path.join(folder, "sources.list"),
    ...(existsSync(parts)
      ? readdirSync(parts)
          .sort()
          .map((name) => path.join(parts, name))
      : []),
  ].filter((file) => existsSync(file));
  const lines = files.flatMap((file) => {
    const text = readFileSync(file, "utf8");
    return file.endsWith(".sources") ? fromStanzas(text) : file.endsWith(".list") ? fromLines(text) : [];
  });
  return lines.some((line) => line.split(" ")[2] === SUITE) ? `${[...new Set(lines)].join("\n")}\n` : "";
}

const SUITES = [SUITE, `${SUITE}-updates`, `${SUITE}-security`];

/** Other vendors' archives have other suites or other components, and keys that the image does not have. */
function sourceLine(uri: string, suite: string, components: readonly string[]): string[] {
  const debian = /\/debian(-security)?\/?$/.test(uri);
  return debian && SUITES.includes(suite) && components.includes("main") ? [`deb ${uri} ${suite} main`] : [];
}

/** Sources in the one-line format. */
export function fromLines(text: string): string[] {
  return text.split("\n").flatMap((line) => {
    const [type, uri = "", suite = "", ...components] = line
      .replace(/#.*/, "")
      .replace(/\[[^\]]*\]/, "")
      .trim()
      .split(/\s+/);
    return type === "deb" ? sourceLine(uri, suite, components) : [];
  });
}

/** Sources in the stanza format of deb822. */
export function fromStanzas(text: string): string[] {
  const uncommented = text.replace(/^#.*\n?/gm, "");
  return uncommented.split(/\n\s*\n/).flatMap((stanza) => {
    const words = (field: string) =>
      (new RegExp(`^${field}:(.*(?:\\n[ \\t].*)*)`, "im").exec(stanza)?.[1] ?? "").trim().split(/\s+/);
    const disabled = words("Enabled")[0]?.toLowerCase() === "no";
    return disabled || !words("Types").includes("deb")
      ? []
      : words("URIs").flatMap((uri) => words("Suites").flatMap((suite) => sourceLine(uri, suite, words("Components"))));
  });
}

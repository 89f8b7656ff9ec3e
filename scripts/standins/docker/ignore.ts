/** Says of a path, relative to the build context and with `/`, whether .dockerignore keeps it out of the build. */
export type Ignore = (path: string) => boolean;

interface Rule {
  readonly keeps: boolean;
  readonly pattern: RegExp;
}

/**
 * Reads a .dockerignore file as Docker does: one pattern a line, `#` comments, `*`, `?`, `[...]`, `**` over folders, `!`
 * takes back what came before, and a pattern that matches a folder covers what is in it.
 */
export function dockerIgnore(text: string): Ignore {
  const rules = text
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .map((line) => (line.startsWith("#") ? "" : line.trim()))
    .filter((line) => line !== "" && line !== "!" && line !== ".")
    .map(rule);
  return (path) => {
    const candidates = withParents(path);
    return rules.reduce(
      (ignored, { keeps, pattern }) => (candidates.some((candidate) => pattern.test(candidate)) ? !keeps : ignored),
      false,
    );
  };
}

function rule(line: string): Rule {
  const keeps = line.startsWith("!");
  const parts = (keeps ? line.slice(1).trim() : line).split("/").filter((part) => part !== "" && part !== ".");
  return { keeps, pattern: new RegExp(`^${expression(parts.join("/"))}$`) };
}

function expression(pattern: string): string {
  let regex = "";
  for (let index = 0; index < pattern.length; index += 1) {
    const char = pattern.charAt(index);
    if (char === "*" && pattern.charAt(index + 1) === "*") {
      index += 1;
      if (pattern.charAt(index + 1) === "/") {
        index += 1;
        regex += "(?:.*/)?";
      } else {
        regex += ".*";
      }
    } else if (char === "*") regex += "[^/]*";
    else if (char === "?") regex += "[^/]";
    else if (char === "[") {
      const end = pattern.indexOf("]", index + 1);
      if (end < 0) regex += "\\[";
      else {
        regex += `[${pattern.slice(index + 1, end).replaceAll("\\", "\\\\")}]`;
        index = end;
      }
    } else if (char === "\\" && index + 1 < pattern.length) {
      index += 1;
      regex += escaped(pattern.charAt(index));
    } else regex += escaped(char);
  }
  return regex;
}

function escaped(char: string): string {
  return char.replace(/[.*+?^${}()|[\]\\]/, "\\$&");
}

function withParents(path: string): string[] {
  const parts = path.split("/");
  return parts.map((_part, index) => parts.slice(0, index + 1).join("/"));
}

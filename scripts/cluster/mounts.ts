/** The mount points at or under `root`, deepest and latest first, from the text of /proc/self/mountinfo. */
export function mountsUnder(mountinfo: string, root: string): string[] {
  return mountinfo
    .split("\n")
    .map((line) => line.split(" ")[4])
    .filter((point) => point !== undefined)
    .map(decodeEscapes)
    .filter((point) => point === root || point.startsWith(`${root}/`))
    .reverse();
}

/** The kernel writes blanks and backslashes as octal escapes. */
function decodeEscapes(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

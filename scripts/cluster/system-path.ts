/** Folders of system programs, which the PATH of `su` and of some shells lacks. */
const SYSTEM_FOLDERS = ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"];

export function withSystemFolders(searchPath: string): string {
  const folders = searchPath.split(":").filter((folder) => folder !== "");
  return [...folders, ...SYSTEM_FOLDERS.filter((folder) => !folders.includes(folder))].join(":");
}

/** Lets this process, and what it starts, find iptables, ip, containerd and the like. */
export function ensureSystemPath(): void {
  process.env["PATH"] = withSystemFolders(process.env["PATH"] ?? "");
}

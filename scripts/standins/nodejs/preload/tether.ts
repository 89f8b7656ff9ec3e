// Preloaded into what the language host starts: the host holds this process's stdin open, so its end, even by SIGKILL,
// ends this process too. Nothing else reads stdin here.
process.stdin
  .on("end", () => process.exit(1))
  .on("error", () => process.exit(1))
  .resume();
(process.stdin as { unref?: () => void }).unref?.();

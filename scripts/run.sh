#!/bin/sh
# Runs scripts/<command>.ts on the Node that package-lock.json pins, after making sure that the npm packages are installed.
# Everything but the command's own output goes to stderr.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
node=$root/node_modules/.bin/node
stamp=$root/node_modules/.millwright-lock
minimum='22.18'

say() { printf '%s\n' "$*" >&2; }

fail() {
  say "$1."
  say "What to do: $2."
  exit 1
}

locked() { cat "$root/package.json" "$root/package-lock.json" | cksum; }

new_enough() {
  "$1" -e '
    const [major, minor] = process.versions.node.split(".").map(Number);
    const [wantMajor, wantMinor] = process.argv[1].split(".").map(Number);
    process.exit(major > wantMajor || (major === wantMajor && minor >= wantMinor) ? 0 : 1);
  ' "$minimum" 2>/dev/null
}

installed() { [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(locked)" ] && [ -x "$node" ]; }

# The package `node` fetches its binary in an install script, which npm may not have been allowed to run.
install_node() {
  new_enough "$node" && return 0
  (cd "$root/node_modules/node" && node installArchSpecificPackage.js >>"$log" 2>&1) || return 1
  [ -e "$node" ] || ln -s ../node/bin/node "$node"
  new_enough "$node"
}

explain() {
  tail -n 15 "$log" >&2
  fail "$1" "see that npm reaches its registry (npm ping) and that the disk is not full (df -h .), then run this again"
}

install() {
  command -v npm >/dev/null 2>&1 ||
    fail "There is no npm on this machine" "install it, on Debian with: apt-get install --no-install-recommends npm"
  started=$(date +%s)
  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  say "… installing npm packages (about a minute)"
  rm -f "$stamp"
  # Not `npm ci`: it refuses the whole lock file where a registry leaves out another platform's optional package. This takes
  # the locked versions with their checksums too, and leaves the lock file as it is. Scripts stay off whatever this npm's
  # rules are: of the packages that have one only `node` needs it, and gets it below.
  if ! (cd "$root" && npm install --no-save --ignore-scripts --no-audit --no-fund --loglevel=error >"$log" 2>&1 </dev/null); then
    explain "npm could not install the packages of $root/package-lock.json"
  fi
  install_node || explain "npm could not install Node $minimum or newer, which the package \"node\" holds"
  locked >"$stamp.draft"
  mv "$stamp.draft" "$stamp"
  rm -f "$log"
  trap - EXIT
  say "✓ npm packages $(($(date +%s) - started))s"
}

if [ $# -eq 0 ] || [ ! -f "$root/scripts/$1.ts" ]; then
  commands=$(cd "$root/scripts" && ls ./*.ts 2>/dev/null | sed 's|^\./||; s|\.ts$||' | tr '\n' ' ')
  fail "There is no command \"${1:-}\" in $root/scripts" "name one of: $commands"
fi
command=$1
shift

if ! installed; then
  mkdir -p "$root/.millwright"
  exec 9>"$root/.millwright/npm.lock"
  # flock is part of every Debian; without it (macOS) two first runs at once are not kept apart.
  if command -v flock >/dev/null 2>&1 && ! flock -n 9; then
    say "… waiting for another process that installs the npm packages"
    flock 9
  fi
  installed || install
  exec 9>&-
fi

# Node's own fetch then honours the proxy variables that npm, pip and apt honour.
NODE_USE_ENV_PROXY=1 NODE_NO_WARNINGS=1 exec "$node" "$root/scripts/$command.ts" "$@"

import type { AgentPackage } from '@raypher/shared/rest';
import type { ArtefactFacts } from '../artefact-facts.ts';
import { shellWord } from '../quoting.ts';

/** How a platform names its processors, as `uname -m` does, and how Node does. */
const MACHINES: Record<string, string> = { x64: 'x86_64|amd64', arm64: 'aarch64|arm64' };

export interface UnixPlatform {
  /** Of `uname -s`. */
  system: 'Linux' | 'Darwin';
  format: 'deb' | 'pkg';
  /** Exits 0 when the SHA-256 in `$sha256` is the one of `$package_file`. */
  check: string;
  install: string;
  /** Exits 0 when exactly this package is installed. */
  isInstalled: string;
}

export const LINUX: UnixPlatform = {
  system: 'Linux',
  format: 'deb',
  check: `printf '%s  %s\\n' "$sha256" "$package_file" | sha256sum -c --status -`,
  install: 'dpkg --install "$package_file" >&2',
  isInstalled: `[ "$(dpkg-query --show --showformat='\${Status} \${Version}' raypher 2>/dev/null)" = "install ok installed $version" ]`,
};

export const MACOS: UnixPlatform = {
  system: 'Darwin',
  format: 'pkg',
  check: `printf '%s  %s\\n' "$sha256" "$package_file" | shasum -a 256 -c --status -`,
  install: 'installer -pkg "$package_file" -target / >&2',
  isInstalled: `pkgutil --pkg-info com.raypher.agent 2>/dev/null | grep -qx "version: $version"`,
};

/**
 * A POSIX shell script that installs the agent and has it join. The token is in a file of root's for as long as it takes,
 * never in an argument, which every account of the machine could read.
 *
 * @param options of `raypher setup`, as shell words
 */
export function joinScript(facts: ArtefactFacts, platform: UnixPlatform, before = '', options = ''): string {
  return `#!/bin/sh
# Installs the Raypher agent and joins an organisation. It holds an enrolment token: treat it as a password.
# Running it again changes nothing.
set -eu
umask 077

say() { printf 'raypher: %s\\n' "$1" >&2; }
fail() { say "$1"; exit "$2"; }

[ "$(id -u)" = 0 ] || fail 'Only root can install a service; run this with sudo.' 3
[ "$(uname -s)" = ${platform.system} ] || fail 'This script is for ${platform.system} machines.' 11
${before}server=${shellWord(facts.server)}
case "$(uname -m)" in
${facts.packages
  .filter(({ format }) => format === platform.format)
  .map(packageCase)
  .join('')}  *) fail 'This control plane has no package for this kind of machine.' 11 ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
cat >"$work/root.pem" <<'RAYPHER_ROOT'
${facts.rootPem.trim()}
RAYPHER_ROOT
cat >"$work/token" <<'RAYPHER_TOKEN'
${facts.token}
RAYPHER_TOKEN

say ${shellWord(`Joining ${facts.organisation}`)}
if ${platform.isInstalled}; then
  say "Version $version is installed already."
else
  package_file="$work/$filename"
  curl -q --fail --silent --show-error --proto '=https' --connect-timeout 20 --retry 3 \\
    --cacert "$work/root.pem" --output "$package_file" "$server/v1/packages/$filename" \\
    || fail 'The package could not be downloaded.' 7
  ${platform.check} || fail 'The package is not the one that was announced; it was not installed.' 8
  ${platform.install} || fail 'The package could not be installed.' 1
fi
raypher setup --silent --server "$server" --token-file "$work/token"${options}
say 'This machine is a device now.'
`;
}

function packageCase({ arch, filename, version, sha256 }: AgentPackage): string {
  const machine = MACHINES[arch];
  if (machine === undefined) return '';
  const values = `filename=${shellWord(filename)} version=${shellWord(version)} sha256=${shellWord(sha256)}`;
  return `  ${machine}) ${values} ;;\n`;
}

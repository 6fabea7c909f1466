import { chmod, cp, lutimes, mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { configTemplate } from '../../apps/edge-agent/src/config/config-template.ts';
import { runCommand } from '../local/bootstrap/run-command.mjs';
import { FriendlyError } from '../local/friendly-error.mjs';
import { ROOT } from '../local/paths.mjs';

const SOURCES = join(ROOT, 'apps', 'edge-agent', 'packaging');
const SCRIPTS = ['postinst', 'prerm', 'postrm'];

/** Node's names of processors and Debian's. @type {Record<string, string>} */
const ARCHITECTURES = { x64: 'amd64', arm64: 'arm64' };

/**
 * libtss2 was renamed in the move to 64-bit times (Debian 13, Ubuntu 24.04); the sonames are the same. libc6 and
 * libstdc++6 are what the Node.js inside was built for.
 */
const DEPENDS = [
  'libc6 (>= 2.28)',
  'libstdc++6 (>= 9)',
  'libtss2-esys-3.0.2-0 | libtss2-esys-3.0.2-0t64',
  'libtss2-mu0 | libtss2-mu-4.0.1-0 | libtss2-mu-4.0.1-0t64',
  'libtss2-tctildr0 | libtss2-tctildr0t64',
  'libtss2-tcti-device0 | libtss2-tcti-device0t64',
];

/** @param {string} version */
export function debFilename(version) {
  return `raypher_${version}_${debianArchitecture()}.deb`;
}

export function debianArchitecture() {
  const architecture = ARCHITECTURES[process.arch];
  if (architecture === undefined) throw new FriendlyError(`There is no Debian package for ${process.arch}.`);
  return architecture;
}

/**
 * Packs the executable with its unit, configuration and completions. The same input gives the same bytes: order,
 * owners, modes and times are fixed.
 *
 * @param {{ executable: string, output: string, version: string, epoch: number }} what - `epoch` is the time that
 *   every file gets, in seconds.
 */
export async function buildDeb({ executable, output, version, epoch }) {
  const folder = await mkdtemp(join(tmpdir(), 'raypher-deb-'));
  try {
    const root = join(folder, 'root');
    /** @param {string} path */
    const at = async (path) => {
      await mkdir(dirname(join(root, path)), { recursive: true });
      return join(root, path);
    };
    await cp(executable, await at('usr/bin/raypher'));
    await cp(join(SOURCES, 'systemd', 'raypher.service'), await at('lib/systemd/system/raypher.service'));
    await writeFile(await at('etc/raypher/agent.toml'), configTemplate());
    await cp(join(SOURCES, 'deb', 'copyright'), await at('usr/share/doc/raypher/copyright'));
    const size = Math.ceil((await stat(executable)).size / 1024);
    await writeFile(await at('DEBIAN/control'), control(version, size));
    await writeFile(await at('DEBIAN/conffiles'), '/etc/raypher/agent.toml\n');
    for (const name of SCRIPTS) await cp(join(SOURCES, 'deb', name), await at(`DEBIAN/${name}`));
    await settle(root, epoch);
    const { code, output: said } = await runCommand(
      'dpkg-deb',
      ['--root-owner-group', '-Zgzip', '-z6', '--build', root, join(folder, 'raypher.deb')],
      { env: { ...process.env, SOURCE_DATE_EPOCH: String(epoch) } },
    );
    if (code !== 0) throw new FriendlyError(`dpkg-deb failed:\n${said.trim()}`);
    await cp(join(folder, 'raypher.deb'), `${output}.part`);
    await rename(`${output}.part`, output);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * @param {string} version
 * @param {number} installedKib
 */
function control(version, installedKib) {
  return `Package: raypher
Version: ${version}
Architecture: ${debianArchitecture()}
Maintainer: Raypher maintainers <maintainers@raypher.invalid>
Installed-Size: ${installedKib}
Depends: ${DEPENDS.join(', ')}
Recommends: systemd, libbpf1 | libbpf0, libnftables1
Section: admin
Priority: optional
Description: makes autonomous AI agents safe to run on this machine
 The edge agent of Raypher: discovers AI agents, decides about their traffic from a signed policy, suspends
 them when told to, and proves this machine to its control plane with its TPM.
`;
}

/**
 * Gives every file the mode of its kind and the one time.
 *
 * @param {string} path
 * @param {number} epoch
 */
async function settle(path, epoch) {
  const isFolder = (await stat(path)).isDirectory();
  if (isFolder) for (const name of await readdir(path)) await settle(join(path, name), epoch);
  const isProgram =
    path.endsWith('/usr/bin/raypher') || SCRIPTS.some((name) => path.endsWith(`/DEBIAN/${name}`));
  await chmod(path, isFolder || isProgram ? 0o755 : 0o644);
  await lutimes(path, epoch, epoch);
}

import { existsSync } from 'node:fs';
import { copyFile, mkdtemp, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../local/paths.mjs';
import { bundleAgent } from './bundle.mjs';

// require(): with import, the default of a CommonJS module is something else in every loader.
const require = createRequire(import.meta.url);
/** @type {typeof import('@yao-pkg/pkg/lib-es5/sea.js')} */
const pkg = require('@yao-pkg/pkg/lib-es5/sea.js');

const AGENT = join(ROOT, 'apps', 'edge-agent');
/** What the agent reads with readPackagedFile. */
const PACKAGED_FILES = [
  'package.json',
  'data/signatures.json',
  'data/providers.json',
  'data/critical-processes.json',
  'packaging/systemd/raypher.service',
];

/** Programs for the kernel, as far as they could be compiled where this runs: without, the agent says so. */
const KERNEL_OBJECTS = ['dist/bpf/guard.bpf.o', 'dist/bpf/network.bpf.o'].filter((name) =>
  existsSync(join(AGENT, name)),
);

/**
 * Builds `raypher` as one file that needs nothing installed, for the platform this runs on, around the Node.js this
 * runs on. Nothing is downloaded. The same sources and the same Node.js give the same bytes.
 *
 * @param {string} output
 */
export async function buildAgentExecutable(output) {
  const platform = `${process.platform}-${process.arch}`;
  const addon = `@koromix/koffi-${platform}`;
  const folder = await mkdtemp(join(tmpdir(), 'raypher-package-'));
  const before = process.env.TMPDIR;
  try {
    await bundleAgent(join(folder, 'raypher.cjs'), addon);
    // The glibc build: the Node.js around it is one.
    const native = require.resolve(`${addon}/${platform.replace('-', '_')}/koffi.node`);
    await copyFile(native, join(folder, 'koffi.node'));
    // Node writes the path of the bundle into the executable. From pkg's own folder, which it makes below TMPDIR and
    // works in, that path is the same wherever the repository is.
    process.env.TMPDIR = folder;
    const seaConfig = {
      main: '../raypher.cjs',
      disableExperimentalSEAWarning: true,
      useSnapshot: false,
      useCodeCache: false,
      // NODE_OPTIONS would let whoever sets the environment load code into the agent.
      execArgvExtension: 'none',
      assets: {
        'koffi.node': '../koffi.node',
        ...Object.fromEntries(
          [...PACKAGED_FILES, ...KERNEL_OBJECTS].map((name) => [name, join(AGENT, name)]),
        ),
      },
    };
    // The public API of pkg looks for a Node.js to download; this part of it takes the one we have.
    await pkg.default(join(folder, 'raypher.cjs'), {
      nodePath: process.execPath,
      targets: [
        { nodeRange: 'node24', platform: 'linux', arch: process.arch, output: join(folder, 'raypher') },
      ],
      seaConfig,
    });
    // Into place when it is whole.
    await copyFile(join(folder, 'raypher'), `${output}.part`);
    await rename(`${output}.part`, output);
  } finally {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
    await rm(folder, { recursive: true, force: true });
  }
}

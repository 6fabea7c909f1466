import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Compiles the kernel programs (*.bpf.c) for the processor of this machine. They find the kernel's structures through
 * its type information when they are loaded (CO-RE), so one file serves all kernels.
 */
const SOURCES = import.meta.dirname;
const OUTPUT = join(SOURCES, '..', 'dist', 'bpf');
const ARCHITECTURES = { x64: 'x86', arm64: 'arm64' };

const architecture = ARCHITECTURES[process.arch];
const missing = reasonNotTo();
if (missing === undefined) compileAll();
else process.stdout.write(`Kernel programs are not built: ${missing}\n`);

function reasonNotTo() {
  if (process.platform !== 'linux' || architecture === undefined)
    return 'they are for Linux on x64 and arm64.';
  if (spawnSync('clang', ['--version']).error !== undefined) {
    return 'clang is missing. Install it (apt-get install clang libbpf-dev); without, the agent reports kernel enforcement as unavailable.';
  }
  return undefined;
}

function compileAll() {
  mkdirSync(OUTPUT, { recursive: true });
  for (const source of readdirSync(SOURCES).filter((name) => name.endsWith('.bpf.c'))) {
    const { status, error } = spawnSync(
      'clang',
      [
        ...['-O2', '-g', '-Wall', '-Werror', '-target', 'bpf', `-D__TARGET_ARCH_${architecture}`],
        ...systemIncludes(),
        ...['-c', join(SOURCES, source), '-o', join(OUTPUT, source.replace(/\.c$/, '.o'))],
      ],
      { stdio: 'inherit' },
    );
    if (status !== 0) {
      process.stderr.write(`${source} does not compile${error === undefined ? '' : `: ${error.message}`}.\n`);
      process.exitCode = 1;
    }
  }
}

/** Debian keeps <asm/…> in a folder of the architecture's, which the target bpf does not look into. */
function systemIncludes() {
  const { stdout } = spawnSync('clang', ['-print-multiarch'], { encoding: 'utf8' });
  const names = [stdout?.trim(), process.arch === 'x64' ? 'x86_64-linux-gnu' : 'aarch64-linux-gnu'];
  return names.flatMap((name) => (name ? [`-I/usr/include/${name}`] : []));
}

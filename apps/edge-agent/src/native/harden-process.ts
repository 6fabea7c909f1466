import { close as closeInspector, url as inspectorUrl } from 'node:inspector';
import { createRequire } from 'node:module';
import type * as Koffi from 'koffi';
import { PROVIDERS } from '../proxy/providers.ts';

/** <linux/prctl.h>, <bits/resource.h>; the same on x64 and arm64. */
const PR_SET_DUMPABLE = 4;
const RLIMIT_CORE = 4;
/** Two 64-bit limits, both 0. */
const NO_BYTES = 16;

/**
 * Keeps what this process holds in memory from leaving it by the ways that need no privilege: core dumps, ptrace and
 * /proc by other processes of the same user, diagnostic reports, the inspector, and its children's environment.
 *
 * Root is not kept out.
 *
 * @returns what could not be done
 */
export function hardenProcess(environment: NodeJS.ProcessEnv = process.env): string[] {
  forgetProviderKeys(environment);
  const { report } = process;
  report.excludeEnv = true;
  report.reportOnFatalError = false;
  report.reportOnSignal = false;
  report.reportOnUncaughtException = false;
  // Without a listener, Node opens its inspector, and with it the heap, on this signal.
  process.on('SIGUSR1', () => {});
  // Nor shall one stay open that came before: of the signal, of --inspect, of NODE_OPTIONS.
  if (inspectorUrl() !== undefined) closeInspector();
  if (process.platform !== 'linux') return [`core dumps are not switched off on ${process.platform}`];
  try {
    // The cast is the module's own declaration file.
    const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
    const libc = koffi.load('libc.so.6');
    const prctl = libc.func('int prctl(int option, ulong a, ulong b, ulong c, ulong d)');
    const setrlimit = libc.func('int setrlimit(int resource, const void *limits)');
    return [
      ...(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) === 0 ? [] : ['other processes of this user may trace it']),
      ...(setrlimit(RLIMIT_CORE, Buffer.alloc(NO_BYTES)) === 0 ? [] : ['core dumps are not switched off']),
    ];
  } catch {
    return ['core dumps are not switched off: the foreign-function library koffi cannot be loaded'];
  }
}

/** The agent needs none of them, and what it starts would inherit them. */
function forgetProviderKeys(environment: NodeJS.ProcessEnv): void {
  for (const name of PROVIDERS.flatMap((provider) => provider.environment)) delete environment[name];
}

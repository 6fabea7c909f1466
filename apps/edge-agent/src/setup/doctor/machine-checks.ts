import { existsSync, statfsSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { isSea } from 'node:sea';
import type { Config } from '../../config/config.ts';
import { systemServiceHint } from '../../config/system-service.ts';
import { InetDiag } from '../../native/inet-diag.ts';
import { probeCgroups } from '../../response/cgroup.ts';
import { AGENT_VERSION } from '../../version.ts';
import { type Check, type Finding, fail, ok, warn } from './check.ts';

/** Set by tools, or by somebody who wants the agent's traffic to go elsewhere; none of them has to be there. */
const REDIRECTING = [
  'NODE_OPTIONS',
  'NODE_EXTRA_CA_CERTS',
  'NODE_TLS_REJECT_UNAUTHORIZED',
  'SSLKEYLOGFILE',
  'OPENSSL_CONF',
  'LD_PRELOAD',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'ALL_PROXY',
];

const MIB = 2 ** 20;
const ENOUGH_BYTES = 500 * MIB;
const TOO_LITTLE_BYTES = 50 * MIB;

/** @param running the service answers on its control socket */
export function machineChecks(config: Config, running: boolean): Check[] {
  return [
    { name: 'executable', run: executable },
    { name: 'data folder', run: () => dataFolder(config.dataDir) },
    { name: 'free space', run: () => freeSpace(config.dataDir) },
    { name: 'environment', run: environment },
    { name: 'proxy port', run: () => proxyPort(config.proxyPort, running) },
    { name: 'control groups', run: controlGroups },
    { name: 'sockets', run: socketLookUp },
  ];
}

function executable(): Finding {
  const what = isSea() ? `one executable, ${process.execPath}` : `Node.js at ${process.execPath}`;
  return ok(`raypher ${AGENT_VERSION}, Node.js ${process.version}, ${what}`);
}

function dataFolder(path: string): Finding {
  if (!existsSync(path)) {
    const advice = systemServiceHint(path) ?? 'Run `raypher setup` or `raypher install`.';
    return warn(`${path} is not there yet`, advice);
  }
  const { mode, uid } = statSync(path);
  const shown = `${path}, mode ${(mode & 0o7777).toString(8)}, owner ${uid}`;
  const advice = `Run \`chown 0:0 ${path} && chmod 700 ${path}\`.`;
  if ((mode & 0o022) !== 0 || (uid !== 0 && uid !== process.geteuid?.())) return fail(shown, advice);
  return (mode & 0o077) === 0 ? ok(shown) : warn(shown, advice);
}

function freeSpace(path: string): Finding {
  if (!existsSync(path)) return ok('no data folder yet');
  const { bavail, bsize } = statfsSync(path);
  const free = bavail * bsize;
  const shown = `${Math.floor(free / MIB)} MiB free at ${path}`;
  if (free >= ENOUGH_BYTES) return ok(shown);
  const advice = 'Make room: a full disk loses telemetry, and says how much.';
  return free < TOO_LITTLE_BYTES ? fail(shown, advice) : warn(shown, advice);
}

function environment(): Finding {
  const names = REDIRECTING.flatMap((name) => [name, name.toLowerCase()]);
  const set = names.filter((name) => (process.env[name] ?? '') !== '');
  if (set.length === 0) return ok('nothing redirects or loads code into the agent');
  // Their values may hold passwords.
  return warn(`set here: ${set.join(', ')}`, 'Unset them; the service unit does so by itself.');
}

async function proxyPort(port: number, running: boolean): Promise<Finding> {
  if (running) return ok('not tried while the service runs: `raypher status` says where it listens');
  if (port === 0) return ok('any free port');
  const server = createServer();
  const { promise, resolve } = Promise.withResolvers<Finding>();
  server.once('error', (error: NodeJS.ErrnoException) => {
    const advice = 'Stop what listens there (`ss -ltnp`), or set `proxy.port`.';
    resolve(fail(`127.0.0.1:${port} cannot be listened on: ${error.code}`, advice));
  });
  server.listen(port, '127.0.0.1', () => server.close(() => resolve(ok(`127.0.0.1:${port} is free`))));
  return promise;
}

function controlGroups(): Finding {
  const probe = probeCgroups();
  if (probe.available) return ok('a control group was frozen and thawed');
  const advice = 'Freezing works by signal until then; run as root on a system with cgroup v2.';
  return warn(`processes cannot be suspended through control groups: ${probe.reason}`, advice);
}

/** How callers of the proxy are told apart, in containers too. */
function socketLookUp(): Finding {
  InetDiag.open()[Symbol.dispose]();
  if (process.geteuid?.() !== 0) {
    return warn("sockets are looked up, but not those of containers' networks", 'Run this as root to see.');
  }
  InetDiag.openIn('/proc/self/ns/net')[Symbol.dispose]();
  return ok('sockets are looked up through netlink, in other network namespaces too');
}

import { lookup } from 'node:dns/promises';
import { request } from 'node:https';
import { connect as connectTcp, isIP } from 'node:net';
import { connect as connectTls, type SecureContextOptions } from 'node:tls';
import type { Config } from '../../config/config.ts';
import { type Enrolment, loadEnrolment } from '../../identity/enrolment.ts';
import { openKeys } from '../../identity/open-keys.ts';
import { agentPaths } from '../../service/paths.ts';
import { type Check, type Finding, fail, ok, warn } from './check.ts';

const SKEW_WARN_S = 30;
/** Beyond this, certificates of a day and bundles with an expiry begin to fail. */
const SKEW_FAIL_S = 300;

/** From the name to a session with this device's identity, each step by itself. None when not enrolled. */
export function controlPlaneChecks(config: Config): Check[] {
  let enrolment: Enrolment | undefined;
  try {
    enrolment = loadEnrolment(agentPaths(config.dataDir).enrolment);
  } catch {
    // The check of the membership says so.
  }
  if (enrolment === undefined) return [];
  const { server, link, ca } = enrolment;
  const member = enrolment;
  return [
    { name: 'DNS', run: () => resolves(link.host) },
    { name: 'TCP', run: () => connects(link) },
    { name: 'TLS and clock', run: () => clock(new URL(server), ca) },
    { name: 'mutual TLS', run: () => session(member, config) },
  ];
}

async function resolves(host: string): Promise<Finding> {
  if (isIP(host) !== 0) return ok(`${host} is an address`);
  const addresses = await lookup(host, { all: true });
  return ok(`${host} is ${addresses.map(({ address }) => address).join(', ')}`);
}

function connects({ host, port }: Enrolment['link']): Promise<Finding> {
  const { promise, resolve } = Promise.withResolvers<Finding>();
  const socket = connectTcp({ host, port });
  socket.setTimeout(10_000, () => socket.destroy(new Error('no answer within 10 s')));
  socket.once('connect', () => {
    socket.destroy();
    resolve(ok(`${host}:${port} takes connections`));
  });
  socket.once('error', (error) =>
    resolve(
      fail(`${host}:${port}: ${error.message}`, 'Check the firewall, and that the control plane runs.'),
    ),
  );
  return promise;
}

/** One verified request: the server's certificate must lead to the root that the token named. */
function clock(server: URL, ca: string): Promise<Finding> {
  const { promise, resolve } = Promise.withResolvers<Finding>();
  const host = server.hostname.replace(/^\[|\]$/g, '');
  const outgoing = request(
    {
      host,
      port: server.port || 443,
      path: '/',
      method: 'HEAD',
      ca,
      ...(isIP(host) ? {} : { servername: host }),
      agent: false,
      signal: AbortSignal.timeout(10_000),
    },
    (answer) => {
      answer.resume();
      resolve(skew(answer.headers.date, server));
    },
  );
  outgoing.once('error', (error) => {
    const advice =
      'If the network is fine, somebody may be intercepting the connection: tell your administrator.';
    resolve(fail(`${server.origin}: ${error.message}`, advice));
  });
  outgoing.end();
  return promise;
}

function skew(date: string | undefined, server: URL): Finding {
  const theirs = Date.parse(date ?? '');
  const trusted = `${server.origin} is the control plane that the token named`;
  if (Number.isNaN(theirs)) return warn(`${trusted}, but it does not tell the time`, '');
  // The header has whole seconds.
  const seconds = Math.round((Date.now() - theirs) / 1000);
  const shown = `${trusted}; its clock differs by ${Math.abs(seconds)} s`;
  if (Math.abs(seconds) <= SKEW_WARN_S) return ok(shown);
  const advice = 'Set the clock: `timedatectl set-ntp true`.';
  return Math.abs(seconds) <= SKEW_FAIL_S ? warn(shown, advice) : fail(shown, advice);
}

/** TLS 1.3 refuses a client after its handshake; only what the server says first proves that it took us. */
async function session(enrolment: Enrolment, config: Config): Promise<Finding> {
  const keys = await openKeys(agentPaths(config.dataDir), config);
  try {
    return await greet(enrolment.link, keys.tlsIdentity(enrolment.certificate, enrolment.ca));
  } finally {
    keys.close();
  }
}

function greet({ host, port }: Enrolment['link'], tls: SecureContextOptions): Promise<Finding> {
  const { promise, resolve } = Promise.withResolvers<Finding>();
  const socket = connectTls({
    ...tls,
    host,
    port,
    ALPNProtocols: ['h2'],
    ...(isIP(host) ? {} : { servername: host }),
  });
  const refuse = (why: string): void => {
    socket.destroy();
    const advice = '`raypher status` says whether this device is pending, paused or revoked.';
    resolve(fail(`${host}:${port} does not take this device: ${why}`, advice));
  };
  socket.setTimeout(10_000, () => refuse('no answer within 10 s'));
  socket.once('error', (error) => refuse(error.message));
  socket.once('end', () => refuse('it hung up'));
  socket.once('data', () => {
    // Gone with the connection.
    const protocol = socket.getProtocol();
    socket.destroy();
    resolve(ok(`${host}:${port} took this device's certificate and key (${protocol})`));
  });
  return promise;
}

import { lookup } from 'node:dns/promises';
import { request } from 'node:https';
import { connect as connectTcp, isIP } from 'node:net';
import { checkServerIdentity, connect as connectTls, type SecureContextOptions } from 'node:tls';
import { tunnelThrough } from '@raypher/link-client';
import { LINK_PATH } from '@raypher/shared';
import type { Config } from '../../config/config.ts';
import { linkProxy } from '../../config/link-proxy.ts';
import { type Enrolment, loadEnrolment } from '../../identity/enrolment.ts';
import { openKeys } from '../../identity/open-keys.ts';
import { openTunnel } from '../../identity/tunnel.ts';
import { agentPaths } from '../../service/paths.ts';
import { type Check, type Finding, fail, ok, warn } from './check.ts';

const HTTP_PORT = 80;
const TIMEOUT_MS = 10_000;
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
  const proxy = linkProxy(config);
  // Behind a proxy the names and addresses of the control plane are the proxy's business.
  const first =
    proxy === undefined ? link : { host: plainHost(proxy), port: Number(proxy.port || HTTP_PORT) };
  return [
    { name: 'DNS', run: () => resolves(first.host) },
    { name: 'TCP', run: () => connects(first) },
    { name: 'TLS and clock', run: () => clock(new URL(server), ca, proxy) },
    { name: 'mutual TLS', run: () => session(member, config, proxy) },
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
async function clock(server: URL, ca: string, proxy: URL | undefined): Promise<Finding> {
  const { promise, resolve } = Promise.withResolvers<Finding>();
  const host = plainHost(server);
  const limit = AbortSignal.timeout(TIMEOUT_MS);
  const tunnel = proxy && (await openTunnel(proxy, server, limit));
  const outgoing = request(
    {
      host,
      port: server.port || 443,
      path: '/',
      method: 'HEAD',
      ca,
      ...(isIP(host) ? {} : { servername: host }),
      agent: false,
      ...(tunnel === undefined ? {} : { socket: tunnel }),
      signal: limit,
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
async function session(enrolment: Enrolment, config: Config, proxy: URL | undefined): Promise<Finding> {
  const keys = await openKeys(agentPaths(config.dataDir), config);
  const { host, port } = enrolment.link;
  try {
    const tls = keys.tlsIdentity(enrolment.certificate, enrolment.ca);
    const grpc = await greet(enrolment.link, tls, 'h2', proxy);
    if (grpc.refusal === undefined) {
      return ok(`${host}:${port} took this device's certificate and key (${grpc.protocol})`);
    }
    const http = await greet(enrolment.link, tls, 'http/1.1', proxy);
    if (http.refusal === undefined) {
      const what = `${host}:${port} took this device's certificate and key (${http.protocol})`;
      const how = `HTTP/2 does not get through (${grpc.refusal}), so the link goes over WebSocket or long polling`;
      return warn(`${what}; ${how}`, 'Let the device speak HTTP/2 with it, if you can.');
    }
    const advice = '`raypher status` says whether this device is pending, paused or revoked.';
    return fail(`${host}:${port} does not take this device: ${grpc.refusal}`, advice);
  } finally {
    keys.close();
  }
}

type Greeting = { refusal: undefined; protocol: string | null } | { refusal: string };

/** In HTTP/2 the server speaks first; in HTTP/1.1 it is asked for what is not there, which strangers are not told. */
async function greet(
  { host, port }: Enrolment['link'],
  tls: SecureContextOptions,
  speaks: 'h2' | 'http/1.1',
  proxy: URL | undefined,
): Promise<Greeting> {
  const { promise, resolve } = Promise.withResolvers<Greeting>();
  const tunnel = proxy && (await tunnelThrough(proxy, { host, port }, AbortSignal.timeout(TIMEOUT_MS)));
  const socket = connectTls({
    ...tls,
    ...(tunnel === undefined ? { host, port } : { socket: tunnel }),
    ALPNProtocols: [speaks],
    ...(isIP(host) ? {} : { servername: host }),
    checkServerIdentity: (_name, certificate) => checkServerIdentity(host, certificate),
  });
  const refuse = (refusal: string): void => {
    socket.destroy();
    resolve({ refusal });
  };
  socket.setTimeout(TIMEOUT_MS, () => refuse('no answer within 10 s'));
  socket.once('error', (error) => refuse(error.message));
  socket.once('end', () => refuse('it hung up'));
  socket.once('secureConnect', () => {
    if (speaks === 'http/1.1')
      socket.write(`HEAD ${LINK_PATH} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
  });
  socket.once('data', (chunk: Buffer) => {
    if (speaks === 'http/1.1' && !/^HTTP\/1\.1 404 /.test(chunk.toString('latin1'))) {
      refuse('it answers something else');
      return;
    }
    // Gone with the connection.
    const protocol = socket.getProtocol();
    socket.destroy();
    resolve({ refusal: undefined, protocol });
  });
  return promise;
}

function plainHost({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '');
}

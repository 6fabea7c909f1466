import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { ROOT } from '../paths.mjs';

/**
 * @typedef {object} Program
 * @property {string} script - below the repository's root.
 * @property {(stack: StackFacts) => string[]} args
 * @property {(stack: StackFacts) => Record<string, string>} env - never a secret: files that hold them.
 * @property {RegExp | ((stack: StackFacts) => Promise<boolean>)} ready - what it prints, or a question to ask.
 *
 * @typedef {object} StackFacts
 * @property {import('../paths.mjs').Layout} paths
 * @property {import('../state/ports.mjs').Ports} ports
 * @property {import('../state/secrets.mjs').Secrets} secrets
 * @property {string[]} hosts - the names and addresses devices may reach us by.
 * @property {string} listenHost - where enrolment and the device link listen.
 * @property {string} webOrigin
 * @property {number} demo - how many simulated devices.
 * @property {string} demoTokenFile - enrols the simulated devices.
 * @property {string} redisUrlFile
 * @property {Record<'app' | 'ingest' | 'auth', string>} databaseUrlFiles
 */

/** What our programs may know of the person's environment: not their keys and tokens. */
const PASSED_ON =
  /^(PATH|HOME|USER|LOGNAME|LANG|LC_.*|TZ|TMPDIR|SSL_CERT_.*|NODE_EXTRA_CA_CERTS|XDG_.*|SystemRoot|TEMP|TMP|RAYPHER_CONFIG|RAYPHER_GUARD_MODE)$/;

export function baseEnvironment() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => PASSED_ON.test(name)));
}

/** @param {StackFacts} stack */
const ingestor = ({ paths, ports, hosts, listenHost, redisUrlFile }) => ({
  RAYPHER_COMPONENT: 'ingestor',
  RAYPHER_LISTEN_HOST: listenHost,
  RAYPHER_LINK_PORT: String(ports.link),
  RAYPHER_PUBLIC_HOSTS: hosts.join(','),
  RAYPHER_REDIS_URL_FILE: redisUrlFile,
  RAYPHER_PKI_DIR: paths.pki,
});

/** What `npm run package` made, if anybody ran it. */
const PACKAGES = join(ROOT, 'dist', 'packages');

/** The environment of everything that may use the signing keys: the API and the set-up. @param {StackFacts} stack */
export const apiEnvironment = (stack) => ({
  ...ingestor(stack),
  RAYPHER_ROLE: 'api',
  RAYPHER_HTTP_PORT: String(stack.ports.http),
  RAYPHER_TLS_PORT: String(stack.ports.tls),
  RAYPHER_DATABASE_URL_FILE: stack.databaseUrlFiles.app,
  RAYPHER_AUTH_DATABASE_URL_FILE: stack.databaseUrlFiles.auth,
  RAYPHER_MASTER_KEY_FILE: stack.secrets.masterKeyFile,
  RAYPHER_AUTH_SECRET_FILE: stack.secrets.authSecretFile,
  RAYPHER_WEB_ORIGIN: stack.webOrigin,
  ...(existsSync(join(PACKAGES, 'packages.json')) ? { RAYPHER_PACKAGES_DIR: PACKAGES } : {}),
});

/**
 * The same program twice: what devices talk to never holds a key that could sign for them.
 *
 * @type {Record<'api' | 'link' | 'web' | 'agent' | 'demo', Program>}
 */
export const PROGRAMS = {
  api: {
    script: 'apps/ingestor/dist/main.js',
    args: () => [],
    env: apiEnvironment,
    ready: ({ ports }) => answers(`http://127.0.0.1:${ports.http}/readyz`),
  },
  link: {
    script: 'apps/ingestor/dist/main.js',
    args: () => [],
    env: (stack) => ({
      ...ingestor(stack),
      RAYPHER_ROLE: 'link',
      // Entries that wait for their commit outlive a small nursery, and copying them was a tenth of the link's work.
      NODE_OPTIONS: '--max-semi-space-size=64',
      RAYPHER_HTTP_PORT: String(stack.ports.linkHttp),
      RAYPHER_INGEST_DATABASE_URL_FILE: stack.databaseUrlFiles.ingest,
    }),
    ready: ({ ports }) => answers(`http://127.0.0.1:${ports.linkHttp}/readyz`),
  },
  web: {
    script: 'apps/web/server.mjs',
    args: () => [],
    env: ({ ports, webOrigin }) => ({
      RAYPHER_COMPONENT: 'web',
      NODE_ENV: 'production',
      PORT: String(ports.web),
      HOST: '127.0.0.1',
      RAYPHER_API_ORIGIN: `http://127.0.0.1:${ports.http}`,
      RAYPHER_WEB_ORIGIN: webOrigin,
      NEXT_TELEMETRY_DISABLED: '1',
    }),
    ready: ({ ports }) => answers(`http://127.0.0.1:${ports.web}/`),
  },
  agent: {
    script: 'apps/edge-agent/dist/cli/main.js',
    args: ({ paths, ports }) => ['service', '--data-dir', paths.agent, '--proxy-port', String(ports.proxy)],
    // By this mark it knows the other parts of the product, which started it, for its own.
    env: () => ({ RAYPHER_COMPONENT: 'edge-agent' }),
    ready: ({ ports }) => accepts(ports.proxy),
  },
  demo: {
    script: 'packages/swarm/dist/main.js',
    args: ({ paths, ports, demo, demoTokenFile }) => [
      ...['--server', `https://127.0.0.1:${ports.tls}`, '--token-file', demoTokenFile],
      ...['--devices', String(demo), '--data-dir', paths.demo],
    ],
    env: () => ({}),
    ready: /simulated devices connected/,
  },
};

/** @typedef {keyof typeof PROGRAMS} ProgramName */

/**
 * What differs between one process of the link and another.
 *
 * @typedef {{ name: LinkName, link: number, http: number }} LinkProcess
 * @typedef {'link' | `link-${number}`} LinkName
 */

/**
 * One of several processes of the link, behind the balancer.
 *
 * @param {LinkProcess} ports
 * @returns {Program}
 */
export function oneOfManyLinks({ link, http }) {
  return {
    ...PROGRAMS.link,
    env: (stack) => ({
      ...PROGRAMS.link.env(stack),
      RAYPHER_LISTEN_HOST: '127.0.0.1',
      RAYPHER_LINK_PORT: String(link),
      RAYPHER_HTTP_PORT: String(http),
    }),
    ready: () => answers(readyUrl(http)),
  };
}

/**
 * What devices connect to when there are several processes of the link.
 *
 * @param {LinkProcess[]} links
 * @returns {Program}
 */
export function balancerOf(links) {
  return {
    script: 'infra/local/stack/balance.mjs',
    args: () => [],
    env: ({ ports, listenHost }) => ({
      RAYPHER_COMPONENT: 'ingestor',
      BALANCER_PORT: String(ports.link),
      BALANCER_HOST: listenHost,
      BALANCER_TARGETS: JSON.stringify(
        links.map(({ link, http }) => ({ port: link, readyUrl: readyUrl(http) })),
      ),
    }),
    ready: /The balancer listens/,
  };
}

/** @param {number} httpPort */
function readyUrl(httpPort) {
  return `http://127.0.0.1:${httpPort}/readyz`;
}

/** @param {Program} program */
export function scriptOf(program) {
  return join(ROOT, program.script);
}

/**
 * Whether an HTTP server is there and well.
 *
 * @param {string} url
 */
async function answers(url) {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(5000), redirect: 'manual' });
    await response.body?.cancel();
    return response.status < 400;
  } catch {
    return false;
  }
}

/**
 * Whether somebody listens on a port of this machine.
 *
 * @param {number} port
 * @returns {Promise<boolean>}
 */
function accepts(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

import { createServer } from 'node:net';
import { FriendlyError } from '../friendly-error.mjs';

/**
 * @typedef {'web' | 'http' | 'linkHttp' | 'tls' | 'link' | 'proxy' | 'postgres' | 'redis'} PortName
 * @typedef {Record<PortName, number>} Ports
 */

/** Where we begin to look. @type {Ports} */
export const USUAL_PORTS = {
  web: 4300,
  http: 4301,
  linkHttp: 4302,
  postgres: 4303,
  redis: 4304,
  tls: 4343,
  link: 4344,
  proxy: 8888,
};

/** Enrolled devices know these: they cannot move without the devices losing us. @type {PortName[]} */
const KNOWN_TO_DEVICES = ['tls', 'link'];

const TRIES = 50;

/**
 * Chooses a free port for everything.
 *
 * @param {object} options
 * @param {Partial<Ports>} [options.fixed] - the person asked for these: taken or refused.
 * @param {Partial<Ports>} [options.remembered] - the ports of the last start.
 * @param {(text: string) => void} [options.note] - told about every port that moved.
 * @returns {Promise<Ports>}
 */
export async function choosePorts({ fixed = {}, remembered = {}, note = () => {} }) {
  const chosen = { ...USUAL_PORTS };
  /** @type {Set<number>} */
  const taken = new Set(Object.values(fixed));
  for (const name of /** @type {PortName[]} */ (Object.keys(USUAL_PORTS))) {
    const wanted = fixed[name] ?? remembered[name] ?? USUAL_PORTS[name];
    const stays =
      fixed[name] !== undefined || (remembered[name] !== undefined && KNOWN_TO_DEVICES.includes(name));
    if (stays) {
      if (!(await isFree(wanted))) throw occupied(name, wanted, fixed[name] !== undefined);
      chosen[name] = wanted;
    } else {
      chosen[name] = await nextFree(wanted, taken);
      if (chosen[name] !== wanted)
        note(`Port ${wanted} is in use, so ${WHAT[name]} moved to ${chosen[name]}.`);
    }
    taken.add(chosen[name]);
  }
  return chosen;
}

/** @type {Record<PortName, string>} */
const WHAT = {
  web: 'the dashboard',
  http: 'the internal API',
  linkHttp: 'the health check of the device link',
  tls: 'enrolment',
  link: 'the device link',
  proxy: "the edge agent's proxy",
  postgres: 'Postgres',
  redis: 'Redis',
};

/**
 * @param {PortName} name
 * @param {number} port
 * @param {boolean} asked
 */
function occupied(name, port, asked) {
  return new FriendlyError(
    `Port ${port} for ${WHAT[name]} is used by another program.`,
    asked
      ? 'Choose another one, or leave --port out and a free one is taken.'
      : `Devices that are enrolled here know this address. Free the port (see who has it: ss -ltnp 'sport = :${port}') and start again.`,
    5,
  );
}

/**
 * @param {number} first
 * @param {ReadonlySet<number>} taken
 */
export async function nextFree(first, taken) {
  for (let port = first; port < first + TRIES; port += 1) {
    if (!taken.has(port) && (await isFree(port))) return port;
  }
  throw new FriendlyError(`None of the ports ${first} to ${first + TRIES - 1} is free.`);
}

/**
 * Free means that nobody listens on it, on loopback or on all addresses.
 *
 * @param {number} port
 * @returns {Promise<boolean>}
 */
export async function isFree(port) {
  return (await canListen(port, '127.0.0.1')) && (await canListen(port, undefined));
}

/**
 * @param {number} port
 * @param {string | undefined} host
 * @returns {Promise<boolean>}
 */
function canListen(port, host) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

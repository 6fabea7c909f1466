import { request } from 'node:http';
import { CANARY_HOST } from '../proxy/canary-host.ts';

const TIMEOUT_MS = 3000;

/**
 * Asks the running proxy for something forbidden and reads the denial back.
 *
 * @returns undefined when it was denied, else what happened instead
 */
export function probeProxy(port: number, path: string): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const outgoing = request(
    {
      host: '127.0.0.1',
      port,
      path: `http://${CANARY_HOST}${path}`,
      headers: { host: CANARY_HOST },
      agent: false,
      timeout: TIMEOUT_MS,
    },
    (answer) => {
      answer.resume();
      const denied = answer.statusCode === 403 && answer.headers['x-raypher'] === 'denied';
      resolve(denied ? undefined : `the proxy answered ${answer.statusCode} to a forbidden request`);
    },
  );
  outgoing.on('timeout', () => outgoing.destroy(new Error('no answer within 3 s')));
  outgoing.on('error', (error) => resolve(`the proxy does not answer: ${error.message}`));
  outgoing.end();
  return promise;
}

import { once } from 'node:events';
import { createServer } from 'node:net';
import { freePort } from '@raypher/testkit';
import { afterEach, describe, expect, it } from 'vitest';
import { choosePorts, isFree } from './ports.mjs';

/** @type {import('node:net').Server[]} */
const servers = [];

/** @param {string} host */
async function occupy(host) {
  const server = createServer();
  servers.push(server);
  server.listen(0, host);
  await once(server, 'listening');
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : Number.NaN;
}

/** Ports of the last start, so that tests do not depend on what this machine runs. */
async function freePorts() {
  const names = /** @type {const} */ ([
    'web',
    'http',
    'linkHttp',
    'tls',
    'link',
    'proxy',
    'postgres',
    'redis',
  ]);
  const ports = await Promise.all(names.map(async (name) => [name, await freePort()]));
  return /** @type {import('./ports.mjs').Ports} */ (Object.fromEntries(ports));
}

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

describe('choosing ports', () => {
  it('keeps the ports of the last start', async () => {
    const remembered = await freePorts();
    expect(await choosePorts({ remembered })).toEqual(remembered);
  });

  it.each(['127.0.0.1', '0.0.0.0', '::'])('sees a program that listens on %s', async (host) => {
    expect(await isFree(await occupy(host))).toBe(false);
  });

  it('moves on from an occupied port and says so', async () => {
    const web = await occupy('127.0.0.1');
    /** @type {string[]} */
    const notes = [];
    const ports = await choosePorts({
      remembered: { ...(await freePorts()), web },
      note: (text) => notes.push(text),
    });
    expect(ports.web).toBeGreaterThan(web);
    expect(notes).toEqual([`Port ${web} is in use, so the dashboard moved to ${ports.web}.`]);
  });

  it('never gives one port to two', async () => {
    const proxy = await freePort();
    const ports = await choosePorts({ remembered: { ...(await freePorts()), web: proxy, proxy } });
    expect(new Set(Object.values(ports)).size).toBe(Object.keys(ports).length);
  });

  it('refuses when the port that was asked for is occupied', async () => {
    const web = await occupy('127.0.0.1');
    await expect(choosePorts({ remembered: await freePorts(), fixed: { web } })).rejects.toThrow(
      `Port ${web} for the dashboard is used by another program.`,
    );
  });

  it('refuses to move an address that enrolled devices know', async () => {
    const link = await occupy('127.0.0.1');
    await expect(choosePorts({ remembered: { ...(await freePorts()), link } })).rejects.toMatchObject({
      hint: expect.stringContaining('Devices that are enrolled here know this address.'),
    });
  });
});

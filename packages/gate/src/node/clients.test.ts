import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { request } from '../gate/gate.test-support.ts';
import { closestSubject, userSubject } from '../permit/subject.ts';
import { connectGate, GateCallError, GateUnavailableError } from './connect-gate.ts';
import { gateOverSocket, HERE } from './gate-over-socket.test-support.ts';

describe('the TypeScript client', () => {
  it('calls every method', async () => {
    await using setting = await gateOverSocket();
    using gate = await connectGate(setting.ordinary.path);
    using mint = await connectGate(setting.privileged.path);
    expect((await gate.version()).methods).not.toContain('create_permit');
    expect((await mint.version()).methods).toContain('create_permit');
    expect((await gate.ping()).time).toBe(setting.time.now);

    const { car } = await gate.hashCar(request('prompt'));
    expect(await gate.check(request('prompt'))).toMatchObject({ car, verdict: 'PROMPT' });
    const { permit } = await mint.createPermit({
      car,
      subject: userSubject(HERE),
      verdict: 'PROMPT',
      uses: 2,
    });
    expect(await gate.check(request('prompt'), { permit })).toMatchObject({
      verdict: 'ALLOW',
      source: 'permit',
    });
    expect(await gate.verifyPermit(permit, car)).toMatchObject({ valid: true, usesLeft: 0 });
    expect(await gate.verifyPermit(permit, car)).toMatchObject({ valid: false, fault: 'permit/used' });
    expect(await gate.check(request('allow'), { issue: true })).toHaveProperty('permit');

    const key = { car, subject: closestSubject(HERE), revision: 1 };
    expect(await gate.cacheGet(key)).toMatchObject({ hit: true, decision: { verdict: 'PROMPT' } });
    expect(await mint.cacheInvalidate({ car })).toEqual({ removed: 1 });
    expect(await gate.cacheGet(key)).toEqual({ hit: false });
    expect(await mint.cachePut({ ...key, verdict: 'DENY', rule: 'r', reason: '' })).toEqual({ stored: true });
    expect((await gate.cacheStats()).entries).toBe(2);
    expect(await gate.checkReplay('n'.repeat(16), 1_000)).toEqual({ fresh: true, usesLeft: 0 });
    expect(await gate.checkReplay('n'.repeat(16), 1_000)).toEqual({ fresh: false, fault: 'used' });
    expect((await gate.replayStats()).permits.remembered).toBe(1);
  });

  it('takes answers in any number at a time', async () => {
    await using setting = await gateOverSocket();
    using gate = await connectGate(setting.ordinary.path);
    const targets = Array.from({ length: 500 }, (_, at) => `${at % 2 ? 'allow' : 'deny'}/${at}`);
    const answers = await Promise.all(targets.map((target) => gate.check(request(target))));
    expect(answers.map(({ verdict }) => verdict)).toEqual(
      targets.map((_, at) => (at % 2 ? 'ALLOW' : 'DENY')),
    );
  });

  it('reports a refused call, and goes on', async () => {
    await using setting = await gateOverSocket();
    using gate = await connectGate(setting.ordinary.path);
    const order = { car: 'a'.repeat(64), subject: userSubject(HERE), verdict: 'ALLOW' as const };
    const refused = await gate.createPermit(order).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(GateCallError);
    expect(refused).toMatchObject({ code: -32003, fault: 'gate/forbidden' });
    expect(await gate.ping()).toMatchObject({ pong: true });
  });

  it('does not change what it was asked: NaN is not null, and composing is told', async () => {
    await using setting = await gateOverSocket();
    using gate = await connectGate(setting.ordinary.path);
    await expect(gate.check({ ...request('allow'), arguments: [Number.NaN] })).rejects.toThrow(/NaN/);
    await expect(gate.check({ ...request('allow'), arguments: { at: undefined } })).rejects.toThrow(/plain/);
    const { canonical } = await gate.hashCar({ ...request('allow'), arguments: 2n ** 60n });
    expect(canonical).toContain('{"$int":"1152921504606846976"}');
    expect(await gate.check(request('allow/e\u0301'))).toMatchObject({ normalised: true });
  });

  it('fails when there is no gate, when it goes away, and from then on', async () => {
    const setting = await gateOverSocket();
    await expect(connectGate(join(setting.folder, 'none'))).rejects.toBeInstanceOf(GateUnavailableError);
    const gate = await connectGate(setting.ordinary.path);
    await gate.ping();
    await setting[Symbol.asyncDispose]();
    await expect(gate.ping()).rejects.toBeInstanceOf(GateUnavailableError);
    await expect(gate.ping()).rejects.toBeInstanceOf(GateUnavailableError);
  });

  it.each<[string, string]>([
    ['nothing', ''],
    ['no JSON', 'ALLOW\n'],
    ['the answer to another call', '{"jsonrpc":"2.0","id":7,"result":{"pong":true,"time":1}}\n'],
    ['an answer of another shape', '{"jsonrpc":"2.0","id":1,"result":{"pong":"true"}}\n'],
    ['no result', '{"jsonrpc":"2.0","id":1}\n'],
  ])('believes no gate that says %s', async (_what, line) => {
    await using setting = await gateOverSocket();
    const path = join(setting.folder, 'liar.sock');
    const liar = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.write(line);
    }).listen(path);
    await once(liar, 'listening');
    const gate = await connectGate(path, { timeout: 200 });
    await expect(gate.ping()).rejects.toBeInstanceOf(GateUnavailableError);
    gate.close();
    liar.close();
  });
});

describe('the Python client', () => {
  it('passes its own tests against the real sockets', async () => {
    await using setting = await gateOverSocket(
      {},
      {
        ask: async ({ action: { target } }) => {
          if (target === 'prompt/agree') return { outcome: 'ALLOW', reason: 'Ada agreed.' };
          if (target === 'prompt/refuse') return { outcome: 'DENY', reason: 'Ada refused.' };
          return new Promise(() => undefined);
        },
      },
    );
    const folder = fileURLToPath(new URL('../../clients/python/', import.meta.url));
    const child = spawn('python3', ['-m', 'unittest', 'discover', '-s', 'tests', '-v'], {
      cwd: folder,
      env: {
        PATH: process.env.PATH,
        PYTHONDONTWRITEBYTECODE: '1',
        GATE_SOCKET: setting.ordinary.path,
        MINT_SOCKET: setting.privileged.path,
        GATE_SUBJECT: userSubject(HERE),
      },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => (output += String(chunk)));
    const [code] = await once(child, 'close');
    expect(output).toMatch(/Ran \d\d tests/);
    expect(output).not.toContain('skipped');
    expect([code, output]).toEqual([0, expect.stringContaining('OK')]);
  });
});

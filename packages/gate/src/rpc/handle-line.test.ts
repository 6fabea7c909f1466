import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ALICE, gateUnderTest, MALLORY, request } from '../gate/gate.test-support.ts';
import { closestSubject, userSubject } from '../permit/subject.ts';
import { answerSchema, setUp } from './handle-line.test-support.ts';
import { createLineHandler, MAX_BATCH, MAX_LINE } from './handle-line.ts';
import { METHODS } from './methods.ts';

const CAR = 'a'.repeat(64);
const PRIVILEGED = ['create_permit', 'cache_put', 'cache_invalidate'];

describe('JSON-RPC 2.0', () => {
  it.each<[string, string, number]>([
    ['no JSON', '{', -32700],
    ['nothing', '', -32700],
    ['a number', '1', -32600],
    ['null', 'null', -32600],
    ['an empty batch', '[]', -32600],
    ['another version', '{"jsonrpc":"1.0","id":1,"method":"ping"}', -32600],
    ['no method', '{"jsonrpc":"2.0","id":1}', -32600],
    ['a method that is no text', '{"jsonrpc":"2.0","id":1,"method":1}', -32600],
    ['an id that is a list', '{"jsonrpc":"2.0","id":[],"method":"ping"}', -32600],
    ['an id that is a fraction', '{"jsonrpc":"2.0","id":1.5,"method":"ping"}', -32600],
    ['a very long id', `{"jsonrpc":"2.0","id":"${'i'.repeat(257)}","method":"ping"}`, -32600],
    ['an unknown method', '{"jsonrpc":"2.0","id":1,"method":"mint"}', -32601],
    ['a method of every object', '{"jsonrpc":"2.0","id":1,"method":"constructor"}', -32601],
    ['parameters by place', '{"jsonrpc":"2.0","id":1,"method":"ping","params":[1]}', -32602],
    ['a parameter too many', '{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":1}}', -32602],
    ['two methods', '{"jsonrpc":"2.0","id":1,"method":"ping","method":"version"}', -32002],
    ['too large a line', `"${'x'.repeat(MAX_LINE)}"`, -32001],
    ['too large a batch', JSON.stringify(Array(MAX_BATCH + 1).fill(1)), -32001],
    ['a megabyte of brackets', '['.repeat(MAX_LINE), -32002],
  ])('refuses %s', (_what, line, code) => {
    expect(setUp().codeOf(line)).toBe(code);
  });

  it.each([1, 0, -7, 'a"b\n', '', null])('answers under the id %j', (id) => {
    const line = JSON.stringify({ jsonrpc: '2.0', id, method: 'ping' });
    expect(JSON.parse(setUp().send(line) ?? '')).toMatchObject({ id, result: { pong: true } });
  });

  it('answers no notification, not even one that fails, but carries it out', () => {
    const { send, gate } = setUp();
    const notify = (method: string, params: unknown) => JSON.stringify({ jsonrpc: '2.0', method, params });
    expect(send(notify('nothing', {}))).toBeUndefined();
    expect(send(notify('ping', [1]))).toBeUndefined();
    expect(send(notify('create_permit', {}))).toBeUndefined();
    expect(send(`[${notify('ping', {})},${notify('ping', {})}]`)).toBeUndefined();
    const put = { car: CAR, subject: 'user/1', revision: 1, verdict: 'DENY', rule: 'r', reason: '' };
    expect(send(notify('cache_put', put), true)).toBeUndefined();
    expect(gate.cache.stats().entries).toBe(1);
  });

  it('answers a batch in order, each call for itself', () => {
    const { send } = setUp();
    const batch = [
      { jsonrpc: '2.0', id: 'a', method: 'ping' },
      { jsonrpc: '2.0', method: 'ping' },
      1,
      { jsonrpc: '2.0', id: 'b', method: 'nothing' },
      { jsonrpc: '2.0', id: 'c', method: 'create_permit', params: {} },
    ];
    const answers = z.array(answerSchema).parse(JSON.parse(send(JSON.stringify(batch)) ?? ''));
    expect(answers.map(({ id, error }) => [id, error?.code])).toEqual([
      ['a', undefined],
      [null, -32600],
      ['b', -32601],
      ['c', -32003],
    ]);
  });

  it('answers a request with two meanings under its id, and does not hash it', () => {
    const { send } = setUp();
    const line = (target: string) =>
      `{"jsonrpc":"2.0","id":9,"method":"hash_car","params":{"request":{"v":1,"action":"tool.call",${target}}}}`;
    for (const [text, fault] of [
      ['"target":"a","target":"b"', 'json/duplicate-name'],
      ['"target":"a","arguments":9007199254740993', 'json/inexact-number'],
      ['"target":"a","arguments":9007199254740992', 'json/large-integer'],
      ['"target":"a","arguments":"\\ud800"', 'json/lone-surrogate'],
      ['"target":"a","arguments":{"__proto__":1}', 'json/reserved-name'],
      ['"target":"a","arguments":-0', 'json/inexact-number'],
      [`"target":"a","arguments":${'['.repeat(70)}${']'.repeat(70)}`, 'json/too-deep'],
    ]) {
      expect(JSON.parse(send(line(text ?? '')) ?? '')).toMatchObject({
        id: 9,
        error: { code: -32002, data: { code: 'gate/not-canonical', fault } },
      });
    }
  });
});

describe('the methods', () => {
  it('are the ones of the protocol', () => {
    const { call } = setUp();
    const all = [...METHODS.keys()];
    expect(all.toSorted()).toEqual(
      'approval_result cache_get cache_invalidate cache_put cache_stats check_replay create_permit gate_check hash_car ping replay_stats verify_permit version'.split(
        ' ',
      ),
    );
    expect(call('version', {}, true).result?.methods).toEqual(all);
    expect(call('version').result?.methods).toEqual(all.filter((name) => !PRIVILEGED.includes(name)));
  });

  it.each(PRIVILEGED)('%s is forbidden on the ordinary socket, whatever comes along', (method) => {
    const { call } = setUp();
    const params = {
      car: CAR,
      subject: userSubject(ALICE),
      verdict: 'ALLOW',
      revision: 1,
      rule: '',
      reason: '',
    };
    for (const given of [{}, params, { mint: true }, { ...params, context: { mint: true } }]) {
      expect(call(method, given).error?.code).toBe(-32003);
    }
  });

  it('hash, check, issue and verify', () => {
    const { call } = setUp();
    const { car, canonical } = call('hash_car', { request: request('allow') }).result ?? {};
    expect(canonical).toBe('{"action":"tool.call","target":"allow","v":1}');
    const checked = call('gate_check', { request: request('allow'), issue: true }).result;
    expect(checked).toMatchObject({ car, verdict: 'ALLOW', source: 'policy' });
    const verify = () => call('verify_permit', { permit: checked?.permit, car }).result;
    expect(verify()).toMatchObject({ valid: true, verdict: 'ALLOW', usesLeft: 0 });
    expect(verify()).toMatchObject({ valid: false, fault: 'permit/used' });
  });

  it('let only the privileged socket speak for others', () => {
    const { call } = setUp();
    const subject = closestSubject(ALICE);
    const asMallory = (mint: boolean) => [
      call('gate_check', { request: request('allow'), subject }, mint, MALLORY).error?.code,
      call('cache_get', { car: CAR, subject, revision: 1 }, mint, MALLORY).error?.code,
      call('verify_permit', { permit: 'x', car: CAR, subject }, mint, MALLORY).error?.code,
    ];
    expect(asMallory(false)).toEqual([-32003, -32003, -32003]);
    expect(asMallory(true)).toEqual([undefined, undefined, undefined]);
    expect(call('gate_check', { request: request('allow'), subject }).error).toBeUndefined();
  });

  it('give a stolen permit to nobody', () => {
    const { call } = setUp();
    const { car, permit } = call('gate_check', { request: request('allow'), issue: true }).result ?? {};
    const stolen = call('verify_permit', { permit, car }, false, MALLORY).result;
    expect(stolen).toMatchObject({ valid: false, fault: 'permit/other-subject' });
    expect(call('verify_permit', { permit, car }).result).toMatchObject({ valid: true });
  });

  it('mint for an approval, within limits', () => {
    const { call } = setUp();
    const { car } = call('gate_check', { request: request('prompt') }).result ?? {};
    const order = { car, subject: userSubject(ALICE), verdict: 'PROMPT' };
    const { permit } = call('create_permit', order, true).result ?? {};
    expect(call('gate_check', { request: request('prompt'), permit }).result?.verdict).toBe('ALLOW');
    expect(call('create_permit', { ...order, uses: 10_000 }, true).error?.data.code).toBe('gate/refused');
    expect(call('create_permit', { ...order, lifetime_ms: 1e9 }, true).error?.data.code).toBe('gate/refused');
    expect(call('create_permit', { ...order, verdict: 'DENY' }, true).error?.code).toBe(-32602);
    expect(call('create_permit', { ...order, subject: 'everybody' }, true).error?.code).toBe(-32602);
  });

  it('keep the nonces of users apart', () => {
    const { call } = setUp();
    const check = (caller: typeof ALICE) =>
      call('check_replay', { nonce: 'n'.repeat(16), lifetime_ms: 1_000 }, false, caller).result;
    expect(check(MALLORY)).toMatchObject({ fresh: true });
    expect(check(ALICE)).toMatchObject({ fresh: true });
    expect(check(ALICE)).toEqual({ fresh: false, fault: 'used' });
  });

  it('do not let one user crowd out the permits of others', () => {
    const { call, gate } = setUp();
    for (let count = 0; count <= gate.limits.callerNonces.perOwner; count += 1) {
      call('check_replay', { nonce: `nonce-of-mallory-${count}`, lifetime_ms: 300_000 }, false, MALLORY);
    }
    expect(call('replay_stats').result).toMatchObject({ nonces: { refused: 1 }, permits: { remembered: 0 } });
    expect(call('check_replay', { nonce: 'n'.repeat(16), lifetime_ms: 9 }).result).toMatchObject({
      fresh: true,
    });
    const { car, permit } = call('gate_check', { request: request('allow'), issue: true }).result ?? {};
    expect(call('verify_permit', { permit, car }).result).toMatchObject({ valid: true });
  });

  it('show, fill and empty the cache', () => {
    const { call } = setUp();
    const key = { car: CAR, subject: userSubject({ uid: 5 }), revision: 3 };
    const put = { ...key, verdict: 'DENY', rule: 'r', reason: 'x' };
    expect(call('cache_put', put, true).result).toEqual({ stored: true });
    expect(call('cache_put', { ...put, revision: 2 }, true).result).toEqual({ stored: false });
    expect(call('cache_get', key, true).result).toEqual({
      hit: true,
      decision: { verdict: 'DENY', rule: 'r', reason: 'x' },
    });
    expect(call('cache_invalidate', { subject: key.subject }, true).result).toEqual({ removed: 1 });
    expect(call('cache_get', key, true).result).toEqual({ hit: false });
    expect(call('cache_stats').result).toMatchObject({ entries: 0, revision: 3, hits: 1, misses: 1 });
  });

  it('say nothing about an error of their own but that there was one', () => {
    const { call, internal } = (() => {
      const setting = gateUnderTest({
        revision: () => {
          throw new RangeError('/etc/raypher/secret');
        },
      });
      const faults: unknown[] = [];
      const handle = createLineHandler(setting.gate, { onInternalError: (error) => faults.push(error) });
      const line = JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'gate_check',
        params: { request: request('a') },
      });
      return { call: () => handle(line, { caller: ALICE, mint: false }), internal: faults };
    })();
    const answer = call() ?? '';
    expect(answer).toContain('-32603');
    expect(answer).not.toContain('secret');
    expect(internal).toHaveLength(1);
  });
});

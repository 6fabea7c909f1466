import { describe, expect, test } from 'vitest';
import { targetOf } from './gate-event.ts';
import { maskFindings } from './mask-findings.ts';
import { policyRequest, reached } from './policy-request.ts';

const KEY = ['gh', 'p_', 'A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8'].join('');

describe('what is kept of an action', () => {
  test('has no secrets in it, and says when it is not all', () => {
    expect(maskFindings(`use ${KEY} now`)).toBe('use *** now');
    expect(maskFindings(`card ${['4111', '1111', '1111', '1111'].join(' ')}`)).not.toContain('4111 1111');
    expect(maskFindings('x '.repeat(2_000))).toMatch(/…$/);
    expect(maskFindings('an ordinary sentence')).toBe('an ordinary sentence');
  });

  test('is the command line, the host and path, or the name', () => {
    const request = (action: string, target: string, given?: unknown) =>
      targetOf({ v: 1, action, target, ...(given === undefined ? {} : { arguments: given }) });
    expect(request('process.exec', 'curl', ['--token', KEY, 'x'])).toBe('curl --token *** x');
    expect(request('network.connect', `https://u:p@a.example/x?key=${KEY}#f`)).toBe('a.example:443/x');
    expect(request('tool.call', 'send', { secret: KEY })).toBe('send');
  });
});

test('addresses are read as browsers read them', () => {
  expect(reached('https://A.example:8443/p?q')).toEqual({ host: 'a.example', port: 8443, path: '/p' });
  expect(reached('http://0x7f.1/')).toMatchObject({ host: '127.0.0.1', port: 80 });
  expect(reached('[::1]:8080')).toEqual({ host: '[::1]', port: 8080 });
  expect(reached('good.example@evil.example')).toMatchObject({ host: 'evil.example' });
  expect(reached('not a host')).toEqual({ host: 'not a host', port: 0 });
});

test('facts that nobody can read are null, those that are not there are absent', () => {
  const of = (action: string, more: object) => policyRequest({ v: 1, action, target: 'x', ...more }, null);
  expect(of('process.exec', {})).toMatchObject({ arguments: null });
  expect(of('process.exec', { arguments: ['a', 1] })).toMatchObject({ arguments: null });
  expect(of('tool.call', { context: { server: ['db'] } })).toMatchObject({ server: null });
  expect(of('tool.call', {})).not.toHaveProperty('server');
  expect(of('tool.call', { arguments: { a: ['b', { c: 'd' }], n: 1 } })).toMatchObject({
    arguments: ['b', 'd', '1'],
  });
  expect(of('data.out', {})).toMatchObject({ findings: null });
  expect(of('data.in', { arguments: { findings: [{ class: 'a' }] } })).toMatchObject({ findings: null });
  expect(of('package.install', {})).toMatchObject({ version: null });
});

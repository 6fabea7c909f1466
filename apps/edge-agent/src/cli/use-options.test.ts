import { Command } from 'commander';
import { expect, test } from 'vitest';
import { type UseOptions, useOf, withUseOptions } from './use-options.ts';

function read(...args: string[]) {
  const command = withUseOptions(new Command('seal'))
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  command.parse(args, { from: 'user' });
  return useOf(command.opts<UseOptions>());
}

test('a use is read from the options, each of which may be given several times', () => {
  expect(
    read(
      ...[
        '--host',
        'API.GitHub.com',
        '--host',
        '*.github.com:8443',
        '--method',
        'get',
        '--path',
        '/repos/**',
      ],
      ...[
        '--header',
        'Authorization: Bearer',
        '--header',
        'x-key',
        '--query',
        'key',
        '--form',
        'client_secret',
      ],
      ...['--body-field', '/auth/token', '--basic', 'password', '--max-uses', '100'],
      ...['--expires', '2027-01-01T00:00:00Z'],
    ),
  ).toEqual({
    hosts: ['api.github.com', '*.github.com:8443'],
    methods: ['GET'],
    paths: ['/repos/**'],
    in: [
      { header: 'authorization', scheme: 'Bearer' },
      { header: 'x-key' },
      { query: 'key' },
      { json: '/auth/token' },
      { form: 'client_secret' },
      { basic: 'password' },
    ],
    maxUses: 100,
    expires: '2027-01-01T00:00:00Z',
  });
  expect(read()).toBeUndefined();
});

const GOOD = ['--host', 'api.example.com', '--header', 'x-key'];
test.each<[string, RegExp, string[]]>([
  ['a URL as host', /--host takes/, ['--host', 'https://api.example.com', '--header', 'x-key']],
  ['no host', /--host takes/, ['--header', 'x-key']],
  ['no place', /Name 1 to 8 places/, ['--host', 'api.example.com']],
  ['a header of the message', /Name 1 to 8 places/, ['--host', 'api.example.com', '--header', 'host']],
  ['a third part of basic', /Name 1 to 8 places/, ['--host', 'api.example.com', '--basic', 'realm']],
  ['another method', /--method takes/, [...GOOD, '--method', 'TRACE']],
  ['a path without a slash', /--path begins/, [...GOOD, '--path', 'repos']],
  ['no uses', /--max-uses takes/, [...GOOD, '--max-uses', '0']],
  ['a day without a time', /--expires takes/, [...GOOD, '--expires', '2027-01-01']],
])('%s is refused, and the option named', (_, message, args) => {
  expect(() => read(...args)).toThrow(message);
});

import { describe, expect, it } from 'vitest';
import { parseStartArguments } from './arguments.mjs';

describe('the options of npm start', () => {
  it('have defaults for everything', () => {
    expect(parseStartArguments([])).toEqual({
      dataDir: '.raypher',
      port: undefined,
      listenHost: '127.0.0.1',
      resetPassword: false,
      agent: true,
      demo: 0,
      ingestors: 1,
      yes: false,
      help: false,
    });
  });

  it('are read', () => {
    const args = [
      '--data-dir',
      '/srv/raypher',
      '--port',
      '8080',
      '--listen',
      '0.0.0.0',
      '--no-agent',
      '--yes',
      '--demo',
      '20',
      '--ingestors',
      '2',
    ];
    expect(parseStartArguments(args)).toMatchObject({
      dataDir: '/srv/raypher',
      port: 8080,
      listenHost: '0.0.0.0',
      agent: false,
      demo: 20,
      ingestors: 2,
      yes: true,
    });
  });

  it.each([
    ['--port', '0'],
    ['--port', 'http'],
    ['--port', '70000'],
    ['--demo', 'many'],
    ['--prot', '1'],
    ['now'],
  ])('are refused with exit code 2 when they are wrong: %s %s', (...args) => {
    expect(() => parseStartArguments(args.filter((arg) => arg !== undefined))).toThrow(
      expect.objectContaining({ exitCode: 2 }),
    );
  });
});

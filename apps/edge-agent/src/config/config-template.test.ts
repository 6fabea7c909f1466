import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ConfigFile, DEFAULT_CONFIG, overlay } from './config.ts';
import { configKeys } from './config-keys.ts';
import { configTemplate } from './config-template.ts';
import { parseConfig } from './parse-config.ts';

const keys = configKeys();

test('every key says what it is and has an example', () => {
  const silent = keys.filter(({ description, example }) => description === '' || example === undefined);
  expect(silent, 'give these keys a .meta({ description, example }) in config.ts').toEqual([]);
  expect(keys.length).toBeGreaterThan(5);
});

test('the template as it is installed sets nothing', () => {
  const config = overlay(DEFAULT_CONFIG, parseConfig(configTemplate(), 'agent.toml'));
  expect(config).toEqual(DEFAULT_CONFIG);
});

test('the template has every key, and each line is valid once its # is gone', () => {
  const written = configTemplate().replaceAll(/^#(\w+ = )/gm, '$1');
  const file = parseConfig(written, 'agent.toml');
  for (const { path, example } of keys) {
    const value = path.reduce<unknown>((at, name) => Reflect.get(Object(at), name), file);
    expect(value, path.join('.')).toEqual(example);
  }
  expect(ConfigFile.parse(file)).toEqual(file);
});

test('what the template shows as a default is the default', () => {
  const written = configTemplate().replaceAll(/^#(\w+ = )/gm, '$1');
  const { proxyPort, proxyBodyLimitBytes, inventoryIntervalMs, logLevel } = overlay(
    DEFAULT_CONFIG,
    parseConfig(written, 'agent.toml'),
  );
  expect({ proxyPort, proxyBodyLimitBytes, inventoryIntervalMs, logLevel }).toEqual({
    proxyPort: DEFAULT_CONFIG.proxyPort,
    proxyBodyLimitBytes: DEFAULT_CONFIG.proxyBodyLimitBytes,
    inventoryIntervalMs: DEFAULT_CONFIG.inventoryIntervalMs,
    logLevel: DEFAULT_CONFIG.logLevel,
  });
});

test('docs/cli.md documents every key, and none that there is not', () => {
  const docs = readFileSync(new URL('../../../../docs/cli.md', import.meta.url), 'utf8');
  const section = /## Configuration\n(?<text>[\s\S]*?)\n## /.exec(docs)?.groups?.text ?? '';
  const documented = [...section.matchAll(/^\| `([a-z_.]+)` \|/gm)].map(([, key]) => key);
  expect(documented.toSorted()).toEqual(keys.map(({ path }) => path.join('.')).toSorted());
});

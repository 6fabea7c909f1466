import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DEFAULT_CONFIG } from './config.ts';
import { loadConfig } from './load-config.ts';
import { parseConfig } from './parse-config.ts';

function file(source: string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'raypher-config-')), 'agent.toml');
  writeFileSync(path, source);
  return path;
}

test('without anything the defaults hold', () => {
  expect(loadConfig({}, {}, [])).toEqual(DEFAULT_CONFIG);
});

test('flags win over the environment, the environment over files, later files over earlier ones', () => {
  const system = file('data_dir = "/system"\n[proxy]\nport = 1\nbody_limit_mib = 5\n');
  const user = file('[proxy]\nport = 2\n[log]\nlevel = "warn"\n');
  const config = loadConfig({ dataDir: '/flag' }, { RAYPHER_PROXY_PORT: '3' }, [system, user]);
  expect(config).toMatchObject({
    dataDir: '/flag',
    proxyPort: 3,
    proxyBodyLimitBytes: 5 * 1024 * 1024,
    logLevel: 'warn',
  });
});

test('hosts can be led to another address', () => {
  const path = file('[proxy.connect_to]\n"api.deepseek.com" = "http://127.0.0.1:18080"\n');
  expect(loadConfig({ config: path }, {}, []).proxyConnectTo).toEqual({
    'api.deepseek.com': 'http://127.0.0.1:18080',
  });
});

test.each([
  'https://ner.corp.example/analyzer',
  'http://127.0.0.1:5002',
  'http://[::1]:5002',
  'http://localhost',
])('prompts may be sent to %s', (url) => {
  const config = loadConfig(
    { config: file(`[dlp]\nrecogniser = "presidio"\npresidio_url = "${url}"\n`) },
    {},
    [],
  );
  expect(config).toMatchObject({ dlpRecogniser: 'presidio', dlpPresidioUrl: url });
});

test.each([
  ['[proxy]\nprot = 1\n', 'agent.toml:2: there is no key `proxy.prot`.', 'Did you mean `proxy.port`?'],
  ['# hello\ndata-dir = "/x"\n', 'agent.toml:2: there is no key `data-dir`.', 'Did you mean `data_dir`?'],
  ['[prxy]\nport = 1\n', 'agent.toml:1: there is no key `prxy`.', 'Did you mean `proxy`?'],
  ['proxy.port = "many"\n', 'agent.toml:1: `proxy.port`: ', undefined],
  ['[proxy]\nport = 70000\n', 'agent.toml:2: `proxy.port`: ', undefined],
  ['[identity]\nkey = "hardware"\n', 'agent.toml:2: `identity.key`: ', undefined],
  [
    '[identity]\nkye = "tpm"\n',
    'agent.toml:2: there is no key `identity.kye`.',
    'Did you mean `identity.key`?',
  ],
  ['[log]\n\nlevel = "loud"\n', 'agent.toml:3: `log.level`: ', undefined],
  ['[dlp]\npresidio_url = "http://10.0.0.5:5002"\n', 'agent.toml:2: `dlp.presidio_url`: ', undefined],
  [
    '[dlp]\npresidio_url = "http://127.0.0.1.evil.example"\n',
    'agent.toml:2: `dlp.presidio_url`: ',
    undefined,
  ],
  ['[dlp]\nrecogniser = "spacy"\n', 'agent.toml:2: `dlp.recogniser`: ', undefined],
  ['[proxy]\nport = \n', 'agent.toml:2:', 'The file must be TOML (https://toml.io).'],
  [
    '[proxy.connect_to]\n"a.example" = "ftp://x"\n',
    'agent.toml:2: `proxy.connect_to.a.example`: ',
    undefined,
  ],
])('%j is refused with its place', (source, message, hint) => {
  let refusal: unknown;
  try {
    parseConfig(source, 'agent.toml');
  } catch (error) {
    refusal = error;
  }
  expect(refusal).toMatchObject({ code: 'config/invalid' });
  expect(String(refusal)).toContain(message);
  if (hint !== undefined) expect(refusal).toMatchObject({ hint });
});

test.each([
  [{ RAYPHER_PROXY_PORT: 'eighty' }, /^RaypherError: RAYPHER_PROXY_PORT: /],
  [{ RAYPHER_LOG_LEVEL: 'loud' }, /^RaypherError: RAYPHER_LOG_LEVEL: /],
])('the environment %j is refused', (environment, message) => {
  expect(() => loadConfig({}, environment, [])).toThrowError(
    expect.objectContaining({ code: 'config/invalid' }),
  );
  try {
    loadConfig({}, environment, []);
  } catch (error) {
    expect(String(error)).toMatch(message);
  }
});

test('a file that was named must be there', () => {
  expect(() => loadConfig({ config: '/nowhere/agent.toml' }, {}, [])).toThrowError(/no configuration file/);
});

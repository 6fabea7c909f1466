import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createScanner } from './create-scanner.ts';
import { exampleOfFormat } from './format.ts';

const scanner = createScanner();
const idsIn = (text: string): string[] => scanner.scan(text).map(({ detector }) => detector);

describe('false friends', () => {
  test.each([
    'the helpdesk-assistant and a desk-proj-lamp in january',
    'const tokenCount = max_tokens; // token budget of the array',
    'password = getPassword(user)',
    'API_KEY=${API_KEY} and Authorization: Bearer $TOKEN',
    'apiKey: "your-api-key-here", secret: "changeme"',
    'sha512-{base64:86}==',
    'id: {uuid}, etag "{hex:64}", commit {hex:40}',
    'data:image/png;base64,{base64:400}',
    'version 1.2.3.4, 192.168.0.1, 2024-06-05T09:15:30.500Z, 1718000000000',
    'git@github.com:owner/project.git and pkg@4.17.21',
    'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{base64:43} jo@laptop',
    '-----BEGIN PUBLIC KEY-----\n{base64:64}\n{base64:64}\n{base64:50}\n-----END PUBLIC KEY-----',
    '{"kty":"EC","x":"{word:43}","y":"{word:43}","kid":"{word:43}"}',
    'Stripe("pk_live_51{alnum:97}")',
    'ETag: W/"{hex:4}-{base64:27}="',
    'x-amz-id-2: {base64:75}=',
    '_acme-challenge.northwind.com. 300 IN TXT "{word:43}"',
    "script-src 'nonce-{base64:22}=='",
    'data-sitekey="{word:40}"',
    'Message-ID: <{hex:32}@mail.gmail.com>',
    '{"nextPageToken":"{word:60}"}',
    'checksum/secret: {hex:64}',
    'mongodb://<user>:<password>@cluster0.mongodb.net/test',
    "argon2id(password, salt1234, { t: 2 }); importKey('raw', _password, 'PBKDF2')",
    'authPassword?: CoreV1SecretKeySelector; password: Uint8Array',
    'the password is wrong, the token is base64url-encoded and the secret is SHA256-hashed',
    '  --password string   password for basic auth\n  --token-file path   where the token is',
    'arn:aws:secretsmanager:eu-west-1:{digit:12}:secret:prod/db/password-{alnum:6}',
    'items 113 115 158 159 160',
  ])('nothing in %s', (format) => {
    expect(idsIn(exampleOfFormat(format))).toEqual([]);
  });
});

describe('attempts to hide', () => {
  const key = exampleOfFormat('ghp_{alnum:36}');
  test.each([
    ['zero-width spaces inside', [...key].join('\u200B')],
    ['a word joiner in front', `word\u2060${key}`],
    [
      'fullwidth letters',
      [...key].map((c) => (c === '_' ? c : String.fromCharCode(c.charCodeAt(0) + 0xfee0))).join(''),
    ],
    ['a line break at both ends', `\n${key}\n`],
    ['another secret beside it', `${key} ${key}`],
    ['a sentence end', `It is ${key}.`],
    ['a hundred kilobytes in front', `${'lorem ipsum '.repeat(9_000)}${key}`],
  ])('%s', (_, text) => {
    expect(idsIn(text)).toContain('github-pat');
  });

  test('a card in fullwidth digits or with typographic dashes', () => {
    expect(idsIn('４１１１ １１１１ １１１１ １１１１')).toEqual(['payment-card']);
    expect(idsIn('4111–1111–1111–1111')).toEqual(['payment-card']);
  });
});

test('a short password under its name is found', () => {
  expect(idsIn('db_password: "hunter2"')).toEqual(['assigned-secret']);
});

test.each([
  ['a flag', './deploy --api-key {alnum:24} --dry-run'],
  ['a variable of Windows', 'setx SERVICE_TOKEN "{alnum:24}"'],
  ['a variable of fish', 'set -gx SERVICE_TOKEN {alnum:24}'],
  ['Gradle', 'storePassword "{alnum:16}"'],
  ['SQL', "ALTER USER app WITH PASSWORD '{alnum:16}';"],
  ['Rust', 'const SERVICE_TOKEN: &str = "{alnum:24}";'],
  ['C#', 'public string ServiceToken { get; set; } = "{alnum:24}";'],
  ['Terraform', 'variable "service_token" {\n  type    = string\n  default = "{alnum:24}"\n}'],
  ['a sentence', 'the password for the database is {alnum:12}, thanks'],
  ['a sentence about names', 'I set `SERVICE_TOKEN` to `{alnum:24}` and it fails'],
  ['a sentence in German', 'Das Kennwort lautet {alnum:12}'],
  ['Spanish', 'contrase\u00f1a: {alnum:12}'],
  ['letters of both cases', 'PGPASSWORD=qZkFwVxJhGpBmT pg_dump -h db'],
])('a secret is found beside its name in %s', (_, format) => {
  expect(idsIn(exampleOfFormat(format))).toContain('assigned-secret');
});

test.each([
  ['Russian', '\u0418\u041d\u041d 500100732259', 'ru-tax-number'],
  ['Chinese', '\u8eab\u4efd\u8bc1\u53f7 11010519491231002X, thanks', 'cn-resident'],
  [
    'Thai',
    '\u0e40\u0e25\u0e02\u0e1b\u0e23\u0e30\u0e08\u0e33\u0e15\u0e31\u0e27\u0e1b\u0e23\u0e30\u0e0a\u0e32\u0e0a\u0e19: 1234567890121',
    'th-id',
  ],
])('a number is named in %s', (_, text, id) => {
  expect(idsIn(text)).toContain(id);
});

test('a short word of another script inside a longer one names nothing', () => {
  expect(idsIn('\u0434\u043b\u0438\u043d\u043d\u044b\u0439 500100732259 ')).toEqual([]);
});

test('a number behind an equals sign is found where its name says what it is', () => {
  expect(idsIn('card=4111111111111111&exp=04')).toEqual(['payment-card']);
  expect(idsIn('id=4111111111111111&page=2')).toEqual([]);
});

test('a card is found in the cell of a table whose head says so', () => {
  expect(idsIn('card,amount\n4111111111111111,12.50')).toEqual(['payment-card']);
});

test('a finding covers the whole secret and nothing in front of it', () => {
  fc.assert(
    fc.property(fc.nat(1_000), fc.stringMatching(/^[a-z ,.]{0,40}$/), (seed, filler) => {
      const secret = exampleOfFormat('ghp_{alnum:36}', seed + 1);
      const text = `${filler} ${secret} ${filler}`;
      const found = scanner.scan(text).find(({ detector }) => detector === 'github-pat');
      expect(found && text.slice(found.start, found.end)).toBe(secret);
    }),
  );
});

test('findings come in order, do not overlap, stay inside the text and below the stated length', () => {
  const piece = fc.constantFrom(
    'ghp_{alnum:36}',
    '4111111111111111',
    'a@b.co ',
    'password="q1w2e3x!"',
    ' ',
    '\u200B',
    'eyJ{word:20}.',
    '-----BEGIN PRIVATE KEY-----{base64:64}',
    '🙂',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (formats) => {
      const text = exampleOfFormat(formats.join(''));
      let previous = 0;
      for (const { start, end } of scanner.scan(text)) {
        expect(start).toBeGreaterThanOrEqual(previous);
        expect(end).toBeGreaterThan(start);
        expect(end - start).toBeLessThanOrEqual(scanner.longestFinding);
        previous = end;
      }
      expect(previous).toBeLessThanOrEqual(text.length);
    }),
  );
});

test('a private key longer than a finding is covered to its end', () => {
  const text = exampleOfFormat(
    `-----BEGIN PRIVATE KEY-----\n${'{base64:64}\n'.repeat(150)}-----END PRIVATE KEY-----`,
  );
  const findings = scanner.scan(text);
  expect(findings.length).toBeGreaterThan(1);
  expect(findings.map(({ start }) => start)).toEqual([0, ...findings.slice(0, -1).map(({ end }) => end)]);
  expect(findings.at(-1)?.end).toBe(text.length);
});

test('the version changes with the options and with nothing else', () => {
  expect(createScanner().version).toBe(scanner.version);
  expect(createScanner({ minimumConfidence: 0.6 }).version).not.toBe(scanner.version);
  expect(
    createScanner({ custom: [{ kind: 'dictionary', id: 'x', severity: 'low', phrases: ['zebra'] }] }).version,
  ).not.toBe(scanner.version);
});

describe('hostile input costs a bounded multiple of ordinary text', () => {
  const size = 100_000;
  const fill = (unit: string) => unit.repeat(Math.ceil(size / unit.length)).slice(0, size);
  const time = (text: string) => {
    const times = Array.from({ length: 3 }, () => {
      const before = performance.now();
      scanner.scan(text);
      return performance.now() - before;
    });
    return Math.min(...times);
  };
  const ordinary = Math.max(
    time(fill('The agent reads the file, edits three lines and runs the tests again. ')),
    2,
  );

  test.each([
    'a',
    '1',
    '1 ',
    '1-',
    ' ',
    '@',
    'a@',
    'a.',
    'a@a.',
    '://',
    '://a:',
    'eyJ',
    'eyJ.',
    'eyJ-',
    'ey.eyJa.',
    'sk-',
    'sk-proj-',
    'key=',
    'password: ',
    'token token ',
    'api_key"',
    'curl -u ',
    'curl \\\n',
    '-----BEGIN PRIVATE KEY-----',
    '-----BEGIN ',
    'AKIA',
    'hooks.slack.com/',
    'ZXlK',
    'GB29 NWBK ',
    'aA1',
    'aB3xY9',
    '0x',
    'bc1',
    'Q~',
    '4111 ',
    '+1',
    'ssn 1',
    '\u200B',
    '\uFF11',
    '=',
    '"',
    'phone 5',
    'xoxa-',
    '|',
    'dob 1/1/',
    'authorization: ',
    'aaaaaaaaaaaaaaaaaaaaaa',
  ])('%j', (unit) => {
    expect(time(fill(unit)) / ordinary).toBeLessThan(150);
  });
});

test('nothing fires on the benign corpus', () => {
  const lines = gunzipSync(readFileSync(new URL('../../testdata/benign.jsonl.gz', import.meta.url)))
    .toString()
    .trim()
    .split('\n');
  const fired = lines.flatMap((line) => {
    const { id, text }: { id: string; text: string } = JSON.parse(line);
    return scanner.scan(text).map(({ detector }) => `${id} ${detector}`);
  });
  expect(lines.length).toBeGreaterThan(100);
  expect(fired).toEqual([]);
});

test.each([
  ['gitleaks', 0.97],
  ['presidio', 0.9],
])('recall on the labelled texts of %s', (source, least) => {
  const lines = gunzipSync(readFileSync(new URL(`../../testdata/${source}.jsonl.gz`, import.meta.url)))
    .toString()
    .trim()
    .split('\n');
  let [labels, found] = [0, 0];
  for (const line of lines) {
    const { text, expected }: { text: string; expected: { match: string }[] } = JSON.parse(line);
    const findings = expected.length > 0 ? scanner.scan(text) : [];
    for (const { match } of expected) {
      labels++;
      const at = text.indexOf(match);
      if (findings.some(({ start, end }) => start < at + match.length && end > at)) found++;
    }
  }
  expect(found / labels).toBeGreaterThan(least);
});

import { describe, expect, it } from 'vitest';
import { createScanner } from '../detect/create-scanner.ts';
import { type Inspection, inspectBody, inspectHeaders, inspectUrl } from './inspect.ts';
import { redactAll, samplePlaceholders } from './sample-placeholders.ts';
import { samples, sampleScanner as scanner } from './sample-scanner.ts';

const utf8 = new TextEncoder();
const { key, pem, email, card, entropy } = samples;
const keyMark = samplePlaceholders.issue({ detector: 'sample-key', category: 'credential' }, key);

function inspectText(text: string, contentType = 'application/json'): Inspection<Uint8Array> {
  return inspectBody(utf8.encode(text), contentType, { scanner });
}
function redact(text: string, contentType = 'application/json'): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(
    inspectText(text, contentType).rewrite(redactAll).content,
  );
}
const escaped = (text: string) =>
  [...text].map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
const base64 = (text: string | Uint8Array) => Buffer.from(text).toString('base64');

describe('a secret in a JSON body is found', () => {
  const hidden: Record<string, string> = {
    'as a plain string': `{"messages":[{"role":"user","content":"my ${key} key"}]}`,
    'spelt in \\u escapes': `{"messages":[{"content":"${escaped(key)}"}]}`,
    'with line breaks escaped': JSON.stringify({ messages: [{ content: pem }] }),
    'as a key': `{"x":{"${key}":1}}`,
    'under a key that comes twice': `{"prompt":"${key}","prompt":"hello"}`,
    'as a number': `{"messages":[{"content":[{"text":"a"}]}],"n":${card.replaceAll(' ', '')}}`,
    'by the name of its key': `{"args":{"password":"hunter2hunter"}}`,
    'in tool arguments, which are JSON in a string': JSON.stringify({
      messages: [
        { tool_calls: [{ function: { name: 'f', arguments: JSON.stringify({ a: { b: `x ${key}` } }) } }] },
      ],
    }),
    'in JSON in JSON in JSON': JSON.stringify({
      input: JSON.stringify({ a: JSON.stringify({ b: JSON.stringify([key]) }) }),
    }),
    'in a tool result': JSON.stringify({
      messages: [{ role: 'user', content: [{ type: 'tool_result', content: [{ text: key }] }] }],
    }),
    'in base64': JSON.stringify({ messages: [{ content: `see ${base64(`the key is ${key}.`)} ok` }] }),
    'in URL-safe base64 without padding': JSON.stringify({
      a: Buffer.from(`the key?>~ is ${key}!`).toString('base64url'),
    }),
    'in a data: URI': JSON.stringify({ url: `data:text/plain;base64,${base64(`k ${key}`)}` }),
    'in a percent-encoded data: URI': JSON.stringify({
      url: `data:text/plain,${key.replaceAll('1', '%31')}%20x`,
    }),
    'in base64 of JSON in base64': JSON.stringify({
      a: base64(JSON.stringify({ doc: base64(JSON.stringify({ k: key })) })),
    }),
    'behind a comment that only lenient parsers take': `{"a": /* x */ "${escaped(key)}"}`,
    'in a text cut off in the middle': `{"messages":[{"content":"${key}`,
    'in escapes in arguments that are broken off': JSON.stringify({
      messages: [{ tool_calls: [{ function: { name: 'f', arguments: `{"a":"${escaped(key)}"` } }] }],
    }),
    'in escapes in JSON in the middle of prose': JSON.stringify({ input: `see {"a":"${escaped(key)}"} ok` }),
    'in base64 over several lines': JSON.stringify({
      c: base64(`${'hello '.repeat(15)}${key}${' tail'.repeat(10)}`).replace(/.{76}/g, '$&\n'),
    }),
    'in single quotes': `{'content': '${key}'}`,
    'under 100,000 brackets': `${'['.repeat(100_000)}"${escaped(key)}"${']'.repeat(100_000)}`,
    'in NDJSON': `{"a":1}\n{"b":"${escaped(key)}"}\n`,
    'after a byte order mark': `\ufeff{"a":"${escaped(key)}"}`,
  };
  it.each(Object.entries(hidden))('%s, and goes', (_name, body) => {
    const inspection = inspectText(body);
    expect(inspection.parts.flatMap((part) => part.findings).length).toBeGreaterThan(0);
    const written = redact(body);
    expect(written).not.toBe(body);
    expect(inspectText(written).parts.flatMap((part) => part.findings)).toEqual([]);
  });

  it('and everything else stays bit for bit, white space, escapes and duplicates included', () => {
    const body = (secret: string) =>
      `{ "a" :1.50e+2, "\\u0061":"\\/ü\\ud83d\\ude00 ${secret} \\n",\t"a":[ ] }\r\n`;
    expect(redact(body(key))).toBe(body(keyMark));
  });

  it('and a number leaves a string, so that the body stays JSON', () => {
    const written = redact(`{"card":${card.replaceAll(' ', '')}}`);
    expect(JSON.parse(written)).toEqual({ card: expect.stringMatching(/^\[\[PAYMENT_[0-9A-F]{6}\]\]$/) });
  });

  it('and a base64 attachment stays one, in its own alphabet and padding', () => {
    const { doc } = JSON.parse(redact(JSON.stringify({ doc: base64(`the key is ${key}, ü`) })));
    expect(Buffer.from(doc, 'base64').toString()).toBe(`the key is ${keyMark}, ü`);
  });
});

describe('other encodings', () => {
  const wide = (text: string, charset: 'utf-16le' | 'utf-16be' | 'utf-32le') => {
    const units =
      charset === 'utf-32le'
        ? [...text].map((c) => c.codePointAt(0) ?? 0)
        : text.split('').map((c) => c.charCodeAt(0));
    const width = charset === 'utf-32le' ? 4 : 2;
    const bytes = Buffer.alloc(units.length * width);
    units.forEach((unit, at) => {
      if (charset === 'utf-16be') bytes.writeUInt16BE(unit, at * 2);
      else if (charset === 'utf-16le') bytes.writeUInt16LE(unit, at * 2);
      else bytes.writeUInt32LE(unit, at * 4);
    });
    return bytes;
  };
  it.each(['utf-16le', 'utf-16be', 'utf-32le'] as const)(
    '%s is read with and without a mark and written back',
    (charset) => {
      for (const mark of ['', '\ufeff']) {
        const body = wide(`${mark}{"content":"${key} 😀"}`, charset);
        const { content } = inspectBody(body, 'application/json', { scanner }).rewrite(redactAll);
        expect(Buffer.from(content)).toEqual(wide(`${mark}{"content":"${keyMark} 😀"}`, charset));
      }
    },
  );

  it('one byte that is not UTF-8 hides nothing', () => {
    const body = Buffer.concat([
      Buffer.from('{"a":"'),
      Buffer.from([0xff, 0xc3]),
      Buffer.from(`${key}","b":"ü"}`),
    ]);
    const { content } = inspectBody(body, 'application/json', { scanner }).rewrite(redactAll);
    const expected = Buffer.concat([
      Buffer.from('{"a":"'),
      Buffer.from([0xff, 0xc3]),
      Buffer.from(`${key}","b":"ü"}`),
    ]);
    expect(Buffer.from(content).includes(key)).toBe(false);
    expect(Buffer.from(content).subarray(0, 8)).toEqual(expected.subarray(0, 8));
    expect(Buffer.from(content).subarray(-10)).toEqual(expected.subarray(-10));
  });

  it('a charset that cannot be read is said', () => {
    const { obstacles } = inspectText('{}', 'application/json; charset=utf-7');
    expect(obstacles).toEqual([{ path: '', reason: 'charset' }]);
  });

  it('a picture is an obstacle, and a text that calls itself a picture is read', () => {
    const picture = Uint8Array.from({ length: 3_000 }, (_, at) => (at * 89) % 256);
    expect(inspectBody(picture, 'image/png', { scanner }).obstacles).toEqual([
      { path: '', reason: 'binary' },
    ]);
    expect(redact(`hello ${key}`, 'image/png')).toBe(`hello ${keyMark}`);
  });

  it('a key inside of a picture is found but cannot be taken out, and that is told', () => {
    const bytes = Buffer.concat([
      Uint8Array.from({ length: 500 }, (_, at) => (at * 89) % 256),
      Buffer.from(` ${key} `),
    ]);
    const { content, left, replaced } = inspectBody(bytes, 'image/png', { scanner }).rewrite(redactAll);
    expect([left.length, replaced]).toEqual([1, 0]);
    expect(Buffer.from(content)).toEqual(bytes);
  });
});

describe('what must not be changed', () => {
  it.each([
    [
      'OpenAI',
      {
        tools: [{ type: 'function', function: { name: 'f', description: `mail ${email}`, parameters: {} } }],
      },
    ],
    ['Anthropic', { tools: [{ name: 'f', input_schema: { default: email } }] }],
    ['a schema', { response_format: { json_schema: { name: email } } }],
    ['Gemini', { generationConfig: { responseSchema: { description: email } } }],
  ])('%s: tool definitions stay, and the finding is left for the policy', (_name, body) => {
    const { content, left } = inspectText(JSON.stringify(body)).rewrite(redactAll);
    expect(new TextDecoder().decode(content)).toBe(JSON.stringify(body));
    expect(left.map(({ part }) => part.role)).toEqual(['tool-definition']);
  });

  it('`tools` inside of what a user wrote is no definition', () => {
    expect(
      redact(JSON.stringify({ messages: [{ content: JSON.stringify({ tools: [email] }) }] })),
    ).not.toContain(email);
    expect(redact(JSON.stringify({ 'tools/x': email }))).not.toContain(email);
  });

  it('random ids of the protocol are no secrets, a key in their place is', () => {
    const body = (id: string) =>
      JSON.stringify({ messages: [{ role: 'tool', tool_call_id: id, content: 'x' }] });
    expect(inspectText(body(entropy)).parts.flatMap((part) => part.findings)).toEqual([]);
    expect(inspectText(body(key)).rewrite(redactAll).left).toHaveLength(1);
  });
});

describe('roles', () => {
  it.each([
    ['/messages/0/content', 'tool-result', { messages: [{ content: 'r', role: 'tool' }] }],
    ['/messages/0/content', 'message', { messages: [{ role: 'user', content: 'r' }] }],
    [
      '/messages/0/content/0/input/q',
      'tool-arguments',
      { messages: [{ content: [{ type: 'tool_use', input: { q: 'r' } }] }] },
    ],
    ['/input/0/output', 'tool-result', { input: [{ type: 'function_call_output', output: 'r' }] }],
    ['/input/0/arguments', 'tool-arguments', { input: [{ arguments: 'r' }] }],
    [
      '/contents/0/parts/0/functionResponse/response/a',
      'tool-result',
      { contents: [{ parts: [{ functionResponse: { response: { a: 'r' } } }] }] },
    ],
    [
      '/candidates/0/content/parts/0/text',
      'message',
      { candidates: [{ content: { parts: [{ text: 'r' }] } }] },
    ],
    ['/system', 'system', { system: 'r' }],
    ['/model', 'protocol', { model: 'r' }],
    ['/whatever', 'other', { whatever: 'r' }],
  ])('%s is %s', (path, role, body) => {
    const part = inspectText(JSON.stringify(body)).parts.find(({ text }) => text === 'r');
    expect([part?.path, part?.role]).toEqual([path, role]);
  });
});

describe('forms, URLs, headers', () => {
  const mask = encodeURIComponent(keyMark);
  it('form fields are decoded', () => {
    const form = 'application/x-www-form-urlencoded';
    expect(redact(`a=1&b=x+${key.replace('z', '%7A')}&c`, form)).toBe(`a=1&b=x+${mask}&c`);
    expect(redact('a=1&password=hunter2hunter', form)).not.toContain('hunter2hunter');
  });
  it.each([
    ['query', `https://host/p?q=${key}&r=%20`, `https://host/p?q=${mask}&r=%20`],
    ['path', `/v1/${key.replace('k', '%6b')}/x+y`, `/v1/${mask}/x+y`],
    ['fragment', `/v1#t=${key}`, `/v1#t=${mask}`],
    ['encoded twice', `/v1?q=${key.replace('-', '%252D')}`, undefined],
  ])('a URL: %s', (_name, url, expected) => {
    const { content, replaced } = inspectUrl(url, { scanner }).rewrite(redactAll);
    expect(replaced).toBe(1);
    if (expected === undefined) expect(decodeURIComponent(decodeURIComponent(content))).not.toContain(key);
    else expect(content).toBe(expected);
  });
  describe('a number that is a segment of a path', () => {
    const all = createScanner();
    const number = ['4111', '1111', '1111', '1111'];
    const foundIn = (url: string) =>
      inspectUrl(url, { scanner: all }).parts.flatMap(({ findings }) =>
        findings.map(({ detector }) => detector),
      );
    it.each([
      ['alone', `/v1/files/${number.join('')}`],
      ['in groups', `/v1/files/${number.join('-')}`],
      ['with encoded spaces', `/v1/files/${number.join('%20')}/lines?x=1`],
      ['with a suffix', `https://host.dev/v1/files/${number.join('')}.json#top`],
    ])('is read as a card %s, and taken out with nothing else', (_name, url) => {
      expect(foundIn(url)).toEqual(['payment-card']);
      const { content, replaced } = inspectUrl(url, { scanner: all }).rewrite(() => 'X');
      expect(replaced).toBe(1);
      expect(content).toBe(url.replace(/4111.*1111/, 'X'));
    });
    it('is read with the segment before it as its name', () => {
      expect(foundIn(`/people/ssn/${['536', '90', '4399'].join('-')}`)).toEqual(['us-ssn']);
    });
    it.each([
      ['a wrong check digit', `/v1/files/${number.join('').replace(/.$/, '2')}`],
      ['ids of messages', '/channels/1044111111111111116/messages/175928847299117063'],
      ['an order', '/orders/100000000017/items/41'],
      ['a time in milliseconds', '/export/1730000000000'],
      ['a date', '/archive/2026-11-30/20261130'],
      ['a part of a longer word', `/v1/files/file-${number.join('')}a`],
      ['numbers of two segments', `/${number.slice(0, 2).join('')}/${number.slice(2).join('')}`],
    ])('is no card where it is %s', (_name, url) => {
      expect(foundIn(url)).toEqual([]);
    });
  });
  it('headers of any name, credentials only reported', () => {
    const { content, left } = inspectHeaders(
      [
        ['X-Note', `a ${key}`],
        ['Authorization', `Bearer ${key}`],
      ],
      { scanner },
    ).rewrite(redactAll);
    expect(content).toEqual([
      ['X-Note', `a ${keyMark}`],
      ['Authorization', `Bearer ${key}`],
    ]);
    expect(left).toHaveLength(1);
  });
});

describe('multipart', () => {
  const type = 'multipart/form-data; boundary="b1"';
  const body = (secret: string, coded: string, quoted: string) =>
    [
      '--b1',
      `Content-Disposition: form-data; name="file"; filename="${secret}.txt"`,
      '',
      `x ${secret}`,
      '--b1',
      'Content-Disposition: form-data; name="j"',
      'Content-Type: application/json',
      '',
      `{"a":"${secret}"}`,
      '--b1',
      'Content-Transfer-Encoding: base64',
      '',
      coded,
      '--b1',
      'Content-Transfer-Encoding: quoted-printable',
      '',
      quoted,
      '--b1--',
      '',
    ].join('\r\n');
  it('parts, file names, JSON, base64 and quoted-printable', () => {
    const written = redact(body(key, base64(`a ${key}`), `b =${'7A'}${key.slice(1)}`), type);
    expect(written).toBe(body(keyMark, base64(`a ${keyMark}`), `b ${keyMark}`));
  });
  it('a boundary that is not declared', () => {
    expect(redact(body(key, '', ''), 'multipart/form-data')).not.toContain(key);
  });
  it('a body without its boundary is text', () => {
    expect(redact(`nothing ${key}`, type)).toBe(`nothing ${keyMark}`);
  });
  it('encoded file names', () => {
    const part = `--b1\r\nContent-Disposition: form-data; filename*=UTF-8''${key.replace('-', '%2D')}\r\n\r\nx\r\n--b1--`;
    expect(redact(part, type)).toContain(`filename*=UTF-8''${encodeURIComponent(keyMark)}\r\n\r\nx`);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inspectBody } from './inspect.ts';
import { redactAll } from './sample-placeholders.ts';
import { samples, sampleScanner as scanner } from './sample-scanner.ts';

const utf8 = new TextEncoder();
const { key, pem, email, card } = samples;
const base64 = (text: string) => Buffer.from(text).toString('base64');

function redact(text: string): string {
  const { content } = inspectBody(utf8.encode(text), 'application/json', { scanner }).rewrite(redactAll);
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(content);
}

describe('laws of inspection', { timeout: 30_000 }, () => {
  const options = { scanner };
  const anyType = fc.constantFrom(
    'application/json',
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    '',
    'image/png',
  );
  it('bytes in which nothing is found come back as they were', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), anyType, (bytes, type) => {
        const inspection = inspectBody(bytes, type, options);
        fc.pre(inspection.parts.every((part) => part.findings.length === 0));
        expect(inspection.rewrite(redactAll).content).toEqual(bytes);
      }),
    );
  });
  it('any JSON with secrets anywhere comes back as JSON without them, and a second time changes nothing', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(key, email, card, pem).map((secret) => `\u00fc "${secret}" \\`),
    );
    const json = fc.letrec((tie) => ({
      node: fc.oneof(
        { depthSize: 'small' },
        text,
        fc.integer(),
        fc.constant(null),
        fc.array(tie('node')),
        fc.dictionary(text, tie('node')),
        text.map((leaf) => JSON.stringify({ leaf })),
        text.map((leaf) => base64(leaf.padEnd(40))),
      ),
    })).node;
    fc.assert(
      fc.property(json, fc.constantFrom(undefined, 1), (value, indent) => {
        const body = JSON.stringify({ messages: value }, null, indent);
        const once = redact(body);
        const found = [key, email, card, pem].filter((secret) =>
          JSON.stringify(JSON.parse(once)).includes(JSON.stringify(secret).slice(1, -1)),
        );
        expect(found).toEqual([]);
        expect(redact(once)).toBe(once);
      }),
      { numRuns: 300 },
    );
  });
});

import { describe, expect, it } from 'vitest';
import { createScanner } from '../detect/create-scanner.ts';
import { exampleOfFormat } from '../detect/format.ts';
import { DETECTORS } from '../detectors/all.ts';
import { applyEdits } from './edit.ts';
import { inspectBody } from './inspect.ts';
import { redactAll, samplePlaceholders } from './sample-placeholders.ts';
import { SAMPLE_STREAMS } from './stream/sample-streams.ts';
import { createStreamScanner } from './stream/stream-scanner.ts';

const scanner = createScanner();
const examples = DETECTORS.flatMap(({ id, examples: { bad } }) =>
  bad.map((format, at) => ({
    id,
    text: `Here it is: ${exampleOfFormat(format, at + 1)} and more text follows.`,
  })),
);
const redacted = (text: string) =>
  applyEdits(
    text,
    scanner.scan(text).map((finding) => {
      const { start, end } = finding;
      return { start, end, text: samplePlaceholders.issue(finding, text.slice(start, end)) };
    }),
  );

describe('every detector', { timeout: 60_000 }, () => {
  it.each(['OpenAI chat', 'Anthropic', 'plain text'])(
    'finds in a stream (%s) exactly what it finds in the whole text',
    (name) => {
      const { format, write, read } = SAMPLE_STREAMS[name] ?? {
        format: 'text',
        write: () => '',
        read: () => '',
      };
      for (const [at, { id, text }] of examples.entries()) {
        const transform = createStreamScanner({
          scanner,
          format,
          decide: ({ finding, value }) => samplePlaceholders.issue(finding, value),
        });
        const pieces = text.match(new RegExp(`.{1,${[1, 4, 13][at % 3]}}`, 'gs')) ?? [];
        const events = format === 'text' ? pieces : write(pieces).split(/(?<=\n\n)/);
        const written = events.map((event) => Buffer.from(transform.push(Buffer.from(event))));
        expect([id, read(Buffer.concat([...written, transform.end()]).toString())]).toEqual([
          id,
          redacted(text),
        ]);
      }
    },
  );

  it('finds in a body, spelt in escapes, what it finds in the text, and a second time nothing', () => {
    for (const { id, text } of examples) {
      const spelt = text
        .split('')
        .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
        .join('');
      const { content, left } = inspectBody(Buffer.from(`{"messages":[{"content":"${spelt}"}]}`), '', {
        scanner,
      }).rewrite(redactAll);
      const [message] = JSON.parse(Buffer.from(content).toString()).messages;
      expect([id, message.content, left]).toEqual([id, redacted(text), []]);
      const again = inspectBody(content, '', { scanner }).rewrite(redactAll);
      expect([id, again.replaced]).toEqual([id, 0]);
    }
  });
});

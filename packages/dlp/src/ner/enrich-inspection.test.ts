import { describe, expect, it } from 'vitest';
import { inspectBody } from '../content/inspect.ts';
import { createScanner } from '../detect/create-scanner.ts';
import { enrichInspection } from './enrich-inspection.ts';
import type { EntityRecogniser } from './entity.ts';
import { ruleRecogniser } from './rule-recogniser.ts';

const scanner = createScanner();
const inspect = (...contents: string[]) =>
  inspectBody(
    new TextEncoder().encode(
      JSON.stringify({ model: 'm', messages: contents.map((content) => ({ content })) }),
    ),
    'application/json',
    { scanner },
  );
const found = ({ parts }: ReturnType<typeof inspect>) =>
  parts.flatMap(({ text, findings }) =>
    findings.map(({ detector, start, end }) => [detector, text.slice(start, end)]),
  );

describe('names in a message that was inspected', () => {
  it('are added to what detectors found, and can be replaced', async () => {
    const inspection = inspect('Please ask Dr. Ada van Dyke, ada.dyke@quill.dev');
    const result = await enrichInspection(inspection, ruleRecogniser, { budgetMs: 20_000 });
    expect(result).toEqual({ looked: 1, left: 0, added: 1 });
    expect(found(inspection)).toEqual([
      ['entity-person', 'Ada van Dyke'],
      ['email', 'ada.dyke@quill.dev'],
    ]);
    const { content } = inspection.rewrite(({ detector }) =>
      detector === 'entity-person' ? '[[X]]' : undefined,
    );
    expect(new TextDecoder().decode(content)).toContain('ask Dr. [[X]], ada.dyke@quill.dev');
  });

  it('wait no longer than the budget, and the newest come first', async () => {
    const seen: string[] = [];
    const slow: EntityRecogniser = {
      name: 'slow',
      async recognise(texts) {
        seen.push(...texts.map((text) => text.slice(0, 7)));
        if (seen.length > 1) await new Promise(() => {});
        return ruleRecogniser.recognise(texts);
      },
    };
    const long = (name: string) => `${name}: ask Dr. Ada Dyke. ${'words '.repeat(2_000)}`;
    const inspection = inspect(long('oldest.'), long('middle.'), long('newest.'));
    const result = await enrichInspection(inspection, slow, { budgetMs: 2_000 });
    expect(seen).toEqual(['newest.', 'middle.']);
    expect(result).toMatchObject({ looked: 1, left: 2, added: 1, failed: { name: 'TimeoutError' } });
  });

  it('wait no longer for a recogniser that holds the thread, and others get their turn in between', async () => {
    let turns = 0;
    const counting = setInterval(() => turns++, 0);
    const busy: EntityRecogniser = {
      name: 'busy',
      recognise(texts) {
        const end = performance.now() + 10;
        while (performance.now() < end);
        return Promise.resolve(texts.map(() => []));
      },
    };
    const parts = Array.from({ length: 40 }, (_, index) => `${index}: ${'words '.repeat(2_500)}`);
    const result = await enrichInspection(inspect(...parts), busy, { budgetMs: 200 });
    clearInterval(counting);
    expect(result.failed).toMatchObject({ name: 'TimeoutError' });
    expect(result.looked).toBeGreaterThan(0);
    expect(result.left).toBeGreaterThan(15);
    expect(turns).toBeGreaterThan(0);
  });

  it('are found where a long text is cut, once and in their place', async () => {
    const text = `${'word '.repeat(3_195)}ask Dr. Ada van Dyke and ${'word '.repeat(9_000)} or Dr. Bob Reed.`;
    const inspection = inspect(text);
    expect(await enrichInspection(inspection, ruleRecogniser, { budgetMs: 20_000 })).toEqual({
      looked: 1,
      left: 0,
      added: 2,
    });
    expect(found(inspection).map(([, name]) => name)).toEqual(['Ada van Dyke', 'Bob Reed']);
  });

  it('of a long text that was looked at in part leave it among those that were not', async () => {
    const first: EntityRecogniser = {
      name: 'first',
      recognise: (() => {
        let calls = 0;
        return (texts) =>
          calls++ === 0 ? ruleRecogniser.recognise(texts) : Promise.reject(new Error('gone'));
      })(),
    };
    const inspection = inspect(`ask Dr. Ada Dyke ${'word '.repeat(9_000)}`);
    expect(await enrichInspection(inspection, first, { budgetMs: 20_000 })).toMatchObject({
      looked: 0,
      left: 1,
      added: 1,
    });
  });

  it('that cannot be looked for leave the message as it was inspected', async () => {
    const broken: EntityRecogniser = { name: 'broken', recognise: () => Promise.reject(new Error('down')) };
    const inspection = inspect('mail ada.dyke@quill.dev today');
    const before = found(inspection);
    const result = await enrichInspection(inspection, broken, { budgetMs: 20_000 });
    expect(result).toMatchObject({ looked: 0, left: 1, added: 0, failed: new Error('down') });
    expect(found(inspection)).toEqual(before);
  });

  it('are not looked for in names of tools, ids and keys', async () => {
    const body = { tools: [{ type: 'function', function: { name: 'f', description: 'Ask Dr. Ada Dyke' } }] };
    const inspection = inspectBody(new TextEncoder().encode(JSON.stringify(body)), 'application/json', {
      scanner,
    });
    expect(await enrichInspection(inspection, ruleRecogniser, { budgetMs: 20_000 })).toMatchObject({
      looked: 0,
    });
  });
});

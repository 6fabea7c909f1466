import { describe, expect, it } from 'vitest';
import { quickestMs } from '../quickest-ms.test-support.ts';
import { entityFinding } from './entity.ts';
import { recogniseEntities, ruleRecogniser } from './rule-recogniser.ts';

const found = (text: string) =>
  recogniseEntities(text).map(({ type, start, end }) => [type, text.slice(start, end)]);

describe('rules', () => {
  it.each([
    ['Please ask Dr. Ada van Dyke about it.', [['PERSON', 'Ada van Dyke']]],
    ['my name is Zoë Quill and', [['PERSON', 'Zoë Quill']]],
    ['call Michael Obermann tomorrow', [['PERSON', 'Michael Obermann']]],
    ['send it to 12 Baker Street, London', [['LOCATION', '12 Baker Street, London']]],
    ['wohnt Hauptstraße 12, 10115 Berlin seit', [['LOCATION', 'Hauptstraße 12, 10115 Berlin']]],
    ['an offer of Blue Falcon GmbH for', [['ORGANIZATION', 'Blue Falcon GmbH']]],
    ['DOB: 1980-03-12, seen', [['DATE_OF_BIRTH', '1980-03-12']]],
    ['She was born on 12 March 1980.', [['DATE_OF_BIRTH', '12 March 1980']]],
    ['MRN: 00482-113', [['MEDICAL_RECORD', '00482-113']]],
  ])('%s', (text, entities) => expect(found(text)).toEqual(entities));

  it.each([
    'In January the array of Ray tracing jobs ran on Google Cloud.',
    'const john = new Person("x"); // Released 2024-05-01',
    'The Quick Brown Fox jumps; see Section 12 Street view is a product.',
    'Thomas said that Node Streams are fine',
    'import { Michael } from "./michael"',
  ])('nobody: %s', (text) => expect(found(text)).toEqual([]));

  it('takes linear time on bait', () => {
    for (const bait of ['Aa ', 'Dr. Aa Bb ', '1 A ', 'born ', 'A', '12 Aa Aa Aa ', "A'"]) {
      const text = bait.repeat(60_000);
      expect(quickestMs(() => recogniseEntities(text))).toBeLessThan(3_000);
    }
  });

  it('answers per text and stops for a signal', async () => {
    expect((await ruleRecogniser.recognise(['Dr. Ada Dyke', ''])).map((entities) => entities.length)).toEqual(
      [1, 0],
    );
    await expect(ruleRecogniser.recognise(['x'], AbortSignal.abort(new Error('stop')))).rejects.toThrow(
      'stop',
    );
  });

  it('becomes a finding of low severity', () => {
    expect(entityFinding({ type: 'MEDICAL_RECORD', start: 1, end: 3, score: 0.7 })).toEqual({
      detector: 'entity-medical-record',
      category: 'health',
      severity: 'low',
      start: 1,
      end: 3,
      confidence: 0.7,
    });
  });
});

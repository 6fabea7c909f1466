import { expect, it } from 'vitest';
import { maskedSamples } from './masked-samples.ts';

const read = (value: unknown) => maskedSamples(Buffer.from(JSON.stringify(value)));

it('are shown with the detector that found them', () => {
  expect(read({ samples: ['sk-p…Fh7j', '…'], detectors: ['openai-api-key', 'email'], salt: 'x' })).toEqual([
    { detector: 'openai-api-key', sample: 'sk-p…Fh7j' },
    { detector: 'email', sample: '…' },
  ]);
});

it('that a device did not mask are not shown', () => {
  expect(read({ samples: ['a whole secret'], detectors: ['x'] })).toEqual([{ detector: 'x', sample: '…' }]);
});

it.each([['no list'], [null], [{ samples: 'x' }], [{ samples: [1, 2] }], [[]]])('are none in %j', (value) => {
  expect(read(value)).toEqual([]);
});

it('are none in what is no JSON at all', () => {
  expect(maskedSamples(Buffer.from([0xff, 0x00]))).toEqual([]);
});

it('are bounded, and carry no disguises', () => {
  const many = read({ samples: Array(500).fill('ab\u202ecd'), detectors: [] });
  expect(many).toHaveLength(32);
  expect(many[0]).toEqual({ detector: '', sample: 'ab\ufffdcd' });
});

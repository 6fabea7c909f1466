import { expect, test } from 'vitest';
import { z } from 'zod';
import { base64, readVectors } from '../vectors.test-support.ts';
import { formatTlogProof, parseTlogProof } from './tlog-proof.ts';

const { marshal, reject } = readVectors(
  'tlog-proof.json',
  z.object({
    marshal: z
      .array(
        z.object({
          name: z.string(),
          text: z.string(),
          index: z.number(),
          hashes: z.array(z.string()),
          checkpoint: z.string(),
          extra: z.string().optional(),
        }),
      )
      .length(3),
    reject: z.array(z.object({ name: z.string(), text: z.string() })).length(7),
  }),
);
const malformed = expect.objectContaining({ code: 'ledger/malformed' });

test.each(marshal)('$name is written and read', ({ text, index, hashes, checkpoint, extra }) => {
  const proof = {
    index,
    checkpoint,
    hashes: hashes.map((hash) => new Uint8Array(base64(hash))),
    ...(extra === undefined ? {} : { extra: new Uint8Array(base64(extra)) }),
  };
  expect(formatTlogProof(proof)).toBe(text);
  expect(parseTlogProof(text)).toEqual(proof);
});

test.each(reject)('$name is refused', ({ text }) => {
  expect(() => parseTlogProof(text)).toThrow(malformed);
});

test.each([
  ['an index with a zero in front', 'index 01\n\ncheckpoint\n'],
  ['an index beyond the safe integers', 'index 9007199254740993\n\ncheckpoint\n'],
  ['extra data after the index', 'index 0\nextra AAAA\n\ncheckpoint\n'],
  ['two lines of extra data', 'extra AAAA\nextra AAAA\nindex 0\n\ncheckpoint\n'],
  [
    'more hashes than any tree is high',
    `index 0\n${`${Buffer.alloc(32).toString('base64')}\n`.repeat(64)}\nc\n`,
  ],
  ['no checkpoint', 'index 0\n\n'],
])('%s is refused', (_what, rest) => {
  expect(() => parseTlogProof(`c2sp.org/tlog-proof@v1\n${rest}`)).toThrow(malformed);
});

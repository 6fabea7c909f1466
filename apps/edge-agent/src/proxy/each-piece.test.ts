import { PassThrough, Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { eachPiece } from './each-piece.ts';

test('what is there already is handed over at once, in one piece; the rest as it comes', async () => {
  const source = new PassThrough();
  source.write('ab');
  source.write('cd');
  const taken: string[] = [];
  const done = eachPiece(source, (bytes) => void taken.push(String(bytes)));
  expect(taken).toEqual(['abcd']);
  source.end('ef');
  await done;
  expect(taken).toEqual(['abcd', 'ef']);
});

test('nothing is read while it takes no more', async () => {
  const source = new PassThrough({ highWaterMark: 2 });
  const taken: string[] = [];
  const { promise: free, resolve } = Promise.withResolvers<void>();
  const done = eachPiece(source, (bytes) => {
    taken.push(String(bytes));
    return taken.length === 1 ? free : undefined;
  });
  source.write('ab');
  await new Promise((next) => setImmediate(next));
  source.end('cd');
  await new Promise((next) => setImmediate(next));
  expect(taken).toEqual(['ab']);
  resolve();
  await done;
  expect(taken).toEqual(['ab', 'cd']);
});

test('an empty stream ends', async () => {
  await expect(eachPiece(Readable.from([]), () => undefined)).resolves.toBeUndefined();
});

test('who takes may stop it, at once or later', async () => {
  for (const stop of [
    (): undefined => {
      throw new Error('enough');
    },
    () => Promise.reject(new Error('enough')),
  ]) {
    const source = new PassThrough();
    source.write('ab');
    await expect(eachPiece(source, stop)).rejects.toThrow('enough');
    expect(source.destroyed).toBe(true);
  }
});

test.each([
  ['an error', new Error('reset')],
  ['no reason', undefined],
])('a stream that ends with %s before its end is not one that ended', async (_what, error) => {
  const source = new PassThrough();
  source.write('ab');
  const done = eachPiece(source, () => undefined);
  source.destroy(error);
  await expect(done).rejects.toThrow(error === undefined ? 'broken off' : 'reset');
});

test('a stream that was destroyed before is not waited for', async () => {
  const source = new PassThrough();
  source.destroy();
  await new Promise((next) => source.once('close', next));
  await expect(eachPiece(source, () => undefined)).rejects.toThrow('broken off');
});

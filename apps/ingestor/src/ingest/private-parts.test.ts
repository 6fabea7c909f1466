import { commitPrivate } from '@raypher/ledger';
import { EventBatch, MAX_PRIVATE_BYTES } from '@raypher/shared';
import { describe, expect, it } from 'vitest';
import { verifyPrivateParts } from './private-parts.ts';

const salt = 'A'.repeat(43);
const PARTS = [3, 4, 9].map((seq) => ({ seq, ...commitPrivate({ sample: `s${seq}` }, salt) }));
const commitments = new Map(PARTS.map(({ seq, commitment }) => [seq, commitment]));
const wire = (seq: number, content?: Uint8Array) => ({
  seq: BigInt(seq),
  content: Buffer.from(content ?? PARTS.find((part) => part.seq === seq)?.content ?? []),
});
const verify = (parts: ReturnType<typeof wire>[]) =>
  verifyPrivateParts(EventBatch.fromPartial({ privateParts: parts }), (seq) => commitments.get(seq));

describe('private parts', () => {
  it('are taken when each is what its entry commits to; erased ones may be missing', () => {
    for (const parts of [[wire(3), wire(4), wire(9)], [wire(9)], []]) {
      expect(() => verify(parts)).not.toThrow();
    }
  });

  it.each([
    ['altered', [wire(3, Buffer.from(`{"salt":"${salt}","sample":"s9"}`))]],
    ['of another entry', [wire(3, PARTS[1]?.content)]],
    ['of an entry that commits to nothing', [wire(5, PARTS[0]?.content)]],
    ['of an entry of another batch', [wire(300, PARTS[0]?.content)]],
    ['twice', [wire(3), wire(3)]],
    ['empty', [wire(3, Buffer.alloc(0))]],
  ])('are refused as tampering when one is %s', (_what, parts) => {
    expect(() => verify(parts)).toThrowError(expect.objectContaining({ code: 'ledger/chain-broken' }));
  });

  it('are refused when one is too large, whatever the entry commits to', () => {
    const { content, commitment } = commitPrivate({ x: 'x'.repeat(MAX_PRIVATE_BYTES) }, salt);
    const batch = EventBatch.fromPartial({ privateParts: [wire(1, content)] });
    expect(() => verifyPrivateParts(batch, () => commitment)).toThrowError(/larger than 16384 bytes/);
  });

  it('are not even looked at when there are more than an agent would send', () => {
    const flood = Array.from({ length: 513 }, () => wire(3));
    expect(() => verify(flood)).toThrowError(expect.objectContaining({ code: 'link/protocol' }));
    const large = Array.from({ length: 80 }, () => wire(3, Buffer.alloc(MAX_PRIVATE_BYTES)));
    expect(() => verify(large)).toThrowError(expect.objectContaining({ code: 'link/protocol' }));
  });

  it('of a number beyond 2^53 belong to nobody', () => {
    const part = { ...wire(3), seq: 2n ** 64n - 1n };
    expect(() => verify([part])).toThrowError(expect.objectContaining({ code: 'ledger/chain-broken' }));
  });
});

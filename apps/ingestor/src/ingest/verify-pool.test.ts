import { createPublicKey, generateKeyPairSync, randomUUID } from 'node:crypto';
import { commitPrivate } from '@raypher/ledger';
import { EventBatch } from '@raypher/shared';
import { createAiAgents, DeviceLedger, modelCall, SeededRandom, SimulatedPolicy } from '@raypher/swarm';
import { afterAll, describe, expect, it } from 'vitest';
import { type BatchOwner, verifyBatch } from './verify-batch.ts';
import { VerifyInTurn } from './verify-in-turn.ts';
import { VerifyThread } from './verify-thread.ts';

const deaths: unknown[] = [];
const thread = new VerifyThread((why) => deaths.push(why));
afterAll(() => thread.stop());

/** A device that signs batches of model calls. */
function signer(): { owner: BatchOwner; sign(count: number, withPrivate?: boolean): EventBatch } {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const owner = {
    organisationId: randomUUID(),
    deviceId: randomUUID(),
    publicKey: createPublicKey(privateKey),
  };
  const ledger = new DeviceLedger({
    organisation: owner.organisationId,
    device: owner.deviceId,
    key: privateKey,
  });
  const random = new SeededRandom('pool');
  const agents = createAiAgents(random, owner.deviceId, Date.now());
  const policy = SimulatedPolicy.allowing(1);
  return {
    owner,
    sign(count, withPrivate = false) {
      const { content, commitment } = commitPrivate({ sample: 'x' }, 'A'.repeat(43));
      for (let index = 0; index < count; index += 1) {
        const draft = modelCall(random, random.pick(agents), policy);
        ledger.append(withPrivate ? { ...draft, private: commitment } : draft, new Date());
      }
      const batch = EventBatch.fromPartial(ledger.nextBatch() ?? {});
      const seqs = withPrivate
        ? Array.from({ length: count }, (_, index) => batch.firstSeq + BigInt(index))
        : [];
      return { ...batch, privateParts: seqs.map((seq) => ({ seq, content: Buffer.from(content) })) };
    },
  };
}

const plain = (batch: ReturnType<typeof verifyBatch>) => ({
  ...batch,
  leafHashes: Buffer.from(batch.leafHashes).toString('hex'),
  lines: { text: Buffer.from(batch.lines.text).toString(), ends: [...batch.lines.ends] },
});

describe('a thread that verifies', () => {
  it.each([false, true])(
    'makes of a batch what the event loop makes of it (private parts: %s)',
    async (withPrivate) => {
      const { owner, sign } = signer();
      const batch = sign(40, withPrivate);
      expect(plain(await thread.verify(batch, owner))).toEqual(plain(verifyBatch(batch, owner)));
    },
  );

  it.each<[string, (batch: EventBatch) => EventBatch]>([
    ['another signature', (batch) => ({ ...batch, signature: signer().sign(1).signature })],
    ['an entry less', (batch) => ({ ...batch, entries: batch.entries.slice(1) })],
    ['no entries', (batch) => ({ ...batch, entries: [] })],
    ['another head', (batch) => ({ ...batch, chainHead: Buffer.alloc(32) })],
    [
      'an entry that is none',
      (batch) => ({ ...batch, entries: [Buffer.from('{}'), ...batch.entries.slice(1)] }),
    ],
    [
      'a private part of nothing',
      (batch) => ({ ...batch, privateParts: [{ seq: 1n, content: Buffer.from('{}') }] }),
    ],
  ])('refuses a batch with %s in the same words', async (_what, change) => {
    const { owner, sign } = signer();
    const changed = change(sign(3));
    const said = await new VerifyInTurn().verify(changed, owner).catch((error: unknown) => error);
    const { code, message, hint, details } = Object(said);
    await expect(thread.verify(changed, owner)).rejects.toMatchObject({ code, message, hint, details });
  });

  it('answers in the order of the questions', async () => {
    const { owner, sign } = signer();
    const answered: number[] = [];
    const batches = Array.from({ length: 20 }, (_, index) => sign(index % 2 === 0 ? 200 : 1));
    await Promise.all(
      batches.map(async (batch) => answered.push((await thread.verify(batch, owner)).firstSeq)),
    );
    expect(answered).toEqual(batches.map(({ firstSeq }) => Number(firstSeq)));
  });

  it('that dies gives back what it held, to be sent again, and is replaced', async () => {
    const { owner, sign } = signer();
    const batches = Array.from({ length: 8 }, () => sign(300));
    const held = batches.map((batch) => thread.verify(batch, owner));
    const outcomes = Promise.allSettled(held);
    const before = thread.threadId;
    await thread.kill();
    const refused = (await outcomes).flatMap((outcome) =>
      outcome.status === 'rejected' ? [outcome.reason] : [],
    );
    expect(refused.length).toBeGreaterThan(0);
    for (const error of refused) expect(error).toMatchObject({ code: 'link/overloaded' });
    expect(deaths).toHaveLength(1);
    await expect.poll(() => thread.threadId).not.toBe(-1);
    expect(thread.threadId).not.toBe(before);
    const [first] = batches;
    if (first === undefined) throw new Error('there are eight');
    await expect(thread.verify(first, owner)).resolves.toMatchObject({ firstSeq: 1, count: 300 });
  });
});

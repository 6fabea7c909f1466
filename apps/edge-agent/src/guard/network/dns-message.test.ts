import { encode, RECURSION_DESIRED } from 'dns-packet';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  addressesIn,
  cutAnswer,
  datagramBytes,
  ownAnswer,
  ownQuery,
  RCODES,
  readQuestion,
  relayedAnswer,
} from './dns-message.ts';

/** As programs write it, with the option of EDNS when asked for. */
function query(name: string, edns = false): Buffer {
  return encode({
    type: 'query',
    id: 7,
    flags: RECURSION_DESIRED,
    questions: [{ type: 'A', name }],
    ...(edns
      ? {
          additionals: [
            {
              type: 'OPT',
              name: '.',
              udpPayloadSize: 4096,
              flags: 0x8000,
              flag_do: true,
              extendedRcode: 0,
              ednsVersion: 0,
              options: [],
            },
          ],
        }
      : {}),
  });
}

function read(name: string, edns = false) {
  const question = readQuestion(query(name, edns));
  if (question === undefined) throw new Error('unreadable');
  return question;
}

test('a question is read as what it asks', () => {
  expect(read('API.OpenAI.com')).toMatchObject({ id: 7, name: 'api.openai.com', type: 1, edns: undefined });
  expect(read('a.example', true).edns).toEqual({ wantsSignatures: true });
});

test('what goes out are our words: nothing else that the message carried, and no capitals', () => {
  const message = Buffer.concat([query('SeCrEt.example', true), Buffer.from('more data')]);
  const question = readQuestion(message);
  if (question === undefined) throw new Error('unreadable');
  const out = ownQuery(question, 99);
  expect(out.toString('latin1')).toContain('secret');
  expect(out.toString('latin1')).not.toContain('more data');
  expect(out.length).toBe(12 + question.bytes.length + 11);
});

test.each([
  ['an answer', (message: Buffer) => message.writeUInt16BE(0x8100, 2)],
  ['an update', (message: Buffer) => message.writeUInt16BE(0x2800, 2)],
  ['two questions', (message: Buffer) => message.writeUInt16BE(2, 4)],
  ['a pointer for a name', (message: Buffer) => message.writeUInt16BE(0xc00c, 12)],
  ['a name with bytes that no host has', (message: Buffer) => message.writeUInt8(0xff, 13)],
  ['a dot within a label', (message: Buffer) => message.writeUInt8(0x2e, 13)],
  ['another class than the internet', (message: Buffer) => message.writeUInt16BE(3, message.length - 2)],
])('%s is no question', (_what, change) => {
  const message = query('a.example');
  change(message);
  expect(readQuestion(message)).toBeUndefined();
});

test('whatever the bytes, reading them ends without a fault', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      readQuestion(Buffer.from(bytes));
      addressesIn(Buffer.from(bytes));
    }),
  );
});

test('an answer counts only for its own question, and goes back in the words of the asker', () => {
  const question = read('Site.Example');
  const answer = encode({
    type: 'response',
    id: 99,
    questions: [{ type: 'A', name: 'site.example' }],
    answers: [{ type: 'A', name: 'site.example', data: '192.0.2.7' }],
  });
  const relayed = relayedAnswer(answer, 99, question);
  expect(relayed?.readUInt16BE(0)).toBe(7);
  expect(relayed?.toString('latin1')).toContain('Site');
  expect(relayed && addressesIn(relayed)).toEqual(['192.0.2.7']);
  expect(relayedAnswer(answer, 98, question)).toBeUndefined();
  expect(relayedAnswer(answer, 99, read('other.example'))).toBeUndefined();
});

test('a refusal repeats the question, and what is too long for a datagram says so', () => {
  const question = read('a.example');
  const refusal = ownAnswer(question, RCODES.refused);
  expect(refusal.readUInt8(3) & 15).toBe(5);
  expect(refusal.subarray(12)).toEqual(question.bytes);
  const cut = cutAnswer(ownAnswer(question, RCODES.noError), question);
  expect(cut.readUInt16BE(2) & 0x0200).toBe(0x0200);
  expect([datagramBytes(question), datagramBytes(read('a.example', true))]).toEqual([512, 1232]);
});

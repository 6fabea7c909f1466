import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { nodePrimitives } from '../node/node-primitives.ts';
import { spkiOfP256Point } from '../primitives/p256-spki.ts';
import { portablePrimitives } from '../primitives/portable-primitives.ts';
import { base64, readVectors } from '../vectors.test-support.ts';
import { parseCheckpoint } from './checkpoint.ts';
import { formatNote, formatSignatureLine, parseNote, parseSignatureLine } from './note.ts';
import { formatVerifierKey, parseVerifierKey, verifierKey } from './verifier-key.ts';
import { verifyNote } from './verify-note.ts';

const malformed = expect.objectContaining({ code: 'ledger/malformed' });
const { vectors } = readVectors(
  'signed-notes.json',
  z.object({
    vectors: z
      .array(z.object({ name: z.string(), vkey: z.string(), note: z.string(), valid: z.boolean() }))
      .length(5),
  }),
);
const { checkpoint: rekor } = readVectors(
  'rekor.json',
  z.object({ checkpoint: z.object({ publicKeySpkiBase64: z.string(), note: z.string() }) }),
);
const [example] = vectors;
if (example === undefined) throw new Error('no vectors');

describe.each([
  ['in JavaScript', portablePrimitives],
  ['by OpenSSL', nodePrimitives],
])('notes of others, %s', (_how, primitives) => {
  it.each(vectors)('$name', ({ note, vkey, valid }) => {
    const key = parseVerifierKey(vkey);
    expect(formatVerifierKey(key)).toBe(vkey);
    const open = () => verifyNote(note, [key], primitives);
    if (valid) expect(open().signedBy).toEqual([{ key }]);
    else expect(open).toThrow(expect.objectContaining({ code: expect.stringMatching(/^ledger\//) }));
  });

  it('the checkpoint of Rekor, whose key is ECDSA', () => {
    const key = verifierKey('rekor.sigstore.dev', 'ecdsa', base64(rekor.publicKeySpkiBase64));
    const { text, signedBy } = verifyNote(rekor.note, [key], primitives);
    expect(signedBy).toEqual([{ key }]);
    expect(parseCheckpoint(text)).toMatchObject({
      origin: 'rekor.sigstore.dev - 2605736670972794746',
      size: 21_428_036,
      extensions: ['Timestamp: 1688058656037355364'],
    });
    expect(() => verifyNote(rekor.note.replace('21428036', '21428037'), [key], primitives)).toThrow(
      expect.objectContaining({ code: 'ledger/signature-invalid' }),
    );
  });
});

describe('a note', () => {
  it('is written as it was read', () => {
    for (const { note, valid } of vectors) if (valid) expect(formatNote(parseNote(note))).toBe(note);
    expect(formatNote(parseNote(rekor.note))).toBe(rekor.note);
  });

  it('may have empty lines in its text: the last one ends it', () => {
    const { text, signatures } = parseNote(`one\n\ntwo\n\n${example.note.split('\n\n')[1]}`);
    expect(text).toBe('one\n\ntwo\n');
    expect(signatures).toHaveLength(1);
  });

  const line = example.note.split('\n\n')[1] ?? '';
  it.each([
    ['has no signatures', 'text\n'],
    ['has an empty line instead of signatures', 'text\n\n\n'],
    ['does not end in a newline', `text\n\n${line.slice(0, -1)}`],
    ['has a carriage return', `text\r\n\n${line}`],
    ['has a tab', `te\txt\n\n${line}`],
    ['has half a character', `te\ud800xt\n\n${line}`],
    ['has a hyphen for the dash', `text\n\n${line.replace('—', '-')}`],
    ['has two spaces', `text\n\n${line.replace(' U', '  U')}`],
    ['has a name with a plus', `text\n\n${line.replace('example.com', 'example+com')}`],
    [
      'has a name with a space that is none of ASCII',
      `text\n\n${line.replace('example.com', 'example\u00a0com')}`,
    ],
    ['has a signature that is no base64', `text\n\n${line.replace('Uw2Q', 'Uw2-')}`],
    ['has base64 with bits left over', 'text\n\n— name AAAAAAB=\n'],
    ['has a key hash alone', 'text\n\n— name AAAAAA==\n'],
    ['has seventeen signatures', `text\n\n${line.repeat(17)}`],
  ])('that %s is refused', (_what, note) => {
    expect(() => parseNote(note)).toThrow(malformed);
  });

  it('with sixteen signatures is read', () => {
    expect(parseNote(`text\n\n${line.repeat(16)}`).signatures).toHaveLength(16);
  });

  it('says nothing when the keys that are trusted did not sign it', () => {
    const other = parseVerifierKey(vectors[1]?.vkey ?? '');
    expect(() => verifyNote(example.note, [other])).toThrow(
      expect.objectContaining({ code: 'ledger/signature-invalid' }),
    );
    expect(() => verifyNote(example.note, [])).toThrow(
      expect.objectContaining({ code: 'ledger/signature-invalid' }),
    );
  });

  it('ignores signatures of unknown keys, also of the same name, and is refused for a false one of a known key', () => {
    const key = parseVerifierKey(example.vkey);
    const [signature] = parseNote(example.note).signatures;
    if (signature === undefined) throw new Error('no signature');
    const stranger = formatSignatureLine({ ...signature, keyHash: Uint8Array.of(1, 2, 3, 4) });
    expect(verifyNote(example.note + stranger, [key]).signedBy).toHaveLength(1);
    const forged = formatSignatureLine({ ...signature, signature: new Uint8Array(64) });
    expect(() => verifyNote(example.note + forged, [key])).toThrow(
      expect.objectContaining({ code: 'ledger/signature-invalid' }),
    );
  });

  it('counts a key that signed twice once', () => {
    const key = parseVerifierKey(example.vkey);
    expect(verifyNote(example.note + line, [key]).signedBy).toEqual([{ key }]);
  });

  it('has signature lines that come back as they were', () => {
    expect(formatSignatureLine(parseSignatureLine(line.slice(0, -1)))).toBe(line);
  });
});

describe('a verifier key', () => {
  const [name = '', hash = '', key = ''] = example.vkey.split('+');

  it.each([
    ['another hash', `${name}+530d903b+${key}`],
    ['a hash in capitals', `${name}+${hash.toUpperCase()}+${key}`],
    ['another name', `example.com/bar+${hash}+${key}`],
    ['no name', `+${hash}+${key}`],
    ['a space in its name', `example .com/foo+${hash}+${key}`],
    ['no key', `${name}+${hash}+`],
    ['a key that is no base64', `${name}+${hash}+${key}=`],
    ['a type that is not known', `${name}+${hash}+/wAA`],
    ['a key that is too short', `${name}+${hash}+AekyeRrm56hA`],
    ['a newline', `${example.vkey}\n`],
  ])('with %s is refused', (_what, text) => {
    expect(() => parseVerifierKey(text)).toThrow(malformed);
  });

  it('of P-256 is taken as RFC 5480 writes it, uncompressed, and in no other form', () => {
    const spki = base64(rekor.publicKeySpkiBase64);
    expect(spkiOfP256Point(spki.subarray(-65))).toEqual(new Uint8Array(spki));
    expect(() => verifierKey('k', 'ecdsa', spki.subarray(1))).toThrow(malformed);
    expect(() => verifierKey('k', 'tree-head', Uint8Array.from([...spki, 0]))).toThrow(malformed);
  });
});

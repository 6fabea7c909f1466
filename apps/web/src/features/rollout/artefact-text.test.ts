import { describe, expect, it } from 'vitest';
import { HIDDEN, hideToken, readArtefact } from './artefact-text.ts';

const base64 = (bytes: Uint8Array | string): string => Buffer.from(bytes).toString('base64');

describe('an artefact', () => {
  it('that is text is read whole', () => {
    const read = readArtefact(base64('#!/bin/sh\necho "größer"\n'));
    expect(read).toMatchObject({ text: '#!/bin/sh\necho "größer"\n', signed: false });
  });

  it('that is signed shows the property list inside its signature', () => {
    const list = '<?xml version="1.0"?><plist><string>Größe</string></plist>';
    const signed = Buffer.concat([
      Buffer.from([0x30, 0x82, 0xff]),
      Buffer.from(list),
      Buffer.from([0xa0, 0x80]),
    ]);
    const read = readArtefact(base64(signed));
    expect(read).toMatchObject({ text: list, signed: true });
    expect(Buffer.from(read.bytes).equals(signed)).toBe(true);
  });

  it.each([
    ['without a readable part', Buffer.from([0x30, 0x82, 0xff, 0x00])],
    ['whose list is cut', Buffer.concat([Buffer.from([0xff]), Buffer.from('<?xml version="1.0"?><plist>')])],
  ])('%s is for downloading only', (_, bytes) => {
    expect(readArtefact(base64(bytes)).text).toBeNull();
  });
});

describe('a text on a screen that others may see', () => {
  it('holds the token nowhere', () => {
    const token = ['rpe1', 'id', 'part', 'pin'].join('.');
    const hidden = hideToken(`A=${token}\nB="${token}"`, token);
    expect(hidden).toBe(`A=${HIDDEN}\nB="${HIDDEN}"`);
  });
});

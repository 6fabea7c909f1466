import { decodePercent, percentOffsets } from './percent.ts';

/** A stretch of a text that means another one to whoever runs, renders or joins it. */
export interface Disguised {
  /** Units of the text, half open. */
  start: number;
  end: number;
  /** How it is written: part of a place's path. */
  way: 'joined' | 'percent' | 'entities' | 'bytes';
  text: string;
  /** Where a unit of `text` begins in the stretch. */
  offsets: (offset: number) => number;
  /** Spells a replacement in the same way. */
  write: (text: string) => string;
}

const TOKEN = /[\w+/=.~-]/;
/** Longest piece of a token at either side of a joint. */
const LONGEST_PIECE = 200;

/** `"ab" + "cd"`, string literals side by side, a token that goes on in the next line, `ab\_cd` of Markdown. */
const JOINT =
  /(?<=[\w+/=-]{2})(?:["'`]\s{0,40}[+.&]?\s{0,40}\\?\s{0,40}["'`]|\\(?=[_-]))(?=[\w+/=-]{2})|(?<=[\w+/=-]{12})\\?\r?\n[ \t]{0,8}(?=[\w+/=-]{8})/g;

/** Each joint has one of these; most short texts have none. */
const IN_JOINTS = /["'`\\\n]/;

const ENTITY = /&#(?:x([0-9a-fA-F]{2,5})|(\d{2,6}));/g;
const BYTE = /\\x([0-9a-fA-F]{2})/g;

/** Four in a row: nobody writes that many by chance. Whatever of a token stands around them belongs to them. */
const ENCODED: readonly { way: 'percent' | 'entities' | 'bytes'; mark: string; run: RegExp }[] = [
  { way: 'percent', mark: '%', run: /(?:%[0-9a-fA-F]{2}){4}[\w%.~-]{0,4000}/g },
  { way: 'entities', mark: '&#', run: /(?:&#(?:x[0-9a-fA-F]{2,5}|\d{2,6});){4}[\w&#;.~-]{0,8000}/g },
  { way: 'bytes', mark: '\\x', run: /(?:\\x[0-9a-fA-F]{2}){4}[\w\\.~-]{0,8000}/g },
];

/** All such stretches of a text, in no order; linear in the text. */
export function findDisguised(text: string): Disguised[] {
  const found = findJoined(text);
  for (const { way, mark, run } of ENCODED) {
    if (!text.includes(mark)) continue;
    for (const match of text.matchAll(run)) {
      const start = tokenStart(text, match.index);
      found.push(decode(way, text.slice(start, match.index + match[0].length), start));
    }
  }
  return found;
}

function tokenStart(text: string, from: number): number {
  let start = from;
  while (start > 0 && from - start < LONGEST_PIECE && TOKEN.test(text[start - 1] ?? '')) start--;
  return start;
}

function tokenEnd(text: string, from: number): number {
  let end = from;
  while (end < text.length && end - from < LONGEST_PIECE && TOKEN.test(text[end] ?? '')) end++;
  return end;
}

function findJoined(text: string): Disguised[] {
  if (!IN_JOINTS.test(text)) return [];
  const found: Disguised[] = [];
  let pieces: { start: number; end: number }[] = [];
  const close = (): void => {
    if (pieces.length > 1) found.push(joined(text, pieces));
  };
  for (const match of text.matchAll(JOINT)) {
    const end = match.index + match[0].length;
    if (pieces.at(-1)?.end !== match.index || pieces.length > 40) {
      close();
      pieces = [{ start: tokenStart(text, match.index), end: match.index }];
    }
    pieces.push({ start: end, end: tokenEnd(text, end) });
  }
  close();
  return found;
}

function joined(text: string, pieces: readonly { start: number; end: number }[]): Disguised {
  const start = pieces[0]?.start ?? 0;
  const origins: number[] = [];
  for (const piece of pieces) for (let at = piece.start; at < piece.end; at++) origins.push(at - start);
  const end = pieces.at(-1)?.end ?? start;
  return {
    start,
    end,
    way: 'joined',
    text: pieces.map((piece) => text.slice(piece.start, piece.end)).join(''),
    // The end of a match is the end of its last unit, not the begin of the next piece.
    offsets: (offset) => origins[offset] ?? end - start,
    write: (replacement) => replacement,
  };
}

function decode(way: 'percent' | 'entities' | 'bytes', raw: string, start: number): Disguised {
  const place = { start, end: start + raw.length, way };
  if (way === 'percent')
    return { ...place, text: decodePercent(raw), offsets: percentOffsets(raw), write: encodeURIComponent };
  const pattern = way === 'entities' ? ENTITY : BYTE;
  const origins: number[] = [];
  let text = '';
  let at = 0;
  const plain = (end: number): void => {
    for (; at < end; at++) origins.push(at);
  };
  for (const match of raw.matchAll(pattern)) {
    text += raw.slice(at, match.index);
    plain(match.index);
    const [whole, hexadecimal, decimal] = match;
    const point = hexadecimal === undefined ? Number(decimal) : Number.parseInt(hexadecimal, 16);
    const character = point <= 0x10ffff ? String.fromCodePoint(point) : '\ufffd';
    for (let unit = 0; unit < character.length; unit++) origins.push(at);
    text += character;
    at = match.index + whole.length;
  }
  text += raw.slice(at);
  plain(raw.length);
  return { ...place, text, offsets: (offset) => origins[offset] ?? raw.length, write: (written) => written };
}

import { isUtf8 } from 'node:buffer';
import { EventType, type LedgerEntry } from '@raypher/shared';
import { DISGUISES_BEYOND_ASCII } from './plain-text.ts';

/** What agents write nearly always, read in one look. */
export interface QuickEntry {
  entry: LedgerEntry;
  text: string;
  /** Its texts are fit for screens and short enough, and nothing anywhere has a backslash. */
  isPlain: boolean;
}

// The keys of RFC 8785 come in the order of their code units, so entries of one schema have them in one order. Texts
// without anything escaped have one form only; the others, rare, go the long way, and so do those that disguise.
const TEXT = `"([^"\\\\\\u0000-\\u001f${DISGUISES_BEYOND_ASCII}]*)"`;
/** From 1970 on; whether the month has such a day is another matter. */
const TIME = '((?:19[7-9]|[2-9]\\d\\d)\\d-[01]\\d-[0-3]\\dT(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d\\.\\d{3}Z)';
const WHOLE = '(0|[1-9]\\d{0,14})';
const DIGEST = '"([0-9a-f]{64})"';
const ID = '"([0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})"';
const ENTRY = new RegExp(
  `^\\{"action":${TEXT},"actor":\\{"id":${TEXT},"kind":"(ai-agent|edge-agent|user|control-plane|process)",` +
    `"name":${TEXT}(?:,"pid":${WHOLE})?(?:,"user":${TEXT})?\\},` +
    `"at":"${TIME}","data":(\\{[^]*?\\}),` +
    `"device":${ID},"organisation":${ID},"prev":${DIGEST}(?:,"private":${DIGEST})?,"seq":${WHOLE},` +
    `"severity":"(info|notice|warning|critical)","target":${TEXT},"type":"([a-z.-]+)","v":1` +
    '(?:,"verdict":\\{"layer":"(global|team|local|builtin)","mode":"(enforce|monitor)",' +
    `"outcome":"(ALLOW|DENY|PROMPT)","reason":${TEXT},"revision":${WHOLE},"rule":${TEXT}\\})?\\}$`,
);
const TYPES = new Set<string>(EventType.options);

type Match = (string | undefined)[];
type Data = LedgerEntry['data'];

/**
 * Reads an entry in the form that nearly all have. It accepts nothing that the schema and RFC 8785 would not accept,
 * and gives the same value for it: `quick-entry.test.ts` holds it against both.
 *
 * @returns undefined when the entry must be looked at in full, which says nothing about whether it is one
 */
export function readQuickly(bytes: Buffer): QuickEntry | undefined {
  if (!isUtf8(bytes)) return undefined;
  const text = bytes.toString('utf8');
  const match: Match | null = ENTRY.exec(text);
  if (match === null) return undefined;
  // By number, and one object written out for each form: taking a list apart costs more than all the rest.
  const action = match[1] ?? '';
  const target = match[15] ?? '';
  const at = match[7] ?? '';
  const type = match[16] ?? '';
  const dataText = match[8] ?? '';
  if (action.length > 128 || target.length > 2048 || !TYPES.has(type) || match[13] === '0') return undefined;
  const actor = readActor(match);
  const data = readData(dataText);
  const verdict = match[17] === undefined ? undefined : readVerdict(match);
  if (actor === undefined || data === undefined || verdict === 'long' || !isDay(at.slice(0, 10)))
    return undefined;
  const entry: Record<string, unknown> = {
    v: 1,
    organisation: match[10],
    device: match[9],
    seq: Number(match[13]),
    prev: match[11],
    at,
    type,
    severity: match[14],
    actor,
    action,
    target,
    data,
  };
  if (verdict !== undefined) entry.verdict = verdict;
  if (match[12] !== undefined) entry.private = match[12];
  // The expression and the checks above leave nothing open that the schema asks for.
  return { entry: entry as LedgerEntry, text, isPlain: !dataText.includes('\\') };
}

function readActor(match: Match): object | undefined {
  const id = match[2] ?? '';
  const name = match[4] ?? '';
  const user = match[6];
  if (id.length > 128 || name.length > 256 || (user !== undefined && user.length > 128)) return undefined;
  const actor: Record<string, unknown> = { kind: match[3], id, name };
  if (match[5] !== undefined) actor.pid = Number(match[5]);
  if (user !== undefined) actor.user = user;
  return actor;
}

function readVerdict(match: Match): object | 'long' {
  const reason = match[20] ?? '';
  const rule = match[22] ?? '';
  if (reason.length > 1000 || rule.length > 128) return 'long';
  return { outcome: match[19], mode: match[18], layer: match[17], rule, reason, revision: Number(match[21]) };
}

let lastDay = '';

/** @param day YYYY-MM-DD; entries that come together are of one day, mostly */
function isDay(day: string): boolean {
  if (day === lastDay) return true;
  const midnight = new Date(`${day}T00:00:00.000Z`);
  if (Number.isNaN(midnight.getTime()) || !midnight.toISOString().startsWith(day)) return false;
  lastDay = day;
  return true;
}

/** A flat object whose form is the only one that its value has. */
function readData(text: string): Data | undefined {
  const data = parsed(text);
  if (data === undefined) return undefined;
  let before: string | undefined;
  // Own keys only, as JSON has no others.
  for (const key of Object.keys(data)) {
    // What JavaScript reorders (keys that look like numbers) or hides (__proto__) goes the long way.
    if ((before !== undefined && key <= before) || key.length > 64 || key === '__proto__') return undefined;
    if (!isFact(data[key])) return undefined;
    before = key;
  }
  // Keys are in order and texts as JSON.stringify escapes them, which is how RFC 8785 §3.2.2 does; a lone surrogate,
  // which it would escape, has no canonical form at all.
  if (JSON.stringify(data) !== text || text.includes('\\ud')) return undefined;
  return data as Data;
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    // It begins with a brace.
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function isFact(value: unknown): boolean {
  switch (typeof value) {
    case 'string':
      return value.length <= 4096;
    case 'number':
      return Number.isFinite(value);
    case 'boolean':
      return true;
    default:
      return (
        Array.isArray(value) &&
        value.length <= 64 &&
        value.every((item) => typeof item === 'string' && item.length <= 1024)
      );
  }
}

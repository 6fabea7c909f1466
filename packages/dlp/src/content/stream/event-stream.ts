import { decodeBytes } from '../charset.ts';
import type { Edit } from '../edit.ts';
import { decodeJsonString } from '../json/json-string.ts';
import { type JsonLeaf, leafPath, readJson } from '../json/read-json.ts';
import type { Place, Visitor } from '../part.ts';
import { leafRole } from '../provider-shapes.ts';
import { leafEdits, walkJson } from '../walk-json.ts';
import { jsonWalk } from '../walk-text.ts';
import { Channel } from './channel.ts';
import { type ChannelMode, type Delta, deltaOf, endedChannels } from './deltas.ts';
import type { Finder } from './finder.ts';
import { type Frame, frameBytes } from './frame.ts';
import { frameData } from './frame-data.ts';
import { createFramer, type Framer, joinBytes, type StreamFormat } from './framer.ts';

/** Bytes in, bytes out, in any chunking; what comes out late is what may still have to change. */
export interface ByteTransform {
  /** @returns what may leave now; maybe nothing */
  push(chunk: Uint8Array): Uint8Array;
  /** @returns the rest; the transform is used up then */
  end(): Uint8Array;
}

/** Longest event: an answer may carry a picture. */
const MAX_EVENT_BYTES = 32 << 20;
/** Texts that arrive at the same time: choices, blocks and tool calls of one answer. */
const MAX_CHANNELS = 256;
/** Short texts that come in every event, as ids and model names, are looked at once. */
const MAX_CLEAN = 256;
const LONGEST_CLEAN = 200;

/**
 * An event that had one piece of text and nothing else to see. The next one with the same beginning and end differs
 * in the text alone: all that was read out of the first holds for it too.
 */
interface Template {
  before: string;
  after: string;
  channel: string;
  mode: ChannelMode;
  place: Place;
}

/** An event is longer than what is held for any. */
export class EventTooLongError extends Error {
  override name = 'EventTooLongError';
}

/** Streams of events (server-sent events, NDJSON, one endless JSON array). */
export class EventStream implements ByteTransform {
  readonly #format: Exclude<StreamFormat, 'text'>;
  readonly #finder: Finder;
  readonly #framer: Framer;
  readonly #visitor: Visitor;
  /** In order of arrival: none overtakes another, so terminators stay last. */
  #frames: Frame[] = [];
  readonly #channels = new Map<string, Channel>();
  readonly #touched = new Set<Channel>();
  readonly #clean = new Set<string>();
  #template: Template | undefined;

  constructor(format: Exclude<StreamFormat, 'text'>, finder: Finder, maxEventBytes = MAX_EVENT_BYTES) {
    this.#format = format;
    this.#finder = finder;
    this.#framer = createFramer(format, maxEventBytes, () => {
      return new EventTooLongError(`An event of the stream is longer than ${maxEventBytes} bytes.`);
    });
    this.#visitor = { text: ({ text, ...place }) => finder.whole(text, place), obstacle: () => {} };
  }

  push(chunk: Uint8Array): Uint8Array {
    for (const frame of this.#framer.push(chunk)) this.#read(frame);
    for (const channel of this.#touched) channel.settle(false);
    this.#touched.clear();
    return this.#settled();
  }

  end(): Uint8Array {
    const rest = this.#framer.rest();
    if (rest.length > 0) this.#read(rest);
    this.#endChannels([]);
    return this.#settled();
  }

  #settled(): Uint8Array {
    const ready = this.#frames.findIndex(({ open }) => open > 0);
    const leaving = ready === -1 ? this.#frames : this.#frames.slice(0, ready);
    this.#frames = ready === -1 ? [] : this.#frames.slice(ready);
    return joinBytes(leaving.map(frameBytes));
  }

  #read(bytes: Uint8Array): void {
    const { text, encode } = decodeBytes(bytes);
    const frame: Frame = { bytes, text, encode, edits: [], open: 0 };
    this.#frames.push(frame);
    const { data, toFrame, around } = frameData(this.#format, text);
    for (const { start, end } of around) {
      const edits = this.#whole(text.slice(start, end), { path: 'event', role: 'other' });
      frame.edits.push(
        ...edits.map((edit) => ({ ...edit, start: edit.start + start, end: edit.end + start })),
      );
    }
    if (data === '' || this.#addLikeTemplate(data, frame, toFrame)) return;
    const document = readJson(data);
    if (document.valid && document.root !== undefined) {
      const deltas: JsonLeaf[] = [];
      const whole: JsonLeaf[] = [];
      for (const leaf of document.leaves) {
        if (this.#addDelta(data, leaf, frame, toFrame)) deltas.push(leaf);
        else if (!this.#isClean(data, leaf)) whole.push(leaf);
      }
      const edits = walkJson(data, { ...document, leaves: whole }, jsonWalk(this.#visitor, 0));
      if (edits.length === 0) this.#remember(data, whole);
      else frame.edits.push(...edits.flatMap(toFrame));
      const ended = endedChannels(document.root, document.leaves);
      if (ended !== undefined) this.#endChannels(ended);
      const [only] = deltas;
      // Leaves that are not remembered as clean have to be looked at again.
      const settled = whole.length === 0 && ended === undefined && deltas.length === 1;
      this.#template = settled && only !== undefined ? templateOf(data, only) : undefined;
    } else if (data === '[DONE]') {
      this.#endChannels([]);
    } else {
      this.#channel('data', 'text', { path: 'data', role: 'message' }).add(data, frame, toFrame);
    }
  }

  /** The quick way for most events of an answer. @returns false when the event has to be read */
  #addLikeTemplate(data: string, frame: Frame, toFrame: (edit: Edit) => Edit[]): boolean {
    const template = this.#template;
    if (template === undefined || data.length <= template.before.length + template.after.length) return false;
    const { before, after } = template;
    if (!data.startsWith(before) || !data.endsWith(after)) return false;
    const text = data.slice(before.length, data.length - after.length);
    if (!PLAIN.test(text)) return false;
    this.#channel(template.channel, template.mode, template.place).add(text, frame, (edit) =>
      leafEdits(text, before.length, [edit]).flatMap(toFrame),
    );
    return true;
  }

  #addDelta(data: string, leaf: JsonLeaf, frame: Frame, toFrame: (edit: Edit) => Edit[]): boolean {
    const delta = deltaOf(leaf);
    if (delta === undefined) return false;
    const raw = data.slice(leaf.start, leaf.end);
    this.#channel(delta.channel, delta.mode, placeOf(leaf, delta)).add(
      leaf.escaped ? decodeJsonString(raw) : raw,
      frame,
      (edit) => leafEdits(raw, leaf.start, [edit]).flatMap(toFrame),
    );
    return true;
  }

  #channel(key: string, mode: ChannelMode, place: Place): Channel {
    let channel = this.#channels.get(key);
    if (channel === undefined) {
      if (this.#channels.size >= MAX_CHANNELS) this.#endChannels([]);
      channel = new Channel(this.#finder, mode, place);
      this.#channels.set(key, channel);
    }
    this.#touched.add(channel);
    return channel;
  }

  /** @param parts of keys; a channel is meant when its key ends with one or has it before another part */
  #endChannels(parts: readonly string[]): void {
    for (const [key, channel] of this.#channels) {
      if (parts.length > 0 && !parts.some((part) => `${key}|`.includes(`${part}|`))) continue;
      channel.settle(true);
      this.#channels.delete(key);
      this.#touched.delete(channel);
    }
  }

  #whole(text: string, place: Place): Edit[] {
    const known = `${place.role} ${text}`;
    if (this.#clean.has(known)) return [];
    const edits = this.#finder.whole(text, place);
    if (edits.length === 0) this.#rememberText(known);
    return edits;
  }

  #isClean(data: string, leaf: JsonLeaf): boolean {
    return leaf.end - leaf.start <= LONGEST_CLEAN && this.#clean.has(cleanKey(data, leaf));
  }

  #remember(data: string, leaves: readonly JsonLeaf[]): void {
    for (const leaf of leaves)
      if (leaf.end - leaf.start <= LONGEST_CLEAN) this.#rememberText(cleanKey(data, leaf));
  }

  #rememberText(known: string): void {
    if (this.#clean.size >= MAX_CLEAN) this.#clean.clear();
    this.#clean.add(known);
  }
}

/** What stands in a JSON string as it is: neither quote nor escape nor control character. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids control characters in strings
const PLAIN = /^[^"\\\0-\x1f]+$/;

function templateOf(data: string, leaf: JsonLeaf): Template | undefined {
  const delta = deltaOf(leaf);
  if (delta === undefined) return undefined;
  return {
    ...delta,
    before: data.slice(0, leaf.start),
    after: data.slice(leaf.end),
    place: placeOf(leaf, delta),
  };
}

function placeOf(leaf: JsonLeaf, { mode }: Delta): Place {
  return { path: leafPath(leaf), role: mode === 'json' ? 'tool-arguments' : 'message' };
}

/** A text counts as known in the same place only: its name may be what gives it away. */
function cleanKey(data: string, leaf: JsonLeaf): string {
  return `${leafRole(leaf)} ${leaf.kind} ${leaf.key} ${data.slice(leaf.start, leaf.end)}`;
}

import type { Edit } from '../edit.ts';
import type { StreamFormat } from './framer.ts';

/** The data of a frame and where its lines stand. */
export interface FrameData {
  data: string;
  /** Edits of the data as edits of the frame. */
  toFrame: (edit: Edit) => Edit[];
  /** Everything else that can hold a text: comments, event names, ids. */
  around: { start: number; end: number }[];
}

interface Line {
  start: number;
  end: number;
}

/** Finds the payload of one frame: the `data:` lines of an event, the line, the element without its comma. */
export function frameData(format: Exclude<StreamFormat, 'text'>, text: string): FrameData {
  if (format === 'sse') return eventData(text);
  const start = /^[\s,[\ufeff]*/.exec(text)?.[0].length ?? 0;
  const first = format === 'json-array' ? start : (/^[\s\ufeff]*/.exec(text)?.[0].length ?? 0);
  const end = Math.max(first, text.trimEnd().length);
  return payload(text, [{ start: first, end }], []);
}

function eventData(text: string): FrameData {
  const lines: Line[] = [];
  const around: Line[] = [];
  const hasCarriage = text.includes('\r');
  for (let start = 0; start < text.length; ) {
    const end = endOfLine(text, start, hasCarriage);
    if (text.startsWith('data:', start)) {
      lines.push({ start: start + (text[start + 5] === ' ' ? 6 : 5), end });
    } else if (end > start) {
      around.push({ start, end });
    }
    start = end + (text[end] === '\r' && text[end + 1] === '\n' ? 2 : 1);
  }
  return payload(text, lines, around);
}

function endOfLine(text: string, start: number, hasCarriage: boolean): number {
  if (!hasCarriage) {
    const feed = text.indexOf('\n', start);
    return feed === -1 ? text.length : feed;
  }
  // To look for either on its own would go over the rest of the text with each line.
  let end = start;
  while (end < text.length && text[end] !== '\n' && text[end] !== '\r') end++;
  return end;
}

function payload(text: string, lines: readonly Line[], around: Line[]): FrameData {
  const [only] = lines;
  if (only === undefined) return { data: '', toFrame: () => [], around };
  if (lines.length === 1) {
    const { start } = only;
    const toFrame = (edit: Edit) => [{ ...edit, start: edit.start + start, end: edit.end + start }];
    return { data: text.slice(start, only.end), toFrame, around };
  }
  return {
    data: lines.map(({ start, end }) => text.slice(start, end)).join('\n'),
    toFrame: (edit) => perLine(lines, edit),
    around,
  };
}

/** An edit that runs over several lines: the first carries the replacement. */
function perLine(lines: readonly Line[], edit: Edit): Edit[] {
  const edits: Edit[] = [];
  let text = edit.text;
  let at = 0;
  for (const { start, end } of lines) {
    const from = Math.max(edit.start, at);
    const to = Math.min(edit.end, at + end - start);
    if (from < to || (from === to && edit.start === edit.end && edits.length === 0)) {
      edits.push({ start: start + from - at, end: start + to - at, text });
      text = '';
    }
    at += end - start + 1;
  }
  return edits;
}

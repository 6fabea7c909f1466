import { byteString, bytesOf } from './charset.ts';

/** A stretch of text that may be base64 (RFC 4648 §4 and §5), half open. */
export interface Base64Run {
  start: number;
  end: number;
}

/** Shorter ones cannot hold a credential that is worth anything. */
export const SHORTEST_RUN = 24;

const ALPHABET = new Uint8Array(128);
for (const unit of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_')
  ALPHABET[unit.charCodeAt(0)] = 1;

function inAlphabet(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit < 128 && ALPHABET[unit] === 1;
}

/** Every run of at least {@link SHORTEST_RUN} characters of the alphabet; looks at one in 24 characters of prose. */
export function base64Runs(text: string): Base64Run[] {
  const runs: Base64Run[] = [];
  for (let at = SHORTEST_RUN - 1; at < text.length; ) {
    if (!inAlphabet(text, at)) {
      at += SHORTEST_RUN;
      continue;
    }
    let start = at;
    while (start > 0 && at - start < SHORTEST_RUN && inAlphabet(text, start - 1)) start--;
    let end = at + 1;
    while (end < text.length && inAlphabet(text, end)) end++;
    const length = end - start;
    for (let pads = 0; pads < 2 && text[end] === '='; pads++) end++;
    if (length >= SHORTEST_RUN) runs.push({ start, end });
    at = end + SHORTEST_RUN - 1;
  }
  return runs;
}

/** @returns the bytes as one character each, or undefined when it is not base64 */
export function decodeBase64(text: string): string | undefined {
  const compact = /[-_\s]/.test(text)
    ? text.replace(/\s+/g, '').replaceAll('-', '+').replaceAll('_', '/')
    : text;
  const bare = compact.replace(/={1,2}$/, '');
  if (bare.length % 4 === 1) return undefined;
  try {
    return atob(bare);
  } catch {
    return undefined;
  }
}

/** Writes bytes in the same alphabet, with the same padding and line length as `like`. */
export function encodeBase64Like(bytes: Uint8Array, like: string): string {
  let text = btoa(byteString(bytes));
  if (/[-_]/.test(like)) text = text.replaceAll('+', '-').replaceAll('/', '_');
  if (!/=\s*$/.test(like) && like.replace(/\s+/g, '').length % 4 !== 0) text = text.replace(/=+$/, '');
  const line = /^([^\r\n]+)(\r?\n)/.exec(like);
  if (line?.[1] === undefined) return text;
  const [, { length }, ending = '\n'] = [line[0], line[1], line[2]];
  const lines = text.match(new RegExp(`.{1,${length}}`, 'g')) ?? [];
  return lines.join(ending) + (/\r?\n$/.test(like) ? ending : '');
}

/** Bytes that {@link decodeBase64} gave. */
export { bytesOf as base64Bytes };

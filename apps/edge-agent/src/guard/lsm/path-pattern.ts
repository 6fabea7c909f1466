import type { Reach } from './layout.ts';
import { AFFIX_BYTES, NAME_BYTES } from './layout.ts';

/** What the kernel can be told about a pattern for paths. */
export type PathPattern =
  | { readonly kind: 'any' }
  /** A name wherever it is. */
  | { readonly kind: 'name'; readonly name: string; readonly reach: Reach }
  | { readonly kind: 'affix'; readonly affix: string; readonly backwards: boolean }
  /** A place: whatever is at this path, in it, or below it. `parts` after `base` are patterns of single names. */
  | {
      readonly kind: 'place';
      readonly base: string;
      readonly parts: readonly string[];
      readonly reach: Reach;
    }
  | { readonly kind: 'unexpressed'; readonly because: string };

/** Reads a pattern in the way of `compilePathGlob`: what this says and what that matches is the same. */
export function readPathPattern(pattern: string): PathPattern {
  const parts = (pattern.endsWith('/') ? `${pattern}**` : pattern).split('/').filter((part) => part !== '');
  const { rest, reach } = splitReach(parts);
  if (rest.length === 0 && reach === 'below') return { kind: 'any' };
  if (parts[0] === '**') return readAnywhere(rest.slice(1), reach);
  if (rest.includes('**')) return { kind: 'unexpressed', because: 'it has ** between other parts' };
  const wild = rest.findIndex(isPattern);
  const literal = wild === -1 ? rest : rest.slice(0, wild);
  return {
    kind: 'place',
    base: `/${literal.join('/')}`,
    parts: wild === -1 ? [] : rest.slice(wild),
    reach,
  };
}

/** Whether a name has a wildcard in it. */
export function isPattern(part: string): boolean {
  return part.includes('*') || part.includes('?');
}

/** A pattern for single names: the whole name, its beginning, or its end. */
export function readNamePattern(name: string, reach: Reach = 'self'): PathPattern {
  if (!isPattern(name)) {
    return Buffer.byteLength(name) < NAME_BYTES
      ? { kind: 'name', name, reach }
      : { kind: 'unexpressed', because: `a name in it has more than ${NAME_BYTES - 1} bytes` };
  }
  const affix = name.replace('*', '');
  const isAffix = !isPattern(affix) && (name.startsWith('*') || name.endsWith('*')) && affix !== '';
  if (!isAffix || reach !== 'self')
    return { kind: 'unexpressed', because: `"${name}" is a pattern of its own` };
  if (Buffer.byteLength(affix) > AFFIX_BYTES) {
    return { kind: 'unexpressed', because: `"${affix}" has more than ${AFFIX_BYTES} bytes` };
  }
  return { kind: 'affix', affix, backwards: name.startsWith('*') };
}

/** What comes after a leading `**`. */
function readAnywhere(parts: readonly string[], reach: Reach): PathPattern {
  const [name, ...more] = parts;
  if (name === undefined || (name === '*' && more.length === 0 && reach === 'self')) return { kind: 'any' };
  if (more.length > 0) return { kind: 'unexpressed', because: 'it names folders below **' };
  return readNamePattern(name, reach);
}

/** `x/**` holds x and all below; `x/*` what lies in x. Several `**` at the end say what one says. */
function splitReach(parts: readonly string[]): { rest: readonly string[]; reach: Reach } {
  let end = parts.length;
  while (end > 0 && parts[end - 1] === '**') end--;
  if (end < parts.length) return { rest: parts.slice(0, end), reach: 'below' };
  if (parts.at(-1) === '*' && parts.length > 1 && parts.at(-2) !== '**')
    return { rest: parts.slice(0, -1), reach: 'child' };
  return { rest: parts, reach: 'self' };
}

import type { Finding } from '../finding.ts';
import type { Scanner } from '../scanner.ts';
import { applyEdits, type Edit } from './edit.ts';
import { isRedactable, type Obstacle, type Part, type Rereading, type Visitor } from './part.ts';
import { scanPart } from './scan-part.ts';
import type { VerdictCache } from './verdict-cache.ts';
import { walkBody } from './walk-body.ts';
import { walkUrl } from './walk-form.ts';
import { type HeaderList, walkHeaders } from './walk-headers.ts';

/** A part of a message with what was found in it. */
export interface InspectedPart extends Part {
  /** Whether it may be changed; findings in other parts can only be blocked or reported. */
  redactable: boolean;
  /** Mutable: a recogniser of names may add to it before the message is rewritten. */
  findings: Finding[];
}

/** @returns what to write in the place of a finding; undefined leaves it as it is */
export type Replace = (finding: Finding, part: InspectedPart, value: string) => string | undefined;

export interface Rewritten<Content> {
  content: Content;
  replaced: number;
  /** Findings that were to be replaced but stand in a part that must not be changed: the message must not pass. */
  left: { finding: Finding; part: InspectedPart }[];
}

export interface Inspection<Content> {
  parts: InspectedPart[];
  obstacles: Obstacle[];
  /** Writes the message with replacements; bit for bit the same outside of them. */
  rewrite(replace: Replace): Rewritten<Content>;
}

export interface InspectOptions {
  scanner: Scanner;
  /** Remembers what was found in parts, since transcripts repeat. */
  cache?: VerdictCache;
}

/**
 * Texts of one message that are looked at. A conversation of a million tokens has about 25,000; without a bound, a body
 * made of millions would keep everybody else waiting.
 */
export const MOST_TEXTS = 50_000;

type Walk<Content> = (visitor: Visitor) => Content;

function inspect<Content>(walk: Walk<Content>, { scanner, cache }: InspectOptions): Inspection<Content> {
  const parts: InspectedPart[] = [];
  const obstacles: Obstacle[] = [];
  /** By identity: a path may be as long as the message. */
  const inspectedOf = new Map<Part, InspectedPart>();
  walk({
    text(part) {
      const scan = () => scanPart(scanner, part);
      const all = cache?.findings(scanner, part, scan) ?? scan();
      const findings = part.rereads ? newOnes(all, part.rereads, inspectedOf.get(part.rereads.of)) : all;
      const inspected = { ...part, redactable: isRedactable(part.role), findings };
      parts.push(inspected);
      if (!part.rereads && findings.length > 0) inspectedOf.set(part, inspected);
      return [];
    },
    obstacle: (obstacle) => obstacles.push(obstacle),
    isFull: () => parts.length >= MOST_TEXTS,
  });
  if (parts.length >= MOST_TEXTS) obstacles.push({ path: '', reason: 'size' });
  return { parts, obstacles, rewrite: (replace) => rewrite(walk, parts, replace) };
}

/** Without what the first reading found already: every unit of it is in a finding there. */
function newOnes(findings: Finding[], { origin }: Rereading, first: InspectedPart | undefined): Finding[] {
  return findings.filter(({ start, end }) => {
    const [from, to] = [origin(start), origin(end - 1) + 1];
    let covered = 0;
    for (const other of first?.findings ?? [])
      covered += Math.max(0, Math.min(to, other.end) - Math.max(from, other.start));
    return covered < end - start;
  });
}

function rewrite<Content>(
  walk: Walk<Content>,
  parts: readonly InspectedPart[],
  replace: Replace,
): Rewritten<Content> {
  const left: Rewritten<Content>['left'] = [];
  let replaced = 0;
  let next = 0;
  const content = walk({
    text() {
      const part = parts[next++];
      if (part === undefined) return [];
      const edits: Edit[] = [];
      for (const finding of part.findings) {
        const text = replace(finding, part, part.text.slice(finding.start, finding.end));
        if (text === undefined) continue;
        if (part.redactable) edits.push({ start: finding.start, end: finding.end, text });
        else left.push({ finding, part });
      }
      replaced += edits.length;
      return edits;
    },
    obstacle: () => {},
    isFull: () => next >= MOST_TEXTS,
  });
  return { content, replaced, left };
}

/** Looks through a whole body, already decompressed. @param contentType value of the header; may be empty */
export function inspectBody(
  bytes: Uint8Array,
  contentType: string,
  options: InspectOptions,
): Inspection<Uint8Array> {
  return inspect((visitor) => walkBody(bytes, contentType, { path: '', role: 'other' }, visitor), options);
}

/** Looks through a URL or request target. */
export function inspectUrl(url: string, options: InspectOptions): Inspection<string> {
  return inspect((visitor) => applyEdits(url, walkUrl(url, visitor)), options);
}

/** Looks through names and values of headers. */
export function inspectHeaders(headers: HeaderList, options: InspectOptions): Inspection<[string, string][]> {
  return inspect((visitor) => walkHeaders(headers, visitor), options);
}

import {
  type Finding,
  type InspectedPart,
  type Inspection,
  inspectBody,
  inspectHeaders,
  inspectUrl,
  type Obstacle,
} from '@raypher/dlp';
import { isCredentialParameter } from './credential-placeholder.ts';
import { type DataDecision, decideData, STRENGTH } from './data-decision.ts';
import type { Exchange } from './exchange.ts';
import { type LocatedFinding, locatedFindings } from './found-event.ts';
import { WRITTEN_ANEW } from './headers.ts';
import type { ProxyContext } from './proxy-context.ts';

/** What was found in a request. */
export interface OutgoingInspection {
  readonly found: readonly Finding[];
  /** Those that `counts` says, as they may be recorded. */
  located(counts: (finding: Finding) => boolean): LocatedFinding[];
  /** Parts in which names were not looked for although policy asks for them. */
  readonly unrecognised: number;
  /** Why parts of it were not looked at; empty when all were. */
  readonly obstacles: readonly Obstacle[];
  /** The last message of a person or tool, with what was found in it hidden; for the live view. */
  readonly preview: string;
  /** Writes placeholders for what `takes` says. */
  redact(takes: (finding: Finding) => boolean, place: (finding: Finding, value: string) => string): Redacted;
}

export interface Redacted {
  readonly path: string;
  /** Headers that are now different. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Undefined: unchanged. */
  readonly body: Buffer | undefined;
  readonly replaced: number;
  /** What was to be taken out of a place that must not be changed. */
  readonly left: number;
}

/** What is not text is not looked through, and no sign of anything. */
export function isObstacle({ reason }: Obstacle): boolean {
  return reason !== 'binary';
}

/**
 * Looks through everything a request sends: its target with the query, its headers and its body.
 *
 * Credentials in the headers that are made for them are the caller's own way to be let in; where they may be sent is
 * for the rules about destinations.
 */
export async function inspectOutgoing(
  exchange: Exchange,
  { data, names, policy }: Pick<ProxyContext, 'data' | 'names' | 'policy'>,
): Promise<OutgoingInspection> {
  const {
    request,
    destination,
    read: { plain, body, excerpt },
  } = exchange;
  const lookAtHead = () => ({
    url: inspectUrl(destination.path, data.options),
    headers: inspectHeaders(headerList(request.rawHeaders), data.options),
  });
  const { version } = data.scanner;
  const head = data.cleanHeads.has(exchange, version) ? undefined : lookAtHead();
  const content =
    plain === undefined
      ? undefined
      : inspectBody(excerpt?.bytes ?? plain, request.headers['content-type'] ?? '', data.options);
  // Names are looked for in what models are told.
  const isForModel = content !== undefined && destination.provider !== undefined;
  const unrecognised =
    isForModel && names?.isAskedFor(policy) === true ? await names.addTo(content, exchange.gone) : 0;
  const looked = [head?.url, head?.headers, content];
  const obstacles: Obstacle[] = looked.flatMap((one) => one?.obstacles ?? []);
  if (body !== undefined && plain === undefined) {
    obstacles.push({ path: '', reason: Buffer.isBuffer(body) ? 'charset' : 'size' });
  }
  const parts = looked.flatMap((one) => one?.parts ?? []).filter((part) => isDecided(part, destination));
  if (head !== undefined && isClean(head.url, destination) && isClean(head.headers, destination)) {
    data.cleanHeads.remember(exchange, version);
  }
  return {
    found: parts.flatMap(({ findings }) => findings),
    located: (counts) =>
      locatedFindings(
        parts.map((part) => ({ ...part, findings: part.findings.filter(counts) })),
        data.hash,
      ),
    unrecognised,
    obstacles: obstacles.filter(isObstacle),
    preview: previewOf(content?.parts ?? []),
    redact(takes, place) {
      const write = <Content>(inspection: Inspection<Content>) =>
        inspection.rewrite((finding, part, value) =>
          isDecided(part, destination) && takes(finding) ? place(finding, value) : undefined,
        );
      const { url, headers } = head ?? lookAtHead();
      const newUrl = write(url);
      const newHeaders = write(headers);
      const newBody = content === undefined ? undefined : write(content);
      const rewritten = [newUrl, newHeaders, newBody];
      return {
        path: newUrl.content,
        headers: newHeaders.replaced === 0 ? [] : newHeaders.content,
        body:
          newBody === undefined || newBody.replaced === 0 ? undefined : wholeBody(newBody.content, exchange),
        replaced: rewritten.reduce((sum, one) => sum + (one?.replaced ?? 0), 0),
        left: rewritten.reduce((sum, one) => sum + (one?.left.length ?? 0), 0),
      };
    },
  };
}

/** A rewritten excerpt with the known messages in their place again; they were clean and are as they came. */
function wholeBody(rewritten: Uint8Array, { read: { plain, excerpt } }: Exchange): Buffer {
  if (excerpt === undefined || plain === undefined) return Buffer.from(rewritten);
  const { start, end } = excerpt;
  // So far the body is one that was clean: nothing was found there, and nothing is changed there.
  if (!plain.subarray(0, start).equals(rewritten.subarray(0, start))) {
    throw new TypeError('what stands before the known messages was changed');
  }
  return Buffer.concat([
    rewritten.subarray(0, start),
    plain.subarray(start, end),
    rewritten.subarray(start + 1),
  ]);
}

/** What policy says about it. */
export function decideOutgoing(
  context: Pick<ProxyContext, 'policy'>,
  exchange: Exchange,
  { found, obstacles }: Pick<OutgoingInspection, 'found' | 'obstacles'>,
): DataDecision {
  const known = decideData(context, exchange, 'out', found);
  if (obstacles.length === 0) return known;
  const unknown = decideData(context, exchange, 'out', null);
  return STRENGTH[unknown.outcome] > STRENGTH[known.outcome]
    ? { ...unknown, of: (finding) => known.of(finding) }
    : known;
}

/** Some providers take their key as a parameter of the query; it is theirs already. */
function isDecided({ role, label }: InspectedPart, { provider }: Exchange['destination']): boolean {
  if (role === 'credential-header') return false;
  return !(role === 'url' && provider !== undefined && isCredentialParameter(label ?? ''));
}

/** Whether nothing stands there that policy has to be asked about. */
function isClean(
  { parts, obstacles }: Pick<Inspection<unknown>, 'parts' | 'obstacles'>,
  destination: Exchange['destination'],
): boolean {
  return (
    obstacles.length === 0 &&
    parts.every((part) => part.findings.length === 0 || !isDecided(part, destination))
  );
}

function headerList(raw: readonly string[]): [string, string][] {
  const list: [string, string][] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const [name = '', value = ''] = [raw[at], raw[at + 1]];
    if (!WRITTEN_ANEW.has(name.toLowerCase())) list.push([name, value]);
  }
  return list;
}

/** Long enough for {@link PREVIEW_LENGTH} of a live view. */
const LOOKED_AT = 480;

function previewOf(parts: readonly InspectedPart[]): string {
  const last = parts.findLast(({ role }) => role === 'message' || role === 'tool-result');
  return last === undefined ? '' : maskedText(last.text, last.findings, LOOKED_AT);
}

/** The beginning of a text with `•••` in the place of each finding. */
export function maskedText(text: string, findings: readonly Finding[], length: number): string {
  let shown = '';
  let at = 0;
  for (const { start, end } of findings) {
    if (start >= length) break;
    shown += `${text.slice(at, start)}•••`;
    at = Math.max(at, end);
  }
  return (shown + text.slice(at, Math.max(at, length))).slice(0, length).toWellFormed();
}

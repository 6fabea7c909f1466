import type { InspectedPart, Inspection } from '../content/inspect.ts';
import type { PartRole } from '../content/part.ts';
import { withoutPlaceholders } from '../content/scan-part.ts';
import { type EntityRecogniser, entityFinding } from './entity.ts';

export interface EnrichOptions {
  /** How long the message may wait, ms. */
  budgetMs: number;
  /** Kinds of parts that are looked at: what people and tools write, unless told. */
  roles?: readonly PartRole[];
  signal?: AbortSignal;
}

/** How far a recogniser came. */
export interface Enrichment {
  /** Parts that were looked at, and parts that were not when time ran out or it failed. */
  looked: number;
  left: number;
  /** Findings that were added to the parts. */
  added: number;
  /** Why it stopped before the end; the message then stands with what was found so far. */
  failed?: unknown;
}

const ROLES: readonly PartRole[] = ['message', 'system', 'tool-result', 'tool-arguments', 'other'];
/** Shorter than that there is no name with its surroundings. */
const SHORTEST = 8;
/** Units that are handed over at once, so that time is looked at in between. */
const BATCH = 16_000;
/** Units that two pieces of a longer text share, so that no name is cut. */
const OVERLAP = 256;

/** After this long, ms, others get their turn. */
const TURN_MS = 5;

/** What is handed over of a part: all of it, or a stretch that begins at `from`. */
interface Piece {
  part: InspectedPart;
  text: string;
  from: number;
  /** The part was looked at when this one was. */
  isLast: boolean;
}

/**
 * Adds names, addresses and whatever else a recogniser finds to the parts of a message that was inspected already, as
 * findings of low severity. The newest parts come first: a transcript repeats the older ones in each call. Between
 * two batches others get their turn. What detectors found stays; where both found something the detector's finding stands.
 *
 * @example
 * const inspection = inspectBody(bytes, type, { scanner });
 * await enrichInspection(inspection, withFallback(presidio, ruleRecogniser, log), { budgetMs: 50 });
 */
export async function enrichInspection(
  { parts }: Pick<Inspection<unknown>, 'parts'>,
  recogniser: EntityRecogniser,
  { budgetMs, roles = ROLES, signal }: EnrichOptions,
): Promise<Enrichment> {
  const wanted = parts
    .filter(({ role, text, rereads }) => !rereads && roles.includes(role) && text.length >= SHORTEST)
    .reverse();
  let turn = performance.now();
  const until = turn + budgetMs;
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(new DOMException('Time ran out.', 'TimeoutError')), budgetMs);
  const given = signal ? AbortSignal.any([signal, timeout.signal]) : timeout.signal;
  const stopped = new Promise<never>((_, reject) => {
    given.addEventListener('abort', () => reject(given.reason), { once: true });
  });
  // Nobody waits for it between two batches.
  stopped.catch(() => {});
  const result: Enrichment = { looked: 0, left: wanted.length, added: 0 };
  try {
    for (const batch of batches(wanted)) {
      given.throwIfAborted();
      // No timer goes off while a recogniser that waits for nothing has its turn.
      if (performance.now() > until) throw new DOMException('Time ran out.', 'TimeoutError');
      const answer = recogniser.recognise(
        batch.map(({ text }) => text),
        given,
      );
      const lists = await Promise.race([answer, stopped]);
      for (const [index, piece] of batch.entries()) result.added += addTo(piece, lists[index] ?? []);
      const whole = batch.filter(({ isLast }) => isLast).length;
      result.looked += whole;
      result.left -= whole;
      if (result.left > 0 && performance.now() - turn > TURN_MS) {
        await new Promise((resolve) => setTimeout(resolve, 0));
        turn = performance.now();
      }
    }
  } catch (error) {
    result.failed = error;
  } finally {
    clearTimeout(timer);
  }
  return result;
}

function* batches(parts: readonly InspectedPart[]): Generator<Piece[]> {
  let batch: Piece[] = [];
  let size = 0;
  for (const part of parts) {
    for (const piece of piecesOf(part)) {
      if (batch.length > 0 && size + piece.text.length > BATCH) {
        yield batch;
        [batch, size] = [[], 0];
      }
      batch.push(piece);
      size += piece.text.length;
    }
  }
  if (batch.length > 0) yield batch;
}

function* piecesOf(part: InspectedPart): Generator<Piece> {
  const { text } = part;
  for (let from = 0; ; from += BATCH - OVERLAP) {
    const end = from + BATCH;
    yield { part, from, text: text.slice(from, end), isLast: end >= text.length };
    if (end >= text.length) return;
  }
}

type Entities = Awaited<ReturnType<EntityRecogniser['recognise']>>[number];

function addTo({ part, from }: Piece, entities: Entities): number {
  const moved = entities.map((entity) =>
    entityFinding({ ...entity, start: entity.start + from, end: entity.end + from }),
  );
  const fresh = withoutPlaceholders(part.text, moved).filter(
    ({ start, end }) => start < end && !part.findings.some((other) => other.start < end && start < other.end),
  );
  part.findings.push(...fresh);
  part.findings.sort((left, right) => left.start - right.start);
  return fresh.length;
}

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

/**
 * Adds names, addresses and whatever else a recogniser finds to the parts of a message that was inspected already, as
 * findings of low severity. The newest parts come first: a transcript repeats the older ones in each call. What
 * detectors found stays; where both found something the detector's finding stands.
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
  const wanted = parts.filter(({ role, text }) => roles.includes(role) && text.length >= SHORTEST).reverse();
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
      const answer = recogniser.recognise(
        batch.map(({ text }) => text),
        given,
      );
      const lists = await Promise.race([answer, stopped]);
      for (const [index, part] of batch.entries()) result.added += addTo(part, lists[index] ?? []);
      result.looked += batch.length;
      result.left -= batch.length;
    }
  } catch (error) {
    result.failed = error;
  } finally {
    clearTimeout(timer);
  }
  return result;
}

function* batches(parts: readonly InspectedPart[]): Generator<InspectedPart[]> {
  let batch: InspectedPart[] = [];
  let size = 0;
  for (const part of parts) {
    if (batch.length > 0 && size + part.text.length > BATCH) {
      yield batch;
      [batch, size] = [[], 0];
    }
    batch.push(part);
    size += part.text.length;
  }
  if (batch.length > 0) yield batch;
}

type Entities = Awaited<ReturnType<EntityRecogniser['recognise']>>[number];

function addTo(part: InspectedPart, entities: Entities): number {
  const fresh = withoutPlaceholders(part.text, entities.map(entityFinding)).filter(
    ({ start, end }) => start < end && !part.findings.some((other) => other.start < end && start < other.end),
  );
  part.findings.push(...fresh);
  part.findings.sort((left, right) => left.start - right.start);
  return fresh.length;
}

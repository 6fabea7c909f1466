import { type BoundValue, type SealedKeys, unusable } from './credentials.ts';
import { EchoMask } from './echo-mask.ts';
import { type FoundPlace, parameterOf, split } from './find-placeholders.ts';
import type { Outgoing, Prepared } from './outgoing-request.ts';

/** A part of an answer that is left out of another one: two of them could each hold a half of what is masked. */
const PARTIAL = ['range', 'if-range'];

/**
 * Puts values in the places of their placeholders, once their uses were counted.
 *
 * @param body that goes on otherwise, without its content coding
 */
export async function putIn(
  { path, headers }: Outgoing,
  body: Buffer | undefined,
  values: readonly BoundValue[],
  keys: Pick<SealedKeys, 'takeForUse'>,
): Promise<Prepared | Extract<ReturnType<typeof unusable>, { kind: 'refused' }>> {
  const taken: { value: string; place: FoundPlace }[] = [];
  const uses: Record<string, number> = {};
  for (const { name, use, place } of values) {
    try {
      const { value, uses: count } = await keys.takeForUse(name, use);
      // Header values and URLs are strings in every HTTP client of Node; this copy is left to the garbage collector.
      taken.push({
        value: Buffer.from(value.buffer, value.byteOffset, value.length).toString('latin1'),
        place,
      });
      value.fill(0);
      uses[name] = count;
    } catch (error) {
      const refused = unusable(error);
      return { ...refused, refusal: { ...refused.refusal, secret: name } };
    }
  }
  const sent = { ...headers };
  for (const name of PARTIAL) delete sent[name];
  // What comes back is read: whether it repeats a value shows in plain text only.
  sent['accept-encoding'] = 'identity';
  for (const { value, place } of taken) {
    if (place.kind === 'header') {
      sent[place.header] = place.scheme === '' ? value : `${place.scheme} ${value}`;
    } else if (place.kind === 'basic') {
      const pair = place.basic === 'username' ? `${value}:${place.other}` : `${place.other}:${value}`;
      sent.authorization = `Basic ${Buffer.from(pair, 'latin1').toString('base64')}`;
    }
  }
  const outgoing: Outgoing = { path: filledQuery(path, taken), headers: sent };
  const filled = body === undefined ? undefined : filledBody(body, taken);
  if (filled !== undefined) {
    outgoing.body = filled;
    delete sent['content-encoding'];
    sent['content-length'] = String(filled.length);
  }
  return { outgoing, mask: new EchoMask(taken.map(({ value }) => value)), uses };
}

type Taken = readonly { value: string; place: FoundPlace }[];

function filledQuery(path: string, taken: Taken): string {
  const { path: before, query } = split(path);
  return query === undefined ? path : `${before}?${filledParameters(query, taken, 'query')}`;
}

/** @returns undefined when it goes on as it came */
function filledBody(body: Buffer, taken: Taken): Buffer | undefined {
  const fields = taken
    .flatMap(({ value, place }) => (place.kind === 'json' ? [{ value, place }] : []))
    .toSorted((one, other) => other.place.start - one.place.start);
  const isForm = taken.some(({ place }) => place.kind === 'form');
  if (!isForm && fields.length === 0) return undefined;
  let text = body.toString('latin1');
  if (isForm) return Buffer.from(filledParameters(text, taken, 'form'), 'latin1');
  // From the last to the first, so that places stay where they are.
  for (const { value, place } of fields) {
    text = `${text.slice(0, place.start)}${JSON.stringify(value)}${text.slice(place.end)}`;
  }
  return Buffer.from(text, 'latin1');
}

/** All others stay byte for byte. */
function filledParameters(text: string, taken: Taken, kind: 'query' | 'form'): string {
  const parts = text.split('&');
  for (const { value, place } of taken) {
    if (place.kind !== kind) continue;
    const part = parts[place.index] ?? '';
    if (parameterOf(part).parameter !== place.parameter) continue;
    parts[place.index] = `${part.slice(0, part.indexOf('=') + 1)}${encodeURIComponent(value)}`;
  }
  return parts.join('&');
}

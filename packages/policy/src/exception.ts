import { consequence } from './compile-section.ts';
import { withOwnDetectors } from './dlp-settings.ts';
import type { Facts } from './facts.ts';
import type { LayeredDocument, PolicyLayer } from './layer.ts';
import { compileMatchers, type Matcher, matchersHold } from './matcher.ts';
import { type NamedPlaces, namedPlaces } from './named-place.ts';
import type { PolicyException } from './schema.ts';
import type { Opinion } from './verdict.ts';

/** A narrow permission inside a ban of the same layer. */
export interface CompiledException {
  readonly id: string;
  readonly matchers: readonly Matcher[];
  /** Milliseconds since 1970; from then on it is nothing. */
  readonly expires: number;
  readonly owner: string;
  /** Without the rule that it stands in for. */
  readonly opinion: Opinion;
  readonly names: NamedPlaces;
}

/**
 * The exceptions of one document by the rule they are from. They only ever replace the opinion of their own
 * layer, so a lower layer cannot use one against a ban from above.
 */
export function compileExceptions(
  source: LayeredDocument,
  timezone: string,
): ReadonlyMap<string, readonly CompiledException[]> {
  const byRule = new Map<string, CompiledException[]>();
  for (const exception of source.document.exceptions ?? []) {
    for (const rule of exception.rules) {
      const compiled = compileException(source, exception, rule, timezone);
      byRule.set(rule, [...(byRule.get(rule) ?? []), compiled]);
    }
  }
  return byRule;
}

function compileException(
  source: LayeredDocument,
  exception: PolicyException,
  rule: string,
  timezone: string,
): CompiledException {
  const { layer, document } = source;
  const { id, owner, effect, reason } = exception;
  const expires = Date.parse(exception.expires);
  if (Number.isNaN(expires)) throw new TypeError(`exception "${id}" has no readable end`);
  const matchable = { ...exception, detectors: withOwnDetectors(source, exception.detectors) };
  return Object.freeze({
    id,
    matchers: compileMatchers(matchable, timezone),
    names: namedPlaces(exception),
    expires,
    owner,
    opinion: Object.freeze({
      ...consequence(effect, exception),
      mode: document.mode,
      layer,
      rule: id,
      reason,
      exceptionFrom: rule,
    }),
  });
}

/** What the layer says after all: the first exception that has not ended and matches, else the rule itself. */
export function withExceptions(
  said: { readonly opinion: Opinion; readonly exceptions: readonly CompiledException[] },
  facts: Facts,
): Opinion {
  return deciding(said.exceptions, facts)?.opinion ?? said.opinion;
}

/** The first exception that has not ended and matches. */
export function deciding(
  exceptions: readonly CompiledException[],
  facts: Facts,
): CompiledException | undefined {
  for (const exception of exceptions) {
    if (facts.at < exception.expires && matchersHold(exception.matchers, facts, false)) return exception;
  }
  return undefined;
}

/** One exception as reports list it. */
export interface ListedException {
  readonly layer: PolicyLayer;
  readonly id: string;
  readonly rules: readonly string[];
  readonly effect: 'allow' | 'prompt';
  readonly owner: string;
  readonly reason: string;
  /** ISO 8601. */
  readonly expires: string;
  readonly isExpired: boolean;
  readonly exception: PolicyException;
}

/**
 * All exceptions of a policy, soonest to end first.
 *
 * @param at milliseconds since 1970
 */
export function listExceptions(documents: readonly LayeredDocument[], at: number): ListedException[] {
  return documents
    .flatMap(({ layer, document }) => (document.exceptions ?? []).map((exception) => ({ layer, exception })))
    .map(({ layer, exception }): ListedException => {
      const { id, rules, effect, owner, reason, expires } = exception;
      return {
        layer,
        id,
        rules,
        effect,
        owner,
        reason,
        expires,
        isExpired: Date.parse(expires) <= at,
        exception,
      };
    })
    .toSorted((a, b) => Date.parse(a.expires) - Date.parse(b.expires));
}

import { compileCustomRules } from '../custom/compile-custom-rules.ts';
import type { CustomRule } from '../custom/custom-rule.ts';
import { DETECTORS } from '../detectors/all.ts';
import { LONGEST_KEY } from '../detectors/general-secrets.ts';
import type { Finding } from '../finding.ts';
import type { Scanner } from '../scanner.ts';
import { CompiledDetectors } from './compiled-detectors.ts';
import type { Detector } from './detector.ts';
import { foldText } from './folded-text.ts';
import { type Candidate, resolveOverlaps } from './resolve-overlaps.ts';
import { versionOf } from './version.ts';

export interface ScannerOptions {
  /** Instead of all built-in detectors. */
  detectors?: readonly Detector[];
  /** Rules that users wrote. */
  custom?: readonly CustomRule[];
  /** Findings below are left out, 0 to 1; a number that is the whole text has 0.4, an unknown token 0.5. */
  minimumConfidence?: number;
  /** Tokens that look random and have no name: on unless told. */
  unknownSecrets?: boolean;
  /**
   * Numbers without a checksum that are the whole text, as the cells of a table: found with the confidence of any
   * lone number (0.4) for `any`; unless told only for `checked`, those whose checksum holds.
   */
  loneNumbers?: 'checked' | 'any';
  /**
   * Addresses that were published on purpose: of roles, mailing lists and bots, and of authors where they sign a work
   * (`published-address.ts`). `skip` unless told: whoever dresses an address like that hides it.
   */
  publishedAddresses?: 'skip' | 'find';
}

/**
 * Compiles the detectors into a scanner.
 *
 * @throws RaypherError `dlp/bad-rule` when a custom rule cannot be compiled
 * @example
 * const scanner = createScanner();
 * scanner.scan('card 4111 1111 1111 1111'); // [{ detector: 'payment-card', start: 5, end: 24, … }]
 */
export function createScanner(options: ScannerOptions = {}): Scanner {
  const {
    detectors = DETECTORS,
    custom = [],
    minimumConfidence = 0,
    unknownSecrets = true,
    loneNumbers = 'checked',
    publishedAddresses = 'skip',
  } = options;
  const compiled = new CompiledDetectors(detectors, {
    unknownSecrets,
    anyLoneNumber: loneNumbers === 'any',
    skipPublished: publishedAddresses === 'skip',
  });
  const customRules = compileCustomRules(custom);
  const collect = (text: string, candidates: Candidate[]): boolean => {
    const mayNeedFolding = compiled.find(text, candidates);
    if (custom.length > 0) candidates.push(...customRules.find(text));
    return mayNeedFolding;
  };
  return {
    version: versionOf({
      detectors,
      custom,
      minimumConfidence,
      unknownSecrets,
      loneNumbers,
      publishedAddresses,
    }),
    longestFinding: LONGEST_KEY,
    scan(text: string): Finding[] {
      const candidates: Candidate[] = [];
      const mayNeedFolding = collect(text, candidates);
      for (const folded of mayNeedFolding ? foldText(text) : []) {
        const found: Candidate[] = [];
        collect(folded.text, found);
        for (const candidate of found)
          candidates.push({
            ...candidate,
            start: folded.origins[candidate.start] ?? 0,
            end: (folded.origins[candidate.end - 1] ?? text.length - 1) + 1,
          });
      }
      if (candidates.length === 0) return [];
      const sure = candidates.filter(({ confidence }) => confidence >= minimumConfidence);
      return resolveOverlaps(sure, LONGEST_KEY).flatMap(inPieces);
    },
  };
}

/** What is longer than a stream holds back becomes several findings, one behind the other. */
function inPieces(finding: Finding): Finding[] {
  const { start, end } = finding;
  return Array.from({ length: Math.ceil((end - start) / LONGEST_KEY) }, (_, piece) => ({
    ...finding,
    start: start + piece * LONGEST_KEY,
    end: Math.min(end, start + (piece + 1) * LONGEST_KEY),
  }));
}

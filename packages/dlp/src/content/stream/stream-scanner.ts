import type { Finding } from '../../finding.ts';
import type { Scanner } from '../../scanner.ts';
import { isRedactable } from '../part.ts';
import { scanPart, withoutPlaceholders } from '../scan-part.ts';
import { type ByteTransform, EventStream } from './event-stream.ts';
import type { Finder, StreamPlace } from './finder.ts';
import type { StreamFormat } from './framer.ts';
import { openTail } from './open-tail.ts';
import { TextStream } from './text-stream.ts';

export interface StreamFinding {
  finding: Finding;
  /** The data itself, for hash and sample; not to be kept. */
  value: string;
  place: StreamPlace;
  /** Whether a replacement can be written here. */
  redactable: boolean;
}

export interface StreamScannerOptions {
  scanner: Scanner;
  format: StreamFormat;
  /** Called once per finding. @returns what to write in its place, undefined to leave it; throw to end the stream */
  decide: (found: StreamFinding) => string | undefined;
  /**
   * `shape` holds back what looks like the beginning of a finding (a word of prose); `window` always holds back as
   * much as the longest finding, for rules of a user whose shapes nobody knows.
   */
  holdBack?: 'shape' | 'window';
  /** Dictionary terms with white space in them: their beginnings are held back too. */
  phrases?: readonly string[];
  /** Longest event, in bytes; a longer one ends the stream with an error. Default 32 MiB. */
  maxEventBytes?: number;
}

/** Text before the open end that detectors look at for words of context, in UTF-16 units. */
const CONTEXT = 192;

/**
 * Looks through an answer while it streams. Events without findings leave as the bytes they were; an event is held
 * only while its text may still be part of a finding, and every event keeps its place.
 */
export function createStreamScanner(options: StreamScannerOptions): ByteTransform {
  const { format, maxEventBytes } = options;
  const finder = scanFinder(options);
  return format === 'text' ? new TextStream(finder) : new EventStream(format, finder, maxEventBytes);
}

function scanFinder({ scanner, decide, holdBack = 'shape', phrases = [] }: StreamScannerOptions): Finder {
  const longest = scanner.longestFinding;
  const lowered = phrases.map((phrase) => phrase.toLowerCase());
  return {
    longest,
    context: CONTEXT,
    openFrom: (text) =>
      holdBack === 'window' ? Math.max(0, text.length - longest) : openTail(text, lowered),
    find: (text) =>
      withoutPlaceholders(text, scanner.scan(text)).map((finding) => ({
        start: finding.start,
        end: finding.end,
        accept: (value, place) => decide({ finding, value, place, redactable: true }),
      })),
    whole(text, place) {
      const redactable = isRedactable(place.role);
      return scanPart(scanner, { ...place, text }).flatMap((finding) => {
        const { start, end } = finding;
        const replacement = decide({ finding, value: text.slice(start, end), place, redactable });
        return replacement === undefined || !redactable ? [] : [{ start, end, text: replacement }];
      });
    },
  };
}

import { utf8ToBytes } from '@noble/hashes/utils.js';
import { RaypherError } from '@raypher/shared/errors';
import { fromBase64 } from '../note/base64.ts';
import { formatCheckpoint } from '../note/checkpoint.ts';
import type { FaultLog } from './fault-log.ts';
import { EXPORT_FILES } from './format.ts';
import type { LineCursor } from './line-cursor.ts';
import type { AnchorLine } from './lines.ts';

/** Which authorities are trusted; `trustTimeStamps` of `@raypher/ledger/time-stamp` makes one. */
export interface TimeStamping {
  /**
   * @param data what the token shall be over
   * @returns when it was stamped; undefined when nobody who is trusted signed it
   * @throws RaypherError `ledger/malformed`; `ledger/signature-invalid` when it is over something else
   */
  verify(token: Uint8Array, data: Uint8Array): Promise<Date | undefined>;
}

export interface TimeStamps {
  /** Entries of the largest checkpoint that an authority says it saw, and when; undefined when none did. */
  readonly until: { readonly size: number; readonly at: Date } | undefined;
  /** Tokens that the log agrees with and that an authority signed. */
  readonly held: number;
  /** Tokens that nobody looked at, or that no authority signed that is trusted. */
  readonly others: number;
}

/**
 * Holds the time stamps of an export to the log: a token is over the text of the checkpoint of its size.
 *
 * @param rootAt the root that the log had at a size; undefined where that cannot be told
 */
export async function verifyTimeStamps(
  anchors: LineCursor<AnchorLine>,
  log: { origin: string; size: number } | undefined,
  rootAt: (size: number) => Promise<Uint8Array | undefined>,
  stamping: TimeStamping | undefined,
  faults: FaultLog,
): Promise<TimeStamps> {
  let [held, others] = [0, 0];
  let until: TimeStamps['until'];
  for await (const line of anchors.rest()) {
    if (line.kind !== 'rfc3161') continue;
    const { size, token } = line;
    const root = log === undefined || size > log.size ? undefined : await rootAt(size);
    if (stamping === undefined || log === undefined || root === undefined) {
      others += 1;
      continue;
    }
    const text = utf8ToBytes(formatCheckpoint({ origin: log.origin, size, root }));
    const found = await look(fromBase64(token) ?? new Uint8Array(), text, stamping);
    if (typeof found === 'string') {
      const detail = `Of the checkpoint of ${size} entries: ${found}`;
      faults.add({ code: 'time-stamp', path: EXPORT_FILES.anchors, detail });
    } else if (found === undefined) {
      others += 1;
    } else {
      held += 1;
      if (until === undefined || size > until.size) until = { size, at: found };
    }
  }
  return { until, held, others };
}

/** @returns when it was stamped; undefined when nobody signed who is trusted; or what is wrong with it */
async function look(
  token: Uint8Array,
  text: Uint8Array,
  stamping: TimeStamping,
): Promise<Date | string | undefined> {
  try {
    return await stamping.verify(token, text);
  } catch (error) {
    if (error instanceof RaypherError) return error.message;
    throw error;
  }
}

import { type NoteKeys, openCheckpoint } from '../export/checkpoint-record.ts';
import { equalBytes } from '../merkle/equal-bytes.ts';
import { verifyConsistency } from '../merkle/verify-consistency.ts';
import type { Checkpoint } from '../note/checkpoint.ts';
import { portablePrimitives } from '../primitives/portable-primitives.ts';
import type { Primitives } from '../primitives/primitives.ts';

/** A checkpoint that somebody shows to a follower of the log, with the proof that it goes on from an older one. */
export interface ShownCheckpoint {
  /** Signed (c2sp.org/tlog-checkpoint). */
  readonly note: string;
  /** Size of the older log. */
  readonly from: number;
  /** RFC 6962 consistency proof between the two; empty from 0, and between equal sizes. */
  readonly proof: readonly Uint8Array[];
}

export type Followed =
  /** The log goes on from what was kept: this is to be kept from now on. */
  | { readonly kind: 'grown'; readonly checkpoint: Checkpoint }
  /** It says nothing that is not known, or answers a question that is not asked any more. */
  | { readonly kind: 'nothing-new' }
  /** Signed by the log's key, and not shown to go on from what was kept. */
  | { readonly kind: 'contradicted'; readonly checkpoint: Checkpoint; readonly detail: string };

/**
 * What a follower of a log makes of a checkpoint that it is shown. The first one is believed; each after it must
 * contain all of the one that is kept. Who shows logs must not show an older checkpoint than one that it showed before.
 *
 * @param kept the checkpoint that is kept of this log
 * @throws RaypherError `ledger/malformed`, `ledger/signature-invalid`: anybody can write that, it is evidence of nothing
 */
export function followLog(
  kept: Pick<Checkpoint, 'size' | 'root'> | undefined,
  { note, from, proof }: ShownCheckpoint,
  key: NoteKeys['log'],
  primitives: Primitives = portablePrimitives,
): Followed {
  const checkpoint = openCheckpoint(note, { log: key, witnesses: [] }, primitives);
  const { size, root } = checkpoint;
  if (kept === undefined || kept.size === 0) return { kind: 'grown', checkpoint };
  if (size < kept.size) {
    const detail = `The log has ${size} entries, and ${kept.size} were signed.`;
    return { kind: 'contradicted', checkpoint, detail };
  }
  if (size === kept.size) {
    if (equalBytes(root, kept.root)) return { kind: 'nothing-new' };
    return {
      kind: 'contradicted',
      checkpoint,
      detail: `The log was signed with two roots of ${size} entries.`,
    };
  }
  if (from !== kept.size) return { kind: 'nothing-new' };
  const claim = { from, to: size, proof, fromRoot: kept.root, toRoot: root };
  if (verifyConsistency(claim, primitives.sha256)) return { kind: 'grown', checkpoint };
  const detail = `The log of ${size} entries is not shown to begin with the ${kept.size} that were kept.`;
  return { kind: 'contradicted', checkpoint, detail };
}

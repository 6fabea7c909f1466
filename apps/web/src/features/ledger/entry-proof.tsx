'use client';

import { leafHash, parseCheckpoint, parseVerifierKey, verifyInclusion, verifyNote } from '@raypher/ledger';
import type { InclusionProof, LedgerEntryView } from '@raypher/shared/rest';
import { useQuery } from '@tanstack/react-query';
import { CircleCheck, CircleX } from 'lucide-react';
import { ErrorState } from '@/components/states.tsx';
import { SkeletonRows } from '@/components/ui/skeleton.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { formatCount, plural } from '@/lib/format/format.ts';
import { fromHex, toHex } from './hex.ts';

interface EntryProofProps {
  entry: LedgerEntryView;
  /** Size of the newest checkpoint. */
  size: number;
  vkey: string;
}

/** Proves in this browser that the entry shown is in the log that was signed. */
export function EntryProof({ entry, size, vkey }: EntryProofProps) {
  const { data, error, refetch } = useQuery({
    queryKey: keys.ledgerProof(entry.index),
    queryFn: () => api.ledgerProof(entry.index),
    staleTime: Number.POSITIVE_INFINITY,
    enabled: entry.index < size,
  });
  if (entry.index >= size) {
    return <p className="text-ink-2">The next checkpoint covers it; one is signed every few seconds.</p>;
  }
  if (error !== null) {
    return <ErrorState what="The proof could not be fetched." error={error} retry={() => void refetch()} />;
  }
  if (data === undefined) return <SkeletonRows rows={2} />;
  const fault = faultOf(entry, data, vkey);
  return (
    <div className="grid gap-2">
      <p className="flex items-start gap-2">
        {fault === undefined ? (
          <CircleCheck aria-hidden="true" className="mt-0.5 size-4 shrink-0 text-allowed" />
        ) : (
          <CircleX aria-hidden="true" className="mt-0.5 size-4 shrink-0 text-denied" />
        )}
        <span>
          {fault ??
            `Proven here: it is entry ${formatCount(data.index)} of the ${formatCount(data.size)} that were signed, by ${plural(data.hashes.length, 'hash', 'hashes')}.`}
        </span>
      </p>
      <a
        href={`/v1/ledger/tlog-proof?index=${data.index}&size=${data.size}`}
        download={`entry-${data.index}.tlog-proof`}
        className="w-fit rounded-sm text-xs text-accent hover:underline"
      >
        Download the proof (c2sp.org/tlog-proof)
      </a>
    </div>
  );
}

/** Why the proof does not prove it; undefined when it does. */
function faultOf({ entry, leaf }: LedgerEntryView, proof: InclusionProof, vkey: string): string | undefined {
  if (entry !== null && toHex(leafHash(new TextEncoder().encode(entry))) !== leaf) {
    return 'The bytes shown are not those that the log has a hash of.';
  }
  try {
    const { size, root } = parseCheckpoint(verifyNote(proof.checkpoint, [parseVerifierKey(vkey)]).text);
    const { index, hashes } = proof;
    const claim = { index, size, leaf: fromHex(leaf), proof: hashes.map(fromHex), root };
    return verifyInclusion(claim) ? undefined : 'The proof does not lead from this entry to the signed root.';
  } catch {
    return 'The checkpoint of the proof is not signed by the key of the log.';
  }
}

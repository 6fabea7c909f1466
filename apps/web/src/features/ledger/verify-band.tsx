'use client';

import { ErrorState } from '@/components/states.tsx';
import { formatCount } from '@/lib/format/format.ts';
import type { useVerification } from './use-verification.ts';
import { VerificationResult } from './verification-result.tsx';

interface VerifyBandProps {
  verification: ReturnType<typeof useVerification>;
  onShow: (index: number) => void;
}

/** The verification in this browser, from its start to what it found; nothing before. */
export function VerifyBand({ verification: { run, progress }, onShow }: VerifyBandProps) {
  if (run.isIdle) return null;
  if (run.isError) {
    return (
      <ErrorState
        what="The record could not be read to its end."
        error={run.error}
        retry={() => run.mutate()}
      />
    );
  }
  return (
    <section aria-label="Verification in this browser" className="border-t px-4 py-3 lg:px-6">
      {run.isPending ? (
        <div className="flex items-center gap-3">
          <progress
            aria-label="Entries verified"
            className="h-1.5 w-56 accent-(--accent-solid)"
            max={Math.max(1, progress.size)}
            value={progress.done}
          />
          <span className="text-ink-2">
            {formatCount(progress.done)} of {progress.size === 0 ? '…' : formatCount(progress.size)} entries
          </span>
        </div>
      ) : (
        <VerificationResult result={run.data} onShow={onShow} />
      )}
    </section>
  );
}

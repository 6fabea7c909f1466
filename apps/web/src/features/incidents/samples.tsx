import type { IncidentDetail } from '@raypher/shared/rest';
import { Time } from '@/components/time.tsx';

/** What is left of the data itself: a few characters of it for some days, then nothing. */
export function Samples({ incident }: { incident: IncidentDetail }) {
  const there = incident.recent.filter(({ samples }) => samples.length > 0);
  const samples = new Map(
    there.flatMap(({ samples }) => samples.map((one) => [`${one.detector} ${one.sample}`, one] as const)),
  );
  const until = there[0]?.samplesUntil;
  const erased = incident.recent.find(({ erasedAt }) => erasedAt !== null)?.erasedAt;
  return (
    <section aria-label="Masked samples" className="px-4 py-3">
      <h3 className="font-semibold">Masked samples</h3>
      {samples.size > 0 ? (
        <>
          <ul className="mt-2 grid gap-1">
            {[...samples.values()].map(({ detector, sample }) => (
              <li key={`${detector} ${sample}`} className="flex gap-3">
                <code className="font-mono text-xs">{sample}</code>
                <span className="text-xs text-ink-3">{detector}</span>
              </li>
            ))}
          </ul>
          <p className="mt-2 text-xs text-ink-3">
            The data itself is not stored.
            {until !== null && until !== undefined && (
              <>
                {' '}
                These samples are erased on <Time at={until} as="full" />.
              </>
            )}
          </p>
        </>
      ) : erased !== null && erased !== undefined ? (
        <p className="mt-1 text-ink-2">
          Erased on <Time at={erased} as="full" />. The ledger entries and their proofs stay.
        </p>
      ) : (
        <p className="mt-1 text-ink-2">None was kept.</p>
      )}
    </section>
  );
}

import type { LedgerFaults } from '@raypher/shared/rest';
import { TriangleAlert } from 'lucide-react';
import { Time } from '@/components/time.tsx';
import { Button } from '@/components/ui/button.tsx';
import { formatCount, plural } from '@/lib/format/format.ts';

interface CorruptedBannerProps {
  faults: LedgerFaults;
  onShow: (index: number) => void;
}

const SHOWN = 5;

/** The record does not match what was signed: which entries, and what to do. */
export function CorruptedBanner({ faults, onShow }: CorruptedBannerProps) {
  return (
    <section
      role="alert"
      aria-label="The record is corrupted"
      className="mx-4 mb-3 flex items-start gap-3 rounded-lg border border-denied bg-denied-soft px-4 py-3 lg:mx-6"
    >
      <TriangleAlert aria-hidden="true" className="mt-0.5 size-4 shrink-0 text-denied" />
      <div className="min-w-0 flex-1">
        <p className="font-medium">
          The record was changed: {plural(faults.count, 'fault')}, found <Time at={faults.at} />.
        </p>
        <ul className="mt-1 grid gap-1">
          {faults.entries.slice(0, SHOWN).map(({ code, index, detail }) => (
            <li key={`${code} ${index ?? ''} ${detail}`} className="flex flex-wrap items-baseline gap-2">
              {index !== undefined && (
                <Button size="sm" onClick={() => onShow(index)}>
                  Entry {formatCount(index)}
                </Button>
              )}
              <code className="font-mono text-xs">{code}</code>
              <span>{detail}</span>
            </li>
          ))}
          {faults.count > SHOWN && (
            <li className="text-ink-2">and {formatCount(faults.count - SHOWN)} more</li>
          )}
        </ul>
        <p className="mt-2 text-xs text-ink-2">
          Keep the database as it is, export the record, and compare it with an archive or a backup. It counts
          as intact again once an audit of everything finds nothing.
        </p>
      </div>
    </section>
  );
}

import { CircleCheck, CircleX } from 'lucide-react';
import { Button } from '@/components/ui/button.tsx';
import { formatCount, plural } from '@/lib/format/format.ts';
import type { Verification } from './verify-log.ts';

const KEY_WORDS = {
  remembered: 'The key is the one that this browser saw when it verified this record first.',
  given: 'The key is the one that you gave.',
  server:
    'The key came from this control plane: this browser keeps it and holds the next verification to it. To trust nobody here, compare it with the one that your auditor has.',
} as const;

interface VerificationResultProps {
  result: Verification;
  onShow: (index: number) => void;
}

/** What this browser found: all is well and on what grounds, or the first bad entry. */
export function VerificationResult({ result, onShow }: VerificationResultProps) {
  const { count, findings, size, keyFrom, continues, followedBy, withoutBytes } = result;
  if (size === 0 && count === 0)
    return (
      <p className="text-ink-2">
        There is no signed checkpoint yet: one follows the first entries in a few seconds.
      </p>
    );
  const first = findings.find(({ index }) => index !== null)?.index ?? null;
  return (
    <div className="flex items-start gap-3">
      {count === 0 ? (
        <CircleCheck aria-hidden="true" className="mt-0.5 size-4 shrink-0 text-allowed" />
      ) : (
        <CircleX aria-hidden="true" className="mt-0.5 size-4 shrink-0 text-denied" />
      )}
      <div className="min-w-0 flex-1">
        <p className="font-medium">
          {count === 0
            ? `Verified here: ${plural(size, 'entry', 'entries')}, every one in its place under the signed root.`
            : `CORRUPTED: ${plural(count, 'fault')}${first === null ? '' : `, the first bad entry is number ${formatCount(first)}`}.`}
        </p>
        {count > 0 && (
          <ul className="mt-1 grid gap-1">
            {findings.map(({ index, what }) => (
              <li key={`${index} ${what}`} className="flex flex-wrap items-baseline gap-2">
                {index !== null && (
                  <Button size="sm" onClick={() => onShow(index)}>
                    Entry {formatCount(index)}
                  </Button>
                )}
                <span>{what}</span>
              </li>
            ))}
            {count > findings.length && <li className="text-ink-2">and {count - findings.length} more</li>}
          </ul>
        )}
        <p className="mt-1 text-xs text-ink-2">
          {continues !== null &&
            `It continues the ${plural(continues, 'entry', 'entries')} seen here before. `}
          {followedBy.devices > 0 &&
            `What ${plural(followedBy.devices, 'device')} signed to have seen agrees with the first ${plural(followedBy.until, 'entry', 'entries')}. `}
          {withoutBytes > 0 &&
            `${plural(withoutBytes, 'entry', 'entries')} left the database: their hashes are in place, their content is in the archive. `}
          {KEY_WORDS[keyFrom]}
        </p>
      </div>
    </div>
  );
}

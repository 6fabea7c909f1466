import type { PanicOutcome } from '@raypher/shared/rest';
import { ShortId } from '@/components/copy.tsx';
import { Facts } from '@/components/page-header.tsx';
import { formatDuration, plural } from '@/lib/format/format.ts';

/** What a device did, and where what it seized is. */
export function PanicFacts({ outcome }: { outcome: PanicOutcome }) {
  const { hold, processes, survivors, severed, notSevered, snapshot, snapshotFault } = outcome;
  return (
    <div className="rounded-lg border bg-surface">
      <Facts
        items={[
          {
            name: hold ? 'Frozen' : 'Ended',
            value: `${plural(processes, 'process', 'processes')}${survivors === 0 ? '' : `, ${survivors} survived`}`,
          },
          { name: 'Still after', value: formatDuration(outcome.suspendedMs) },
          { name: 'Done after', value: formatDuration(outcome.durationMs) },
          {
            name: 'Connections reset',
            value: notSevered.length === 0 ? String(severed) : `${severed}; ${notSevered.join('; ')}`,
          },
          {
            name: 'Snapshot',
            value:
              snapshot === null ? (
                (snapshotFault ?? 'None')
              ) : (
                <ShortId id={snapshot.sha256} label="SHA-256 of the snapshot" length={16} />
              ),
          },
          ...(snapshot === null
            ? []
            : [
                {
                  name: 'Sealed to',
                  value:
                    snapshot.recipient === 'organisation'
                      ? `the organisation, key ${snapshot.keyId}`
                      : `the device itself, key ${snapshot.keyId}`,
                },
              ]),
        ]}
      />
      <p className="border-t px-4 py-2 text-xs text-ink-3">
        The file stays on the device. The ledger holds its hash; <code>raypher forensics open</code> decrypts
        it.
      </p>
    </div>
  );
}

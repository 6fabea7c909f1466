import type { LedgerStatus } from '@raypher/shared/rest';
import { Download } from 'lucide-react';
import { Command } from '@/components/copy.tsx';
import { Button } from '@/components/ui/button.tsx';

/** How somebody who trusts neither us nor this server verifies the record. */
export function OfflineTab({ status }: { status: LedgerStatus | undefined }) {
  const vkey = status?.vkey ?? null;
  return (
    <div className="min-h-0 flex-1 overflow-y-auto px-4 py-4 lg:px-6">
      <ol className="grid max-w-3xl gap-5">
        <li>
          <h2 className="font-semibold">Keep the key of this log somewhere else</h2>
          <p className="mb-2 text-ink-2">
            A record can be forged together with a key of its own. Whoever has this key from before notices.
          </p>
          {vkey === null ? (
            <p className="text-ink-3">It is made with the first entry.</p>
          ) : (
            <Command text={vkey} label="Copy the verifier key" />
          )}
        </li>
        <li>
          <h2 className="font-semibold">Export the record</h2>
          <p className="mb-2 text-ink-2">
            Everything in the layout of c2sp.org/tlog-tiles: entries, hashes, checkpoints, signatures of
            devices.
          </p>
          <Button asChild>
            <a href="/v1/ledger/export" download>
              <Download /> Download the export
            </a>
          </Button>
        </li>
        <li>
          <h2 className="font-semibold">Verify it on another machine</h2>
          <p className="mb-2 text-ink-2">
            No server, no database, no network. The format is documented, so that you can write a verifier of
            your own.
          </p>
          <Command
            text={`raypher verify ledger-SIZE.zip --key '${vkey ?? 'KEY'}'`}
            label="Copy the command"
          />
        </li>
      </ol>
    </div>
  );
}

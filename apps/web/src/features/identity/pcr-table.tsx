import type { PcrValues } from '@raypher/shared/rest';
import { CopyButton } from '@/components/copy.tsx';
import { isUntouched, pcrMeaning } from './pcr-meanings.ts';

/** What the TPM measured while the machine started; collapsed, because only a change is news. */
export function PcrTable({ pcrs }: { pcrs: PcrValues }) {
  const rows = Object.entries(pcrs)
    .map(([pcr, value]) => ({ pcr: Number(pcr), value }))
    .sort((a, b) => a.pcr - b.pcr);
  const text = rows.map(({ pcr, value }) => `${pcr}: ${value}`).join('\n');
  return (
    <details className="border-t">
      <summary className="cursor-pointer px-4 py-2 text-ink-2 -outline-offset-2 hover:text-ink">
        {rows.length} measurements of the start (PCRs, SHA-256)
      </summary>
      <div className="border-t px-4 py-2">
        <p className="flex items-start gap-2 text-xs text-ink-3">
          <span className="flex-1">
            They change after firmware updates and changes of the boot settings. A change is kept in the
            history; one of 0 or 7 raises an alert.
          </span>
          <CopyButton text={text} label="Copy all PCR values" />
        </p>
        <table className="mt-1 w-full text-left" aria-label="PCR values">
          <thead className="text-xs text-ink-3">
            <tr>
              <th className="py-1 pr-3 font-normal">PCR</th>
              <th className="py-1 pr-3 font-normal">Measures</th>
              <th className="py-1 font-normal">Value</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ pcr, value }) => (
              <tr key={pcr} className="border-t">
                <td className="py-1 pr-3 font-medium">{pcr}</td>
                <td className="py-1 pr-3 text-xs text-ink-2">{pcrMeaning(pcr)}</td>
                <td className="py-1">
                  <span className="inline-flex items-center gap-0.5">
                    <code title={value} className="font-mono text-xs">
                      {value.slice(0, 12)}…
                    </code>
                    <CopyButton text={value} label={`Copy PCR ${pcr}`} />
                  </span>
                  {isUntouched(value) && <span className="block text-xs text-ink-3">nothing measured</span>}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

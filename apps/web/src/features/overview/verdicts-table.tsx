import { Time } from '@/components/time.tsx';
import { formatCount } from '@/lib/format/format.ts';
import { type Minute, OUTCOMES } from './verdicts.ts';

/** The chart's numbers, newest first. */
export function VerdictsTable({ minutes }: { minutes: Minute[] }) {
  return (
    <section
      aria-label="Verdicts per minute, as a table"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard (WCAG 2.1.1)
      tabIndex={0}
      className="mt-2 h-[calc(100%-8px)] overflow-y-auto border-t -outline-offset-2"
    >
      <table className="w-full" aria-label="Verdicts per minute">
        <thead className="sticky top-0 bg-surface text-xs text-ink-3">
          <tr>
            <th className="px-4 py-1 text-left font-normal">Minute</th>
            {OUTCOMES.map(({ key, label }) => (
              <th key={key} className="px-4 py-1 text-right font-normal">
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {[...minutes].reverse().map((minute) => (
            <tr key={minute.minute} className="border-t">
              <td className="px-4 py-0.5">
                <Time at={minute.minute} as="clock" />
              </td>
              {OUTCOMES.map(({ key }) => (
                <td key={key} className={`px-4 py-0.5 text-right ${minute[key] === 0 ? 'text-ink-3' : ''}`}>
                  {formatCount(minute[key])}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

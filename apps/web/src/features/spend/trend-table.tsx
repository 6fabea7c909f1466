import { formatCount } from '@/lib/format/format.ts';
import type { Money } from './money.ts';
import type { SpendDay } from './trend-chart.tsx';

/** The chart's numbers, newest first; days without a call are left out. */
export function TrendTable({ days, money }: { days: SpendDay[]; money: Money }) {
  const shown = [...days].reverse().filter(({ calls }) => calls > 0);
  return (
    <section
      aria-label="Cost per day, as a table"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard (WCAG 2.1.1)
      tabIndex={0}
      className="h-full overflow-auto -outline-offset-2"
    >
      <table className="w-full whitespace-nowrap" aria-label="Cost per day">
        <thead className="sticky top-0 bg-surface text-xs text-ink-3">
          <tr>
            <th className="py-1 pr-4 text-left font-normal">Day (UTC)</th>
            {['Exact', 'Estimated', 'Calls', 'Of unknown cost'].map((name) => (
              <th key={name} className="px-2 py-1 text-right font-normal">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map((day) => (
            <tr key={day.day} className="border-t">
              <td className="py-0.5 pr-4">{day.day}</td>
              <td className="px-2 py-0.5 text-right">{money(day.exactMicros)}</td>
              <td className="px-2 py-0.5 text-right">{money(day.estimatedMicros)}</td>
              <td className="px-2 py-0.5 text-right">{formatCount(day.calls)}</td>
              <td className="px-2 py-0.5 text-right">{formatCount(day.unknownCalls)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

import { formatCount } from '@/lib/format/format.ts';
import { STACK, sumOf, type TrendDay } from './trend-chart.tsx';
import { classWord, OUTCOME_WORDS } from './words.ts';

/** The chart's numbers, newest first; days without an incident are left out. */
export function TrendTable({ days, classes }: { days: TrendDay[]; classes: string[] }) {
  const shown = [...days].reverse().filter((day) => sumOf(day) > 0);
  return (
    <section
      aria-label="Incidents per day, as a table"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard (WCAG 2.1.1)
      tabIndex={0}
      className="h-full overflow-auto -outline-offset-2"
    >
      <table className="w-full whitespace-nowrap" aria-label="Incidents per day">
        <thead className="sticky top-0 bg-surface text-xs text-ink-3">
          <tr>
            <th className="py-1 pr-4 text-left font-normal">Day (UTC)</th>
            {STACK.map(({ outcome }) => (
              <th key={outcome} className="px-2 py-1 text-right font-normal">
                {OUTCOME_WORDS[outcome]}
              </th>
            ))}
            {classes.map((name) => (
              <th key={name} className="px-2 py-1 text-right font-normal">
                {classWord(name)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map((day) => (
            <tr key={day.day} className="border-t">
              <td className="py-0.5 pr-4">{day.day}</td>
              {STACK.map(({ outcome }) => (
                <td key={outcome} className="px-2 py-0.5 text-right">
                  {formatCount(day.outcomes[outcome] ?? 0)}
                </td>
              ))}
              {classes.map((name) => (
                <td key={name} className="px-2 py-0.5 text-right">
                  {formatCount(day.classes[name] ?? 0)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

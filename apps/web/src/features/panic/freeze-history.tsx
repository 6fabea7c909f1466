'use client';

import type { Freeze } from '@raypher/shared/rest';
import { Section } from '@/components/page-header.tsx';
import { Time } from '@/components/time.tsx';
import { SkeletonRows } from '@/components/ui/skeleton.tsx';
import { formatDuration } from '@/lib/format/format.ts';

export function FreezeHistory({ freezes }: { freezes: Freeze[] | undefined }) {
  return (
    <Section title="History">
      {freezes === undefined ? (
        <SkeletonRows rows={3} />
      ) : freezes.length === 0 ? (
        <p className="px-4 py-6 text-center text-ink-3">No freeze has ended yet.</p>
      ) : (
        <div className="overflow-x-auto">
          <table className="w-full min-w-[640px] text-left" aria-label="Past freezes">
            <thead className="text-xs text-ink-3">
              <tr>
                <th className="px-4 py-1.5 font-normal">What</th>
                <th className="px-2 py-1.5 font-normal">Frozen by, why</th>
                <th className="px-2 py-1.5 font-normal">Thawed by, why</th>
                <th className="px-2 py-1.5 text-right font-normal">Lasted</th>
                <th className="px-4 py-1.5 text-right font-normal">Ended</th>
              </tr>
            </thead>
            <tbody>
              {freezes.map((freeze) => (
                <tr key={freeze.id} className="border-t">
                  <td className="px-4 py-2 font-medium">{freeze.describes}</td>
                  <td className="px-2 py-2 text-ink-2">
                    {freeze.createdBy}: {freeze.reason}
                  </td>
                  <td className="px-2 py-2 text-ink-2">
                    {freeze.thawedBy}: {freeze.thawReason}
                  </td>
                  <td className="px-2 py-2 text-right whitespace-nowrap">
                    {freeze.thawedAt !== null &&
                      formatDuration(Date.parse(freeze.thawedAt) - Date.parse(freeze.createdAt))}
                  </td>
                  <td className="px-4 py-2 text-right text-ink-3">
                    {freeze.thawedAt !== null && <Time at={freeze.thawedAt} />}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Section>
  );
}

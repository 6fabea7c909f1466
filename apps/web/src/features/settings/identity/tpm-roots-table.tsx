'use client';

import type { TpmRoot } from '@raypher/shared/rest';
import { Ban, CircleCheck } from 'lucide-react';
import { Badge } from '@/components/badge.tsx';
import { ShortId } from '@/components/copy.tsx';
import { GuardedButton } from '@/components/guarded-button.tsx';
import { Time } from '@/components/time.tsx';
import { formatCount } from '@/lib/format/format.ts';

interface TpmRootsTableProps {
  roots: TpmRoot[];
  onDecide: (root: TpmRoot) => void;
}

export function TpmRootsTable({ roots, onDecide }: TpmRootsTableProps) {
  return (
    <div className="max-h-[560px] overflow-auto">
      <table className="w-full min-w-[760px] text-left" aria-label="Pinned TPM roots">
        <thead className="sticky top-0 z-10 bg-surface text-xs text-ink-3">
          <tr>
            <th className="px-4 py-1.5 font-normal">Maker</th>
            <th className="px-2 py-1.5 font-normal">State</th>
            <th className="px-2 py-1.5 font-normal">Vouches for</th>
            <th className="px-2 py-1.5 font-normal">Certificate</th>
            <th className="px-2 py-1.5 text-right font-normal">Devices</th>
            <th className="w-24 px-4 py-1.5">
              <span className="sr-only">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {roots.map((root) => (
            <tr key={root.fingerprint} className="border-t align-top">
              <td className="px-4 py-2">
                <span className="font-medium">{root.manufacturer}</span>
                <span className="block text-xs text-ink-3">
                  {root.origin === 'built-in' ? 'built in' : 'added here'}
                </span>
              </td>
              <td className="px-2 py-2">
                {root.trusted ? (
                  <Badge tone="allowed" icon={CircleCheck}>
                    Trusted
                  </Badge>
                ) : (
                  <Badge tone="denied" icon={Ban}>
                    Distrusted
                  </Badge>
                )}
              </td>
              <td className="px-2 py-2">{root.kind === 'hardware' ? 'chips' : 'virtual TPMs'}</td>
              <td className="max-w-80 px-2 py-2">
                <span className="block text-xs break-words text-ink-2">{root.subject}</span>
                <span className="flex flex-wrap items-center gap-x-2 text-xs text-ink-3">
                  <ShortId id={root.fingerprint} label={`fingerprint of ${root.manufacturer}`} length={16} />
                  until <Time at={root.notAfter} as="full" />
                </span>
              </td>
              <td className="px-2 py-2 text-right">{formatCount(root.devices)}</td>
              <td className="px-4 py-1 text-right">
                <GuardedButton
                  needs="settings:manage"
                  size="sm"
                  variant="ghost"
                  aria-label={`${verbOf(root)} ${root.manufacturer}, ${root.fingerprint.slice(0, 8)}`}
                  onClick={() => onDecide(root)}
                >
                  {verbOf(root)}
                </GuardedButton>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function verbOf(root: TpmRoot): string {
  if (!root.trusted) return 'Trust';
  return root.origin === 'organisation' ? 'Remove' : 'Distrust';
}

'use client';

import type { ExportDestination } from '@raypher/shared/rest';
import { Badge } from '@/components/badge.tsx';
import { GuardedButton } from '@/components/guarded-button.tsx';
import { Time } from '@/components/time.tsx';
import { EXPORT_KINDS, stateWords } from './export-words.ts';

interface ExportRowProps {
  destination: ExportDestination;
  isBusy: boolean;
  onTest: () => void;
  onEdit: () => void;
  onRewind: () => void;
  onRemove: () => void;
}

/** One destination: where, how far, why not further, and what can be done. */
export function ExportRow({ destination, isBusy, onTest, onEdit, onRewind, onRemove }: ExportRowProps) {
  const { name, kind, address, state } = destination;
  const { tone, label, detail } = stateWords(state);
  const since = state.failingSince ?? state.behindSince;
  return (
    <tr className="border-t align-top">
      <td className="px-4 py-2">
        <span className="font-medium">{name}</span>
        <span className="block text-xs text-ink-3">{EXPORT_KINDS[kind]}</span>
        <code className="block max-w-64 truncate font-mono text-xs text-ink-2">{address}</code>
      </td>
      <td className="max-w-80 px-2 py-2">
        <Badge tone={tone}>{label}</Badge>
        {since !== null && state.status !== 'off' && (
          <span className="ml-2 text-xs text-ink-3">
            since <Time at={since} />
          </span>
        )}
        {detail !== undefined && <span className="block text-xs break-words text-ink-2">{detail}</span>}
      </td>
      <td className="px-2 py-2 tabular-nums">{state.sent.toLocaleString('en')}</td>
      <td className="px-2 py-2">
        {state.sentAt === null ? <span className="text-ink-3">never</span> : <Time at={state.sentAt} />}
      </td>
      <td className="px-4 py-2">
        <div className="flex justify-end gap-1.5">
          <GuardedButton needs="settings:manage" size="sm" disabled={isBusy} onClick={onTest}>
            Test
          </GuardedButton>
          <GuardedButton needs="settings:manage" size="sm" onClick={onEdit}>
            Change
          </GuardedButton>
          <GuardedButton needs="settings:manage" size="sm" onClick={onRewind}>
            Rewind
          </GuardedButton>
          <GuardedButton needs="settings:manage" size="sm" disabled={isBusy} onClick={onRemove}>
            Remove
          </GuardedButton>
        </div>
      </td>
    </tr>
  );
}

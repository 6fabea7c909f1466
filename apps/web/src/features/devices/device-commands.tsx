'use client';

import type { CommandView } from '@raypher/shared/rest';
import { useQuery } from '@tanstack/react-query';
import { CircleCheck, CircleDashed, CircleX, Clock3 } from 'lucide-react';
import { Badge } from '@/components/badge.tsx';
import { Section } from '@/components/page-header.tsx';
import { ErrorState } from '@/components/states.tsx';
import { Time } from '@/components/time.tsx';
import { SkeletonRows } from '@/components/ui/skeleton.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';

const VERBS: Record<string, string> = {
  scan: 'Rescan',
  kill: 'Kill process',
  'put-secret': 'Push a sealed key',
  'revoke-secret': 'Revoke a sealed key',
  'cut-connection': 'End a connection',
  panic: 'Panic',
};

/** What people asked this device to do, and what came of it. */
export function DeviceCommands({ deviceId }: { deviceId: string }) {
  const { data, error, refetch } = useQuery({
    queryKey: keys.commands(deviceId),
    queryFn: () => api.commands(deviceId),
  });
  return (
    <Section title="Commands">
      {error !== null && data === undefined ? (
        <ErrorState what="The commands could not be fetched." error={error} retry={() => void refetch()} />
      ) : data === undefined ? (
        <SkeletonRows rows={2} />
      ) : data.items.length === 0 ? (
        <p className="px-4 py-6 text-center text-ink-3">No command was sent to this device.</p>
      ) : (
        <ul className="divide-y">
          {data.items.map((command) => (
            <li key={command.id} className="flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2">
              <span className="font-medium">{VERBS[command.verb] ?? command.verb}</span>
              <CommandState command={command} />
              <span className="min-w-0 flex-1 truncate text-xs text-ink-3">
                {command.detail ?? command.reason} · {command.createdBy}
              </span>
              <span className="text-xs text-ink-3">
                <Time at={command.createdAt} />
              </span>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

function CommandState({ command }: { command: CommandView }) {
  if (command.ok === true)
    return (
      <Badge tone="allowed" icon={CircleCheck}>
        Done
      </Badge>
    );
  if (command.ok === false)
    return (
      <Badge tone="denied" icon={CircleX} title={command.code ?? undefined}>
        Refused
      </Badge>
    );
  if (Date.parse(command.expiresAt) < Date.now())
    return (
      <Badge tone="unknown" icon={Clock3}>
        Expired
      </Badge>
    );
  return (
    <Badge tone="accent" icon={CircleDashed}>
      Sent
    </Badge>
  );
}

'use client';

import type { CommandView } from '@raypher/shared/rest';
import { useQuery } from '@tanstack/react-query';
import { CircleCheck, CircleDashed, CircleX, Clock3 } from 'lucide-react';
import type { ReactNode } from 'react';
import { Badge } from '@/components/badge.tsx';
import { Time } from '@/components/time.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';

interface CommandOutcomeProps {
  command: CommandView;
  connected: boolean;
  done: string | ((command: CommandView) => ReactNode);
}

/** What became of a command, followed until it is finished. */
export function CommandOutcome({ command: sent, connected, done }: CommandOutcomeProps) {
  const { data } = useQuery({
    queryKey: keys.commands(sent.deviceId),
    queryFn: () => api.commands(sent.deviceId),
    // A live message says when it is finished; this is the net under it.
    refetchInterval: (query) =>
      query.state.data?.items.find(({ id }) => id === sent.id)?.finishedAt == null ? 2_000 : false,
  });
  const command = data?.items.find(({ id }) => id === sent.id) ?? sent;
  return (
    <div role="status" className="grid gap-1.5 rounded-lg border bg-canvas px-3 py-2.5">
      {command.ok === true ? (
        <>
          <span>
            <Badge tone="allowed" icon={CircleCheck}>
              Done
            </Badge>
          </span>
          {typeof done === 'string' ? <p>{done}</p> : done(command)}
        </>
      ) : command.ok === false ? (
        <>
          <span>
            <Badge tone="denied" icon={CircleX}>
              Refused by the device
            </Badge>
          </span>
          <p>{command.detail ?? 'The device gave no reason.'}</p>
          {command.code !== null && <p className="font-mono text-xs text-ink-3">{command.code}</p>}
        </>
      ) : connected ? (
        <>
          <span>
            <Badge tone="accent" icon={CircleDashed}>
              Sent
            </Badge>
          </span>
          <p>Waiting for the device to answer.</p>
        </>
      ) : (
        <>
          <span>
            <Badge tone="unknown" icon={Clock3}>
              Waiting
            </Badge>
          </span>
          <p>
            The device is not connected: it will apply on reconnect, until{' '}
            <Time at={command.expiresAt} as="full" />.
          </p>
        </>
      )}
    </div>
  );
}

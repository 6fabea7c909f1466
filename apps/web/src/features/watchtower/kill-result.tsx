import type { CommandView } from '@raypher/shared/rest';
import { useQuery } from '@tanstack/react-query';
import { CircleCheck, CircleDashed, CircleX, Clock3 } from 'lucide-react';
import { Badge } from '@/components/badge.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { formatClock } from '@/lib/format/time.ts';
import { useNow } from '@/lib/use-now.ts';

/** After this long without an answer the device is called unreachable. */
const PATIENCE_MS = 5_000;

/** How often an answer that nobody announced is looked for. */
const AGAIN_MS = 2_000;

/** What came of a wish to end a connection. */
export function KillResult({ sent }: { sent: CommandView }) {
  // A command that changed is announced, and this fetched again; but what comes during the first fetch is not heard.
  const { data } = useQuery({
    queryKey: keys.commands(sent.deviceId),
    queryFn: () => api.commands(sent.deviceId),
    refetchInterval: ({ state }) => (find(state.data, sent)?.ok == null ? AGAIN_MS : false),
  });
  const now = useNow();
  const command = find(data, sent) ?? sent;
  return (
    <div role="status" className="flex flex-wrap items-center gap-2">
      {command.ok === true ? (
        <Badge tone="allowed" icon={CircleCheck}>
          Cut by the device
        </Badge>
      ) : command.ok === false ? (
        <>
          <Badge tone="unknown" icon={CircleX}>
            {command.code === 'connection/unknown' ? 'Not open any more' : 'Refused'}
          </Badge>
          {command.code !== 'connection/unknown' && <span className="text-ink-2">{command.detail}</span>}
        </>
      ) : now > Date.parse(command.expiresAt) ? (
        <>
          <Badge tone="denied" icon={Clock3}>
            Unreachable
          </Badge>
          <span className="text-ink-2">The device did not answer; nothing was cut.</span>
        </>
      ) : now - Date.parse(command.createdAt) > PATIENCE_MS ? (
        <>
          <Badge tone="prompted" icon={Clock3}>
            No answer yet
          </Badge>
          <span className="text-ink-2">
            It is cut if the device comes back before {formatClock(new Date(command.expiresAt))}.
          </span>
        </>
      ) : (
        <Badge tone="accent" icon={CircleDashed}>
          Sent
        </Badge>
      )}
    </div>
  );
}

function find(
  commands: { items: readonly CommandView[] } | undefined,
  { id }: CommandView,
): CommandView | undefined {
  return commands?.items.find((command) => command.id === id);
}

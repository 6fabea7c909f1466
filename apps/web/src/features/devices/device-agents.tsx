'use client';

import { useQuery } from '@tanstack/react-query';
import { Section } from '@/components/page-header.tsx';
import { ErrorState } from '@/components/states.tsx';
import { SkeletonRows } from '@/components/ui/skeleton.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { AgentCard } from '../agents/agent-card.tsx';

/** The AI agents of a device with what gives them away and the processes they consist of. */
export function DeviceAgents({ deviceId }: { deviceId: string }) {
  const filter = { device: deviceId, limit: 100 };
  const { data, error, refetch } = useQuery({
    queryKey: keys.agents(filter),
    queryFn: () => api.agents(filter),
  });
  const present = data?.items.filter((agent) => agent.state !== 'gone') ?? [];
  const gone = data?.items.filter((agent) => agent.state === 'gone') ?? [];
  return (
    <Section title="AI agents" aside={data !== undefined && <span>{present.length} present</span>}>
      {error !== null && data === undefined ? (
        <ErrorState what="The AI agents could not be fetched." error={error} retry={() => void refetch()} />
      ) : data === undefined ? (
        <SkeletonRows rows={4} />
      ) : (
        <>
          {present.length === 0 && (
            <p className="px-4 py-6 text-center text-ink-2">
              No AI agent runs here now. A new one appears within a second of its start.
            </p>
          )}
          <div className="divide-y">
            {present.map((agent) => (
              <AgentCard key={agent.id} agent={agent} />
            ))}
          </div>
          {gone.length > 0 && (
            <details className="border-t">
              <summary className="cursor-pointer px-4 py-2 text-ink-3 -outline-offset-2 hover:text-ink">
                {gone.length} seen before, not running now
              </summary>
              <div className="divide-y border-t">
                {gone.map((agent) => (
                  <AgentCard key={agent.id} agent={agent} />
                ))}
              </div>
            </details>
          )}
        </>
      )}
    </Section>
  );
}

'use client';

import { AgentStateBadge } from '@/components/badge.tsx';
import { Time } from '@/components/time.tsx';
import { plural } from '@/lib/format/format.ts';
import { AgentEvidence } from './agent-evidence.tsx';
import { AgentProcesses } from './agent-processes.tsx';
import type { AiAgent } from './agent-types.ts';

/** One AI agent within a device's page; opens to its evidence and processes. */
export function AgentCard({ agent }: { agent: AiAgent }) {
  return (
    <details>
      <summary className="flex cursor-pointer flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2.5 -outline-offset-2 hover:bg-hover">
        <span className="font-medium">{agent.name}</span>
        <AgentStateBadge state={agent.state} />
        <span className="min-w-0 flex-1 truncate text-xs text-ink-3">
          {agent.user} ·{' '}
          {agent.libraries.length > 0 ? agent.libraries.join(', ') : agent.entryScript || agent.exePath}
        </span>
        <span className="text-xs text-ink-3">
          {agent.state === 'gone' ? (
            <Time at={agent.lastSeenAt} />
          ) : (
            plural(agent.processes.length, 'process', 'processes')
          )}
        </span>
      </summary>
      <div className="border-t bg-canvas">
        <AgentEvidence agent={agent} />
        <AgentProcesses agent={agent} />
      </div>
    </details>
  );
}

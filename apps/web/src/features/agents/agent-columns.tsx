import { AgentStateBadge } from '@/components/badge.tsx';
import { DeviceName } from '@/components/device-name.tsx';
import type { Column } from '@/components/table/data-table.tsx';
import { Time } from '@/components/time.tsx';
import { formatCount } from '@/lib/format/format.ts';
import type { AiAgent } from './agent-types.ts';

export const AGENT_COLUMNS: Column<AiAgent>[] = [
  {
    id: 'name',
    header: 'AI agent',
    width: 'minmax(120px, 1.5fr)',
    cell: (agent) => <span className="font-medium">{agent.name}</span>,
  },
  { id: 'state', header: 'State', width: '96px', cell: (agent) => <AgentStateBadge state={agent.state} /> },
  { id: 'device', header: 'Device', width: 'minmax(136px, 1fr)', cell: (agent) => <DeviceName {...agent} /> },
  { id: 'user', header: 'User', width: 'minmax(72px, 0.7fr)', from: 760, cell: (agent) => agent.user },
  {
    id: 'libraries',
    header: 'Libraries',
    width: 'minmax(96px, 1fr)',
    from: 600,
    cell: (agent) => list(agent.libraries),
  },
  {
    id: 'models',
    header: 'Models',
    width: 'minmax(96px, 1fr)',
    from: 860,
    cell: (agent) => list(agent.models),
  },
  { id: 'risk', header: 'Risk', width: '80px', from: 940, cell: (agent) => agent.risk },
  {
    id: 'processes',
    header: 'Processes',
    width: '80px',
    align: 'end',
    from: 1020,
    cell: (agent) => formatCount(agent.processes.length),
  },
  {
    id: 'seen',
    header: 'Last seen',
    width: '88px',
    align: 'end',
    from: 700,
    cell: (agent) => (
      <span className="text-ink-2">
        <Time at={agent.lastSeenAt} />
      </span>
    ),
  },
];

function list(words: string[]) {
  return words.length === 0 ? (
    <span className="text-ink-3">–</span>
  ) : (
    <span title={words.join(', ')}>{words.join(', ')}</span>
  );
}

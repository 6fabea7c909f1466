'use client';

import { Command } from '@/components/copy.tsx';
import { Choice, FilterBar, SearchBox } from '@/components/filter-bar.tsx';
import { MisreadFilters } from '@/components/misread-filters.tsx';
import { MissingPanel } from '@/components/missing-panel.tsx';
import { PageHeader } from '@/components/page-header.tsx';
import { EmptyState, ErrorState } from '@/components/states.tsx';
import { DataTable } from '@/components/table/data-table.tsx';
import { Button } from '@/components/ui/button.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { usePages } from '@/lib/api/use-pages.ts';
import { formatCount } from '@/lib/format/format.ts';
import { misread, oneOfThese } from '@/lib/misread.ts';
import { oneOf, useUrlState } from '@/lib/use-url-state.ts';
import { AGENT_COLUMNS } from './agent-columns.tsx';
import { AgentPanel } from './agent-panel.tsx';
import type { AiAgent } from './agent-types.ts';

const STATES = ['running', 'frozen', 'gone'] as const;

/** Every AI agent of the organisation: where it runs, as whom, and what gives it away. */
export function AgentsPage() {
  const url = useUrlState();
  const search = url.get('q');
  const state = oneOf(url.get('state'), STATES);
  const unread = misread(url.get, { state: oneOfThese(STATES) });
  const open = url.get('open');
  const filter = { search, state };
  const agents = usePages<AiAgent>(keys.agents(filter), (cursor) =>
    api.agents({ ...filter, cursor, limit: 200 }),
  );
  const opened = agents.rows.find((agent) => rowId(agent) === open);
  const filtered = search !== '' || state !== undefined;
  return (
    <>
      <PageHeader
        title="AI agents"
        description={
          agents.data === undefined
            ? 'Programs that call models or act on their behalf.'
            : `${formatCount(agents.total ?? agents.rows.length)}${filtered ? ' match' : ' seen on your devices'}`
        }
      />
      <FilterBar>
        <SearchBox label="Search AI agents" value={search} onChange={(q) => url.set({ q })} />
        <Choice
          label="State"
          value={state ?? ''}
          options={[
            { value: '', label: 'All' },
            { value: 'running', label: 'Running' },
            { value: 'frozen', label: 'Frozen' },
            { value: 'gone', label: 'Gone' },
          ]}
          onChange={(value) => url.set({ state: value })}
        />
      </FilterBar>
      {unread.length > 0 ? (
        <MisreadFilters filters={unread} set={url.set} />
      ) : agents.error !== null && agents.data === undefined ? (
        <ErrorState
          what="The AI agents could not be fetched."
          error={agents.error}
          retry={() => void agents.refetch()}
        />
      ) : (
        <div className="room-for-rows flex flex-1">
          <DataTable
            label="AI agents"
            columns={AGENT_COLUMNS}
            rows={agents.rows}
            rowId={rowId}
            rowLabel={(agent) => `${agent.name} on ${agent.hostname}`}
            selectedId={open}
            onOpen={(agent) => url.set({ open: rowId(agent) })}
            loading={agents.isPending}
            total={agents.total}
            onNearEnd={agents.more}
            empty={
              filtered ? (
                <EmptyState
                  title="No AI agent matches"
                  action={<Button onClick={() => url.set({ q: null, state: null })}>Clear filters</Button>}
                />
              ) : (
                <EmptyState title="No AI agent seen yet">
                  <p>Start one under the agent on an enrolled device; it appears here within a second.</p>
                  <Command text="raypher run -- node your-agent.js" label="Copy the command" />
                </EmptyState>
              )
            }
          />
          {open !== '' && opened === undefined && agents.isSuccess && (
            <MissingPanel title="AI agent" onClose={() => url.set({ open: null })} />
          )}
          {opened !== undefined && (
            <AgentPanel key={open} agent={opened} onClose={() => url.set({ open: null })} />
          )}
        </div>
      )}
    </>
  );
}

function rowId(agent: AiAgent): string {
  return `${agent.deviceId}:${agent.id}`;
}

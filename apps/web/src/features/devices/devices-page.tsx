'use client';

import type { Device } from '@raypher/shared/rest';
import { useQuery } from '@tanstack/react-query';
import { Plus } from 'lucide-react';
import Link from 'next/link';
import { z } from 'zod';
import { Choice, FilterBar, SearchBox } from '@/components/filter-bar.tsx';
import { MisreadFilters } from '@/components/misread-filters.tsx';
import { PageHeader } from '@/components/page-header.tsx';
import { EmptyState, ErrorState } from '@/components/states.tsx';
import { DataTable } from '@/components/table/data-table.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Select } from '@/components/ui/input.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { usePages } from '@/lib/api/use-pages.ts';
import { formatCount } from '@/lib/format/format.ts';
import { useMe } from '@/lib/me/me-provider.tsx';
import { fits, misread, oneOfThese } from '@/lib/misread.ts';
import { oneOf, useUrlState } from '@/lib/use-url-state.ts';
import { DEVICE_COLUMNS, WAITING_COLUMNS } from './device-columns.tsx';
import { DevicePanel } from './device-panel.tsx';
import { WaitingStrip } from './waiting-strip.tsx';

const STATES = ['connected', 'disconnected', 'pending', 'paused', 'revoked'] as const;

export function DevicesPage() {
  const url = useUrlState();
  const me = useMe();
  const search = url.get('q');
  const state = oneOf(url.get('state'), STATES);
  const unread = misread(url.get, { state: oneOfThese(STATES), team: fits(z.uuid()) });
  const team = unread.some(({ name }) => name === 'team') ? '' : url.get('team');
  const open = url.get('open');
  const filter = { search, state, team };
  const devices = usePages<Device>(keys.devices(filter), (cursor) =>
    api.devices({ ...filter, cursor, limit: 500 }),
  );
  const teams = useQuery({
    queryKey: keys.teams,
    queryFn: api.teams,
    enabled: me.permissions.includes('teams:read'),
  });
  const filtered = search !== '' || state !== undefined || team !== '';

  return (
    <>
      <PageHeader
        title="Devices"
        description={
          devices.data === undefined
            ? 'Every enrolled machine.'
            : `${formatCount(devices.total ?? devices.rows.length)}${filtered ? ' match' : ' enrolled'}`
        }
        actions={
          me.permissions.includes('enrolment-tokens:manage') && (
            <Button asChild variant="primary">
              <Link href="/rollout?new=1">
                <Plus /> Add device
              </Link>
            </Button>
          )
        }
      />
      <FilterBar>
        <SearchBox label="Search devices" value={search} onChange={(q) => url.set({ q })} />
        <div className="max-w-full overflow-x-auto">
          <Choice
            label="State"
            value={state ?? ''}
            options={[
              { value: '' as const, label: 'All' },
              ...STATES.map((value) => ({ value, label: capitalise(value) })),
            ]}
            onChange={(value) => url.set({ state: value })}
          />
        </div>
        {(teams.data?.items.length ?? 0) > 0 && (
          <Select
            aria-label="Team"
            className="w-40"
            value={team}
            onChange={(event) => url.set({ team: event.target.value })}
          >
            <option value="">Any team</option>
            {teams.data?.items.map(({ id, name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </Select>
        )}
      </FilterBar>
      {!filtered && <WaitingStrip />}
      {unread.length > 0 ? (
        <MisreadFilters filters={unread} set={url.set} />
      ) : devices.error !== null && devices.data === undefined ? (
        <ErrorState
          what="The devices could not be fetched."
          error={devices.error}
          retry={() => void devices.refetch()}
        />
      ) : (
        <div className="room-for-rows flex flex-1">
          <DataTable
            label="Devices"
            columns={state === 'pending' ? WAITING_COLUMNS : DEVICE_COLUMNS}
            rows={devices.rows}
            rowId={(device) => device.id}
            rowLabel={(device) => device.label ?? device.hostname}
            selectedId={open}
            onOpen={(device) => url.set({ open: device.id })}
            loading={devices.isPending}
            total={devices.total}
            onNearEnd={devices.more}
            empty={
              filtered ? (
                <EmptyState
                  title={NOTHING_THERE[state ?? ''] ?? 'No device matches'}
                  action={
                    <Button onClick={() => url.set({ q: null, state: null, team: null })}>
                      Clear filters
                    </Button>
                  }
                />
              ) : (
                <EmptyState
                  title="No device yet"
                  action={
                    <Button asChild variant="primary">
                      <Link href="/rollout?new=1">Create an enrolment token</Link>
                    </Button>
                  }
                >
                  <p>
                    A token gives you one command to paste on the machine. It appears here within a second.
                  </p>
                </EmptyState>
              )
            }
          />
          {open !== '' && <DevicePanel key={open} id={open} onClose={() => url.set({ open: null })} />}
        </div>
      )}
    </>
  );
}

/** What an empty list means where that is good news. */
const NOTHING_THERE: Record<string, string> = {
  pending: 'No device waits for approval',
  paused: 'No device is paused',
};

function capitalise(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

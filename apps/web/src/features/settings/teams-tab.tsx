'use client';

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Plus } from 'lucide-react';
import Link from 'next/link';
import { type FormEvent, useRef } from 'react';
import { GuardedButton } from '@/components/guarded-button.tsx';
import { Section } from '@/components/page-header.tsx';
import { EmptyState, ErrorState, InlineError } from '@/components/states.tsx';
import { Input } from '@/components/ui/input.tsx';
import { SkeletonRows } from '@/components/ui/skeleton.tsx';
import { useToast } from '@/components/ui/toast.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { formatCount } from '@/lib/format/format.ts';

/** Teams group devices; a team can have its own, stricter policy and its own freeze. */
export function TeamsTab() {
  const client = useQueryClient();
  const toast = useToast();
  const form = useRef<HTMLFormElement>(null);
  const teams = useQuery({ queryKey: keys.teams, queryFn: api.teams });
  const create = useMutation({
    mutationFn: api.createTeam,
    onSuccess: (team) => {
      toast.done(`Team ${team.name} is created`);
      form.current?.reset();
      void client.invalidateQueries({ queryKey: keys.teams });
    },
  });
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const name = String(new FormData(event.currentTarget).get('name') ?? '').trim();
    if (name !== '') create.mutate({ name });
  };
  return (
    <Section title="Teams">
      <form ref={form} onSubmit={submit} className="flex flex-wrap items-center gap-2 border-b px-4 py-3">
        <Input
          name="name"
          aria-label="Name of the new team"
          placeholder="Name of the new team"
          required
          maxLength={200}
          className="w-64"
        />
        <GuardedButton needs="teams:manage" type="submit" disabled={create.isPending}>
          <Plus /> Create team
        </GuardedButton>
        <InlineError error={create.error} />
      </form>
      {teams.error !== null && teams.data === undefined ? (
        <ErrorState
          what="The teams could not be fetched."
          error={teams.error}
          retry={() => void teams.refetch()}
        />
      ) : teams.data === undefined ? (
        <SkeletonRows rows={3} />
      ) : teams.data.items.length === 0 ? (
        <EmptyState title="No team yet">
          <p>Teams group devices. Enrol devices into a team by choosing it in an enrolment token.</p>
        </EmptyState>
      ) : (
        <table className="w-full text-left" aria-label="Teams">
          <thead className="text-xs text-ink-3">
            <tr>
              <th className="px-4 py-1.5 font-normal">Team</th>
              <th className="px-2 py-1.5 text-right font-normal">Devices</th>
              <th className="px-2 py-1.5 text-right font-normal">Members</th>
              <th className="px-4 py-1.5 text-right font-normal">Policy</th>
            </tr>
          </thead>
          <tbody>
            {teams.data.items.map((team) => (
              <tr key={team.id} className="border-t">
                <td className="px-4 py-2 font-medium">{team.name}</td>
                <td className="px-2 py-2 text-right">
                  <Link href={`/devices?team=${team.id}`} className="rounded-sm hover:underline">
                    {formatCount(team.devices)}
                  </Link>
                </td>
                <td className="px-2 py-2 text-right">{formatCount(team.members)}</td>
                <td className="px-4 py-2 text-right">
                  <Link href={`/policies?layer=${team.id}`} className="rounded-sm text-ink-2 hover:underline">
                    Open
                  </Link>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Section>
  );
}

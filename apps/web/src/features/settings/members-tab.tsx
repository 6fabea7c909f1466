'use client';

import type { Member } from '@raypher/shared/rest';
import { useQuery } from '@tanstack/react-query';
import { Ban, CircleCheck, Plus } from 'lucide-react';
import { useState } from 'react';
import { Badge } from '@/components/badge.tsx';
import { GuardedButton } from '@/components/guarded-button.tsx';
import { Section } from '@/components/page-header.tsx';
import { ErrorState } from '@/components/states.tsx';
import { Time } from '@/components/time.tsx';
import { SkeletonRows } from '@/components/ui/skeleton.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { useMe } from '@/lib/me/me-provider.tsx';
import { AddMemberDialog } from './add-member-dialog.tsx';
import { ChangeMemberDialog } from './change-member-dialog.tsx';
import { ROLES } from './roles.ts';

/** Who may sign in, as what. */
export function MembersTab() {
  const me = useMe();
  const members = useQuery({ queryKey: keys.members, queryFn: api.members });
  const teams = useQuery({ queryKey: keys.teams, queryFn: api.teams });
  const [adding, setAdding] = useState(false);
  const [changing, setChanging] = useState<Member | null>(null);
  const teamName = (id: string | null) =>
    id === null ? null : teams.data?.items.find((team) => team.id === id)?.name;
  return (
    <Section
      title="Members"
      aside={
        <GuardedButton needs="members:manage" size="sm" variant="primary" onClick={() => setAdding(true)}>
          <Plus /> Add member
        </GuardedButton>
      }
    >
      {members.error !== null && members.data === undefined ? (
        <ErrorState
          what="The members could not be fetched."
          error={members.error}
          retry={() => void members.refetch()}
        />
      ) : members.data === undefined ? (
        <SkeletonRows rows={4} />
      ) : (
        <div className="overflow-x-auto">
          <table className="w-full min-w-[640px] text-left" aria-label="Members">
            <thead className="text-xs text-ink-3">
              <tr>
                <th className="px-4 py-1.5 font-normal">Name</th>
                <th className="px-2 py-1.5 font-normal">Role</th>
                <th className="px-2 py-1.5 font-normal">Team</th>
                <th className="px-2 py-1.5 font-normal">State</th>
                <th className="px-2 py-1.5 font-normal">Since</th>
                <th className="w-24 px-4 py-1.5">
                  <span className="sr-only">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {members.data.items.map((member) => (
                <tr key={member.userId} className="border-t">
                  <td className="px-4 py-2">
                    <span className="font-medium">{member.name}</span>
                    {member.userId === me.id && <span className="text-ink-3"> (you)</span>}
                    <span className="block text-xs text-ink-3">{member.email}</span>
                  </td>
                  <td className="px-2 py-2" title={ROLES[member.role].meaning}>
                    {ROLES[member.role].label}
                  </td>
                  <td className="px-2 py-2">
                    {teamName(member.teamId) ?? <span className="text-ink-3">none</span>}
                  </td>
                  <td className="px-2 py-2">
                    {member.disabledAt === null ? (
                      <Badge tone="allowed" icon={CircleCheck}>
                        Active
                      </Badge>
                    ) : (
                      <Badge tone="denied" icon={Ban}>
                        Disabled
                      </Badge>
                    )}
                  </td>
                  <td className="px-2 py-2 text-ink-2">
                    <Time at={member.createdAt} />
                  </td>
                  <td className="px-4 py-1 text-right">
                    <GuardedButton
                      needs="members:manage"
                      size="sm"
                      variant="ghost"
                      aria-label={`Change ${member.name}`}
                      onClick={() => setChanging(member)}
                    >
                      Change
                    </GuardedButton>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {adding && <AddMemberDialog teams={teams.data?.items ?? []} onClose={() => setAdding(false)} />}
      {changing !== null && (
        <ChangeMemberDialog
          member={changing}
          teams={teams.data?.items ?? []}
          onClose={() => setChanging(null)}
        />
      )}
    </Section>
  );
}

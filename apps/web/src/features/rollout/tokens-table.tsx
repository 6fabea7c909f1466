'use client';

import type { EnrolmentToken } from '@raypher/shared/rest';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Ban, CircleCheck, Clock3 } from 'lucide-react';
import { Badge } from '@/components/badge.tsx';
import { GuardedButton } from '@/components/guarded-button.tsx';
import { Time } from '@/components/time.tsx';
import { useToast } from '@/components/ui/toast.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { formatCount } from '@/lib/format/format.ts';

export function TokensTable({ tokens }: { tokens: EnrolmentToken[] }) {
  const client = useQueryClient();
  const toast = useToast();
  const revoke = useMutation({
    mutationFn: (token: EnrolmentToken) => api.revokeEnrolmentToken(token.id),
    onSuccess: (_, token) => {
      toast.done(`${token.name} is revoked`, 'Devices that it enrolled stay enrolled.');
      void client.invalidateQueries({ queryKey: keys.enrolmentTokens });
    },
    onError: (error) => toast.failed('The token still works', error.message),
  });
  return (
    <div className="overflow-x-auto">
      <table className="w-full min-w-[720px] text-left" aria-label="Enrolment tokens">
        <thead className="text-xs text-ink-3">
          <tr>
            <th className="px-4 py-1.5 font-normal">Token</th>
            <th className="px-2 py-1.5 font-normal">State</th>
            <th className="px-2 py-1.5 font-normal">Team</th>
            <th className="px-2 py-1.5 text-right font-normal">Used</th>
            <th className="px-2 py-1.5 font-normal">Expires</th>
            <th className="px-2 py-1.5 font-normal">Created</th>
            <th className="w-24 px-4 py-1.5">
              <span className="sr-only">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {tokens.map((token) => (
            <tr key={token.id} className="border-t">
              <td className="px-4 py-2 font-medium">{token.name}</td>
              <td className="px-2 py-2">
                <TokenState state={token.state} />
              </td>
              <td className="px-2 py-2">{token.team?.name ?? <span className="text-ink-3">none</span>}</td>
              <td className="px-2 py-2 text-right">
                {formatCount(token.uses)} of {formatCount(token.maxUses)}
              </td>
              <td className="px-2 py-2">
                <Time at={token.expiresAt} />
              </td>
              <td className="px-2 py-2 text-ink-2">
                {token.createdBy}, <Time at={token.createdAt} />
              </td>
              <td className="px-4 py-1 text-right">
                {token.state === 'usable' && (
                  <GuardedButton
                    needs="enrolment-tokens:manage"
                    size="sm"
                    variant="ghost"
                    aria-label={`Revoke token ${token.name}`}
                    onClick={() => revoke.mutate(token)}
                  >
                    Revoke
                  </GuardedButton>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function TokenState({ state }: { state: EnrolmentToken['state'] }) {
  switch (state) {
    case 'usable':
      return (
        <Badge tone="allowed" icon={CircleCheck}>
          Usable
        </Badge>
      );
    case 'expired':
      return (
        <Badge tone="unknown" icon={Clock3}>
          Expired
        </Badge>
      );
    case 'exhausted':
      return (
        <Badge tone="unknown" icon={CircleCheck}>
          Used up
        </Badge>
      );
    case 'revoked':
      return (
        <Badge tone="denied" icon={Ban}>
          Revoked
        </Badge>
      );
  }
}

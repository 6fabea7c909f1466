'use client';

import type { ApiToken } from '@raypher/shared/rest';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Plus } from 'lucide-react';
import { useState } from 'react';
import { Badge } from '@/components/badge.tsx';
import { Section } from '@/components/page-header.tsx';
import { EmptyState, ErrorState } from '@/components/states.tsx';
import { Time } from '@/components/time.tsx';
import { Button } from '@/components/ui/button.tsx';
import { SkeletonRows } from '@/components/ui/skeleton.tsx';
import { useToast } from '@/components/ui/toast.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { ApiTokenDialog } from './api-token-dialog.tsx';

/** Tokens for programs that call the REST API. */
export function ApiTokensTab() {
  const client = useQueryClient();
  const toast = useToast();
  const [creating, setCreating] = useState(false);
  const tokens = useQuery({ queryKey: keys.apiTokens, queryFn: api.apiTokens });
  const revoke = useMutation({
    mutationFn: (token: ApiToken) => api.revokeApiToken(token.id),
    onSuccess: (_, token) => {
      toast.done(`${token.name} is revoked`, 'Its next request is refused.');
      void client.invalidateQueries({ queryKey: keys.apiTokens });
    },
    onError: (error) => toast.failed('The token still works', error.message),
  });
  return (
    <Section
      title="API tokens"
      aside={
        <Button size="sm" variant="primary" onClick={() => setCreating(true)}>
          <Plus /> New API token
        </Button>
      }
    >
      {tokens.error !== null && tokens.data === undefined ? (
        <ErrorState
          what="The API tokens could not be fetched."
          error={tokens.error}
          retry={() => void tokens.refetch()}
        />
      ) : tokens.data === undefined ? (
        <SkeletonRows rows={3} />
      ) : tokens.data.items.length === 0 ? (
        <EmptyState title="No API token yet">
          <p>
            A token lets a program call the REST API with chosen permissions only. The API describes itself at
            /v1/openapi.json.
          </p>
        </EmptyState>
      ) : (
        <div className="overflow-x-auto">
          <table className="w-full min-w-[640px] text-left" aria-label="API tokens">
            <thead className="text-xs text-ink-3">
              <tr>
                <th className="px-4 py-1.5 font-normal">Token</th>
                <th className="px-2 py-1.5 font-normal">May</th>
                <th className="px-2 py-1.5 font-normal">Last used</th>
                <th className="px-2 py-1.5 font-normal">Expires</th>
                <th className="w-24 px-4 py-1.5">
                  <span className="sr-only">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {tokens.data.items.map((token) => (
                <tr key={token.id} className="border-t">
                  <td className="px-4 py-2">
                    <span className="font-medium">{token.name}</span>
                    <span className="block text-xs text-ink-3">{token.createdBy}</span>
                  </td>
                  <td className="max-w-80 px-2 py-2 font-mono text-xs text-ink-2">
                    {token.scopes.join(' ')}
                  </td>
                  <td className="px-2 py-2">
                    {token.lastUsedAt === null ? (
                      <span className="text-ink-3">never</span>
                    ) : (
                      <Time at={token.lastUsedAt} />
                    )}
                  </td>
                  <td className="px-2 py-2">
                    {token.expiresAt === null ? 'never' : <Time at={token.expiresAt} />}
                  </td>
                  <td className="px-4 py-1 text-right">
                    {token.revokedAt === null ? (
                      <Button
                        size="sm"
                        variant="ghost"
                        aria-label={`Revoke API token ${token.name}`}
                        onClick={() => revoke.mutate(token)}
                      >
                        Revoke
                      </Button>
                    ) : (
                      <Badge tone="denied">Revoked</Badge>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {creating && <ApiTokenDialog onClose={() => setCreating(false)} />}
    </Section>
  );
}

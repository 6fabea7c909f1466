'use client';

import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { GuardedButton } from '@/components/guarded-button.tsx';
import { Facts, Section } from '@/components/page-header.tsx';
import { EmptyState, ErrorState } from '@/components/states.tsx';
import { Time } from '@/components/time.tsx';
import { SkeletonRows } from '@/components/ui/skeleton.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { WebhookDialog } from './webhook-dialog.tsx';
import { WEBHOOK_FORMATS } from './webhook-formats.ts';

/** Which chat service is told when an AI agent waits for a person. */
export function ApprovalsTab() {
  const [dialog, setDialog] = useState<'set' | 'remove'>();
  const { data, error, refetch } = useQuery({
    queryKey: keys.approvalSettings,
    queryFn: api.approvalSettings,
  });
  const webhook = data?.webhook ?? null;
  return (
    <Section
      title="Chat webhook"
      aside={
        webhook !== null && (
          <>
            <GuardedButton needs="settings:manage" size="sm" onClick={() => setDialog('set')}>
              Replace
            </GuardedButton>
            <GuardedButton needs="settings:manage" size="sm" onClick={() => setDialog('remove')}>
              Remove
            </GuardedButton>
          </>
        )
      }
    >
      {error !== null && data === undefined ? (
        <ErrorState what="The settings could not be fetched." error={error} retry={() => void refetch()} />
      ) : data === undefined ? (
        <SkeletonRows rows={3} />
      ) : webhook === null ? (
        <EmptyState
          title="No chat service is told"
          action={
            <GuardedButton needs="settings:manage" variant="primary" onClick={() => setDialog('set')}>
              Set a webhook
            </GuardedButton>
          }
        >
          <p>
            A message says who waits for what, with a link to the question. The answer is given there, signed
            in; opening the link decides nothing.
          </p>
        </EmptyState>
      ) : (
        <Facts
          items={[
            { name: 'Host', value: <code className="font-mono text-xs">{webhook.host}</code> },
            { name: 'Format', value: WEBHOOK_FORMATS[webhook.format] },
            { name: 'Set by', value: webhook.updatedBy },
            { name: 'Set', value: <Time at={webhook.updatedAt} as="full" /> },
          ]}
        />
      )}
      {dialog !== undefined && (
        <WebhookDialog isRemoval={dialog === 'remove'} onClose={() => setDialog(undefined)} />
      )}
    </Section>
  );
}

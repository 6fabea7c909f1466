'use client';

import { useQuery } from '@tanstack/react-query';
import { Plus } from 'lucide-react';
import { GuardedButton } from '@/components/guarded-button.tsx';
import { PageHeader, Section } from '@/components/page-header.tsx';
import { EmptyState, ErrorState } from '@/components/states.tsx';
import { SkeletonRows } from '@/components/ui/skeleton.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { useUrlState } from '@/lib/use-url-state.ts';
import { PackagesSection } from './packages-section.tsx';
import { TokenDialog } from './token-dialog.tsx';
import { TokensTable } from './tokens-table.tsx';

/** Enrolment tokens: who may bring machines under control, how many, until when. */
export function AddDevicesPage() {
  const url = useUrlState();
  const tokens = useQuery({ queryKey: keys.enrolmentTokens, queryFn: api.enrolmentTokens });
  const create = (): void => url.set({ new: '1' });
  return (
    <>
      <PageHeader
        title="Add devices"
        description="A token brings machines in, by a command or by your device management. It says which team they join, how often it works and until when."
        actions={
          <GuardedButton needs="enrolment-tokens:manage" variant="primary" onClick={create}>
            <Plus /> New enrolment token
          </GuardedButton>
        }
      />
      <div className="grid gap-4 px-4 pb-8 lg:px-6">
        <Section title="Enrolment tokens">
          {tokens.error !== null && tokens.data === undefined ? (
            <ErrorState
              what="The tokens could not be fetched."
              error={tokens.error}
              retry={() => void tokens.refetch()}
            />
          ) : tokens.data === undefined ? (
            <SkeletonRows rows={4} />
          ) : tokens.data.items.length === 0 ? (
            <EmptyState
              title="No token yet"
              action={
                <GuardedButton needs="enrolment-tokens:manage" variant="primary" onClick={create}>
                  Create the first token
                </GuardedButton>
              }
            >
              <ol className="grid gap-1 text-left">
                <li>1. Create a token; choose the team and how many machines it is for.</li>
                <li>
                  2. Paste the command on a machine, or hand a file to cloud-init, Intune, Jamf or Kandji.
                </li>
                <li>3. The machine appears under Devices within a second, monitored and not blocked.</li>
              </ol>
            </EmptyState>
          ) : (
            <TokensTable tokens={tokens.data.items} />
          )}
        </Section>
        <PackagesSection />
      </div>
      {url.get('new') !== '' && <TokenDialog onClose={() => url.set({ new: null })} />}
    </>
  );
}

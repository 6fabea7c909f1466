'use client';

import { useQuery } from '@tanstack/react-query';
import { Section } from '@/components/page-header.tsx';
import { ErrorState } from '@/components/states.tsx';
import { SkeletonRows } from '@/components/ui/skeleton.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { AdmissionForm } from './admission-form.tsx';
import { TpmRoots } from './tpm-roots.tsx';

/** Which identities may join, and whose word about a TPM counts. */
export function IdentityTab() {
  const settings = useQuery({ queryKey: keys.identitySettings, queryFn: api.identitySettings });
  return (
    <div className="grid gap-4">
      <Section title="Who may join">
        {settings.error !== null && settings.data === undefined ? (
          <ErrorState
            what="The rules could not be fetched."
            error={settings.error}
            retry={() => void settings.refetch()}
          />
        ) : settings.data === undefined ? (
          <SkeletonRows rows={6} />
        ) : (
          // A rule that somebody else changed starts the form afresh.
          <AdmissionForm key={JSON.stringify(settings.data.admission)} settings={settings.data} />
        )}
      </Section>
      <TpmRoots />
    </div>
  );
}

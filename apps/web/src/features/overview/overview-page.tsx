'use client';

import { useQuery } from '@tanstack/react-query';
import Link from 'next/link';
import { PageHeader } from '@/components/page-header.tsx';
import { ErrorState } from '@/components/states.tsx';
import { Time } from '@/components/time.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { plural } from '@/lib/format/format.ts';
import { useMe } from '@/lib/me/me-provider.tsx';
import { FirstSteps } from './first-steps.tsx';
import { KeyNumbers } from './key-numbers.tsx';
import { NeedsAPerson } from './needs-a-person.tsx';
import { PostureSection } from './posture-section.tsx';
import { VerdictsSection } from './verdicts-section.tsx';
import { WhatChanged } from './what-changed.tsx';

/** Are we safe, what is happening, what needs a person, what changed: on one screen. */
export function OverviewPage() {
  const me = useMe();
  const { data, error, refetch } = useQuery({ queryKey: keys.overview, queryFn: api.overview });
  return (
    <>
      <PageHeader
        title="Overview"
        description={
          data === undefined ? (
            me.organisation.name
          ) : (
            <>
              {me.organisation.name} · as of <Time at={data.at} />
            </>
          )
        }
        actions={
          data !== undefined && (
            <Link href="/policies" className="text-ink-2 hover:text-ink hover:underline">
              {describePolicy(data.policy)}
            </Link>
          )
        }
      />
      {error !== null && data === undefined ? (
        <ErrorState what="The overview could not be fetched." error={error} retry={() => void refetch()} />
      ) : (
        <div className="grid gap-4 px-4 pb-8 lg:px-6">
          {data !== undefined && data.devices.total === 0 && <FirstSteps />}
          <KeyNumbers overview={data} />
          <div className="grid gap-4 xl:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
            <VerdictsSection minutes={data?.verdicts} />
            <NeedsAPerson />
          </div>
          <div className="grid items-start gap-4 xl:grid-cols-2">
            <PostureSection posture={data?.posture} devices={data?.devices.total ?? 0} />
            <WhatChanged />
          </div>
        </div>
      )}
    </>
  );
}

function describePolicy(policy: {
  revision: number;
  mode: 'enforce' | 'monitor' | 'mixed' | 'none';
  appliedBy: number;
}): string {
  if (policy.mode === 'none') return 'No policy deployed';
  const mode = { enforce: 'enforcing', monitor: 'monitoring only', mixed: 'enforcing in part' }[policy.mode];
  return `Policy revision ${policy.revision}, ${mode}, on ${plural(policy.appliedBy, 'device')}`;
}

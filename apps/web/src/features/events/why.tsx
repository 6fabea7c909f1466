'use client';

import type { EventDetail } from '@raypher/shared/rest';
import { useQuery } from '@tanstack/react-query';
import Link from 'next/link';
import { Facts } from '@/components/page-header.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { useMe } from '@/lib/me/me-provider.tsx';
import {
  comparedFacts,
  explainVerdict,
  explainWayOut,
  policyName,
  type RecordedVerdict,
  readVerdict,
} from './recorded-verdict.ts';
import { ruleSource } from './rule-source.ts';

/** Why a verdict came out so: the rule and its layer, what was compared, what would have let it pass. */
export function Why({ event }: { event: EventDetail }) {
  const recorded = readVerdict(event.entry);
  if (recorded === undefined) return null;
  const { verdict } = recorded;
  const wayOut = explainWayOut(recorded);
  return (
    <section aria-label="Why?" className="grid gap-2 py-3">
      <div className="px-4">
        <h3 className="font-semibold">Why?</h3>
        <p className="mt-1">{explainVerdict(recorded)}</p>
        {verdict.reason !== '' && <p className="mt-1 text-ink-2">“{verdict.reason}”</p>}
      </div>
      <div className="-my-1">
        <Facts
          items={[
            { name: 'Rule', value: <code className="font-mono text-xs">{verdict.rule}</code> },
            {
              name: 'Policy',
              value: (
                <Link
                  href={`/policies?view=revisions&revision=${verdict.revision}`}
                  className="rounded-sm underline-offset-2 hover:underline"
                >
                  {policyName(verdict)}
                </Link>
              ),
            },
            {
              name: 'Mode',
              value: verdict.mode === 'enforce' ? 'Enforce: carried out' : 'Monitor: recorded only',
            },
            ...comparedFacts(recorded),
          ]}
        />
      </div>
      <RuleText recorded={recorded} deviceId={event.deviceId} />
      {wayOut !== undefined && (
        <div className="px-4 text-ink-2">
          <p>{wayOut}</p>
          <p className="mt-1">
            To ask for it, send an administrator the link to this page: the entry, the rule and its revision
            are in it.
          </p>
        </div>
      )}
    </section>
  );
}

/** The rule as it was written in the revision that decided. */
function RuleText({ recorded, deviceId }: { recorded: RecordedVerdict; deviceId: string }) {
  const { layer, rule, revision } = recorded.verdict;
  const me = useMe();
  const written =
    me.permissions.includes('policies:read') && (layer === 'global' || layer === 'team') && revision > 0;
  const policy = useQuery({
    queryKey: keys.revision(revision),
    queryFn: () => api.revision(revision),
    enabled: written,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const device = useQuery({
    queryKey: keys.device(deviceId),
    queryFn: () => api.device(deviceId),
    enabled: written && layer === 'team',
  });
  const document = policy.data?.documents.find(
    (one) => one.layer === layer && (layer === 'global' || one.team === device.data?.team?.id),
  );
  const text = document === undefined ? undefined : ruleSource(document.source, rule);
  if (text === undefined) return null;
  return (
    <pre className="mx-4 rounded-md border bg-canvas p-3 font-mono text-xs leading-5 break-words whitespace-pre-wrap">
      {text}
    </pre>
  );
}

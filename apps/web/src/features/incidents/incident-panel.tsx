'use client';

import type { IncidentDetail } from '@raypher/shared/rest';
import { useQuery } from '@tanstack/react-query';
import Link from 'next/link';
import { SeverityBadge } from '@/components/badge.tsx';
import { DeviceName } from '@/components/device-name.tsx';
import { Facts } from '@/components/page-header.tsx';
import { SidePanel } from '@/components/side-panel.tsx';
import { ErrorState } from '@/components/states.tsx';
import { Time } from '@/components/time.tsx';
import { SkeletonRows } from '@/components/ui/skeleton.tsx';
import { policyName } from '@/features/events/recorded-verdict.ts';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { formatCount, plural } from '@/lib/format/format.ts';
import { IncidentActions } from './incident-actions.tsx';
import { IncidentOutcomeBadge, IncidentStatusBadge } from './incident-badges.tsx';
import { Occurrences } from './occurrences.tsx';
import { PolicySnippet } from './policy-snippet.tsx';
import { Samples } from './samples.tsx';
import { classWord, STATUS_WORDS, sentence } from './words.ts';

const LINK = 'rounded-sm underline-offset-2 hover:underline';

/** One incident: what, where, who and why, what is left of the data, and what to do about it. */
export function IncidentPanel({ id, onClose }: { id: string; onClose: () => void }) {
  const { data, error, refetch } = useQuery({ queryKey: keys.incident(id), queryFn: () => api.incident(id) });
  return (
    <SidePanel
      title={
        data === undefined
          ? 'Incident'
          : `${data.classes.map(classWord).join(', ')} ${data.direction === 'out' ? '→' : '←'} ${data.host}`
      }
      onClose={onClose}
      subtitle={
        data !== undefined && (
          <>
            <IncidentOutcomeBadge incident={data} />
            <SeverityBadge severity={data.severity} />
            <IncidentStatusBadge status={data.status} />
          </>
        )
      }
    >
      {error !== null && data === undefined ? (
        <ErrorState what="The incident could not be fetched." error={error} retry={() => void refetch()} />
      ) : data === undefined ? (
        <SkeletonRows rows={10} />
      ) : (
        <div className="divide-y">
          <div className="grid gap-3 px-4 py-3">
            <p>{sentence(data)}</p>
            <IncidentActions incident={data} />
          </div>
          <Samples incident={data} />
          <Why incident={data} />
          <What incident={data} />
          {data.status === 'false-positive' && <PolicySnippet incident={data} />}
          <Occurrences incident={data} />
          <Decisions incident={data} />
        </div>
      )}
    </SidePanel>
  );
}

function What({ incident }: { incident: IncidentDetail }) {
  const { agent, deviceId } = incident;
  return (
    <Facts
      items={[
        { name: 'Data', value: incident.classes.map(classWord).join(', ') || 'unknown' },
        {
          name: 'Found by',
          value: <code className="font-mono text-xs">{incident.detectors.join(', ')}</code>,
        },
        { name: 'Where', value: incident.places.join(', ') || 'unknown' },
        { name: 'Pieces', value: `${formatCount(incident.findings)} in one message` },
        {
          name: 'AI agent',
          value:
            agent.id === '' ? (
              agent.name
            ) : (
              <Link href={`/agents?open=${encodeURIComponent(agent.id)}`} className={LINK}>
                {agent.name}
              </Link>
            ),
        },
        ...(agent.user === '' ? [] : [{ name: 'User', value: agent.user }]),
        {
          name: 'Device',
          value: (
            <Link href={`/devices/${deviceId}`} className={LINK}>
              <DeviceName {...incident} />
            </Link>
          ),
        },
        { name: incident.direction === 'out' ? 'Sent to' : 'Received from', value: incident.host },
        ...(incident.model === '' ? [] : [{ name: 'Model', value: incident.model }]),
        { name: 'First', value: <Time at={incident.firstAt} as="full" /> },
        { name: 'Last', value: <Time at={incident.lastAt} as="full" /> },
        { name: 'Times', value: formatCount(incident.occurrences) },
        ...(incident.assignee === null ? [] : [{ name: 'With', value: incident.assignee }]),
      ]}
    />
  );
}

function Why({ incident }: { incident: IncidentDetail }) {
  const { verdict } = incident;
  return (
    <section aria-label="Why?" className="py-3">
      <h3 className="px-4 font-semibold">Why?</h3>
      {verdict === null ? (
        <p className="px-4 pt-1 text-ink-2">The entry holds no verdict.</p>
      ) : (
        <>
          {verdict.reason !== '' && <p className="px-4 pt-1 text-ink-2">“{verdict.reason}”</p>}
          <Facts
            items={[
              { name: 'Rule', value: <code className="font-mono text-xs">{verdict.rule}</code> },
              {
                name: 'Policy',
                value: (
                  <Link href={`/policies?view=revisions&revision=${verdict.revision}`} className={LINK}>
                    {policyName(verdict)}
                  </Link>
                ),
              },
              {
                name: 'Mode',
                value: verdict.mode === 'enforce' ? 'Enforce: carried out' : 'Monitor: recorded only',
              },
              {
                name: 'Proof',
                value: (
                  <Link href={`/events?open=${incident.deviceId}:${incident.lastSeq}`} className={LINK}>
                    Ledger entry {formatCount(incident.lastSeq)}
                  </Link>
                ),
              },
            ]}
          />
        </>
      )}
    </section>
  );
}

function Decisions({ incident }: { incident: IncidentDetail }) {
  if (incident.changes.length === 0) return null;
  return (
    <section aria-label="Decisions" className="px-4 py-3">
      <h3 className="font-semibold">{plural(incident.changes.length, 'decision')}</h3>
      <ol className="mt-2 grid gap-2">
        {incident.changes.map((change) => (
          <li key={change.at} className="border-l-2 pl-3">
            <p>
              {STATUS_WORDS[change.status]} <span className="text-ink-3">by {change.by}, </span>
              <span className="text-ink-3">
                <Time at={change.at} />
              </span>
            </p>
            {change.note !== '' && <p className="text-ink-2">{change.note}</p>}
          </li>
        ))}
      </ol>
    </section>
  );
}

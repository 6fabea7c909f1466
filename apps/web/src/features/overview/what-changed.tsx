'use client';

import type { AuditEntry, Rollout } from '@raypher/shared/rest';
import { useQuery } from '@tanstack/react-query';
import { type LucideIcon, Rocket, ScrollText, Snowflake } from 'lucide-react';
import Link from 'next/link';
import { Section } from '@/components/page-header.tsx';
import { Time } from '@/components/time.tsx';
import { SkeletonRows } from '@/components/ui/skeleton.tsx';
import { count } from '@/components/wide/rollout-status.ts';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { formatCount } from '@/lib/format/format.ts';
import { useMe } from '@/lib/me/me-provider.tsx';
import { recordWords } from '@/lib/record-words.ts';
import { joinAlike, type Tellable } from './join-alike.ts';

interface Change extends Tellable {
  id: string;
  at: string;
  icon: LucideIcon;
  href: string;
  /** Stands before the target. */
  title: string;
  note: string;
}

const SHOWN = 8;
const FETCHED = 50;

/** Deploys, freezes and other acts of administrators, newest first. */
export function WhatChanged() {
  const me = useMe();
  const mayAudit = me.permissions.includes('audit:read');
  const rollouts = useQuery({
    queryKey: keys.rollouts,
    queryFn: () => api.rollouts({ limit: 20 }),
    enabled: me.permissions.includes('policies:read'),
  });
  const filter = { limit: FETCHED };
  const audit = useQuery({
    queryKey: keys.audit(filter),
    queryFn: () => api.audit(filter),
    enabled: mayAudit,
  });
  const all = [
    ...(rollouts.data?.items ?? []).map(fromRollout),
    ...(audit.data?.items ?? []).filter(isOwnStory).map(fromAudit),
  ].sort((a, b) => b.at.localeCompare(a.at));
  const changes = joinAlike(all).slice(0, SHOWN);
  return (
    <Section
      title="What changed"
      aside={
        mayAudit && (
          <Link href="/audit" className="hover:text-ink hover:underline">
            All changes
          </Link>
        )
      }
    >
      {rollouts.isPending ? (
        <SkeletonRows rows={6} />
      ) : changes.length === 0 ? (
        <p className="px-4 py-6 text-center text-ink-3">Nobody has changed anything yet.</p>
      ) : (
        <ul className="divide-y">
          {changes.map(({ id, at, icon: Icon, href, title, target, note }) => (
            <li key={id}>
              <Link href={href} className="flex items-start gap-3 px-4 py-2 -outline-offset-2 hover:bg-hover">
                <Icon aria-hidden="true" className="mt-0.5 size-4 shrink-0 text-ink-3" />
                <span className="min-w-0 flex-1">
                  <span className="block truncate font-medium">
                    {title}
                    {target}
                  </span>
                  <span className="block truncate text-xs text-ink-3">{note}</span>
                </span>
                <span className="text-xs text-ink-3">
                  <Time at={at} />
                </span>
              </Link>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

/** Deploys and freezes are told by their rollouts; somebody signing in changed nothing. */
function isOwnStory(entry: AuditEntry): boolean {
  return !['policy.', 'freeze.', 'session.'].some((family) => entry.action.startsWith(family));
}

function fromRollout(rollout: Rollout): Change {
  const policy = rollout.kind === 'policy';
  return {
    id: rollout.id,
    at: rollout.createdAt,
    icon: policy ? Rocket : Snowflake,
    href: policy ? '/policies?view=revisions' : '/panic',
    title: '',
    target: rollout.title,
    alike: undefined,
    note: `${rollout.createdBy} · applied on ${formatCount(count(rollout, 'applied'))} of ${formatCount(rollout.devices)} · ${rollout.reason}`,
  };
}

function fromAudit(entry: AuditEntry): Change {
  return {
    id: `audit-${entry.id}`,
    at: entry.at,
    icon: ScrollText,
    href: `/audit?open=${entry.id}`,
    title: `${recordWords(entry.action)}: `,
    target: entry.target,
    alike: [entry.action, entry.actor.name, entry.reason].join('\n'),
    note: entry.reason === '' ? entry.actor.name : `${entry.actor.name} · ${entry.reason}`,
  };
}

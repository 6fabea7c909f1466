'use client';

import type { AuditEntry } from '@raypher/shared/rest';
import { Minus, Plus } from 'lucide-react';
import { Facts } from '@/components/page-header.tsx';
import { SidePanel } from '@/components/side-panel.tsx';
import { Time } from '@/components/time.tsx';
import { recordWords } from '@/lib/record-words.ts';
import { type Difference, differences } from './differences.ts';
import { policyRuleChanges } from './policy-rules.ts';

export function AuditPanel({ entry, onClose }: { entry: AuditEntry; onClose: () => void }) {
  const changes = differences(entry.before, entry.after);
  const rules = policyRuleChanges(entry.before, entry.after);
  return (
    <SidePanel
      title={recordWords(entry.action)}
      onClose={onClose}
      subtitle={<span className="truncate">{entry.target}</span>}
    >
      <div className="divide-y">
        <Facts
          items={[
            {
              name: 'Who',
              value: `${entry.actor.name} (${entry.actor.kind === 'api-token' ? 'API token' : entry.actor.kind})`,
            },
            { name: 'When', value: <Time at={entry.at} as="full" /> },
            { name: 'Why', value: entry.reason === '' ? 'no reason was asked for' : entry.reason },
            { name: 'From', value: entry.address },
            { name: 'Code', value: <code className="font-mono text-xs">{entry.action}</code> },
          ]}
        />
        {rules !== undefined && (
          <section aria-label="Rules" className="px-4 py-3">
            <h3 className="mb-2 font-semibold">Rules</h3>
            {rules.length === 0 ? (
              <p className="text-ink-3">No rule differs in effect.</p>
            ) : (
              <ul className="grid gap-3">
                {rules.map((rule) => (
                  <li key={`${rule.whose} ${rule.words}`}>
                    <p className="mb-1">
                      {rule.words} <span className="text-xs text-ink-3">{rule.whose}</span>
                    </p>
                    {(rule.before !== undefined || rule.after !== undefined) && <ChangeLines change={rule} />}
                  </li>
                ))}
              </ul>
            )}
          </section>
        )}
        <section aria-label="Before and after" className="px-4 py-3">
          <h3 className="mb-2 font-semibold">Before and after</h3>
          {changes.length === 0 ? (
            <p className="text-ink-3">No value differs.</p>
          ) : (
            <ul className="grid gap-3">
              {changes.map((change) => (
                <li key={change.path}>
                  <p className="mb-1 font-mono text-xs text-ink-3">
                    {change.path === '' ? 'value' : change.path}
                  </p>
                  <ChangeLines change={change} />
                </li>
              ))}
            </ul>
          )}
        </section>
      </div>
    </SidePanel>
  );
}

function ChangeLines({ change }: { change: Pick<Difference, 'before' | 'after'> }) {
  return (
    <div className="overflow-hidden rounded-md border font-mono text-xs leading-5">
      {change.before !== undefined && (
        <div className="flex gap-2 bg-denied-soft px-2 py-1">
          <Minus aria-label="Before" className="mt-1 size-3 shrink-0 text-denied" />
          <span className="min-w-0 break-all whitespace-pre-wrap">{change.before}</span>
        </div>
      )}
      {change.after !== undefined && (
        <div className="flex gap-2 bg-allowed-soft px-2 py-1">
          <Plus aria-label="After" className="mt-1 size-3 shrink-0 text-allowed" />
          <span className="min-w-0 break-all whitespace-pre-wrap">{change.after}</span>
        </div>
      )}
    </div>
  );
}

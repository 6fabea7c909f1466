import type { IncidentDetail } from '@raypher/shared/rest';
import Link from 'next/link';
import { Command } from '@/components/copy.tsx';

/** What would let exactly this pass, to be copied into the policy editor. Nothing applies it. */
export function PolicySnippet({ incident }: { incident: IncidentDetail }) {
  if (incident.exception === null) return null;
  return (
    <section aria-label="Exception for the policy" className="grid gap-2 px-4 py-3">
      <h3 className="font-semibold">Let it pass next time?</h3>
      <p className="text-ink-2">
        Nothing has changed yet: the rule still applies. This exception lets the same detector pass for this
        AI agent and host. Put it into the {incident.verdict?.layer} document in the{' '}
        <Link href="/policies" className="rounded-sm underline underline-offset-2">
          policy editor
        </Link>{' '}
        and deploy it.
      </p>
      <Command text={incident.exception} label="Copy the exception" />
    </section>
  );
}

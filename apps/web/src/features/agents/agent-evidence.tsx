import { ShortId } from '@/components/copy.tsx';
import { Facts } from '@/components/page-header.tsx';
import { Time } from '@/components/time.tsx';
import type { AiAgent } from './agent-types.ts';

/** Why this is an AI agent, and what identifies it. */
export function AgentEvidence({ agent }: { agent: AiAgent }) {
  return (
    <Facts
      items={[
        {
          name: 'Evidence',
          value:
            agent.evidence.length === 0 ? (
              <span className="text-ink-3">none recorded</span>
            ) : (
              <ul className="grid gap-1">
                {agent.evidence.map((line) => (
                  <li key={line}>{line}</li>
                ))}
              </ul>
            ),
        },
        { name: 'Risk', value: `${agent.risk}, seen with ${agent.confidence} confidence` },
        ...(agent.libraries.length === 0 ? [] : [{ name: 'Libraries', value: agent.libraries.join(', ') }]),
        ...(agent.models.length === 0 ? [] : [{ name: 'Models', value: agent.models.join(', ') }]),
        { name: 'User', value: agent.user },
        { name: 'Executable', value: <code className="font-mono text-xs">{agent.exePath}</code> },
        ...(agent.entryScript === ''
          ? []
          : [
              { name: 'Entry script', value: <code className="font-mono text-xs">{agent.entryScript}</code> },
            ]),
        {
          name: 'SHA-256',
          value:
            agent.exeSha256 === '' ? (
              'not readable'
            ) : (
              <ShortId id={agent.exeSha256} label="executable hash" length={16} />
            ),
        },
        {
          name: 'Seen',
          value: (
            <>
              first <Time at={agent.firstSeenAt} as="full" />, last <Time at={agent.lastSeenAt} />
            </>
          ),
        },
        { name: 'AI agent id', value: <ShortId id={agent.id} label="AI agent id" length={12} /> },
      ]}
    />
  );
}

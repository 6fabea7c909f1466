import type { ExportKind, ExportState } from '@raypher/shared/rest';
import type { Tone } from '@/components/badge.tsx';

export const EXPORT_KINDS: Record<ExportKind, string> = {
  'splunk-hec': 'Splunk (HTTP Event Collector)',
  webhook: 'Webhook, signed',
  'syslog-tls': 'Syslog over TLS',
  file: 'File of the operator',
};

interface StateWords {
  tone: Tone;
  label: string;
  /** Behind it, for people. */
  detail: string | undefined;
}

/**
 * A destination's state in words.
 *
 * @example stateWords(state).label // "Behind by 1,204"
 */
export function stateWords(state: Pick<ExportState, 'status' | 'behind' | 'failure'>): StateWords {
  const { status, behind, failure } = state;
  const count = behind.toLocaleString('en');
  const waiting = behind === 0 ? undefined : `${count} ${behind === 1 ? 'entry waits' : 'entries wait'}`;
  switch (status) {
    case 'off':
      return { tone: 'unknown', label: 'Off', detail: waiting };
    case 'idle':
      return { tone: 'allowed', label: 'Up to date', detail: undefined };
    case 'sending':
      return { tone: 'prompted', label: `Behind by ${count}`, detail: undefined };
    case 'failing':
      return { tone: 'denied', label: 'Failing', detail: [failure, waiting].filter(Boolean).join(' · ') };
  }
}

import type { CommandView } from '@raypher/shared/rest';
import { Unplug } from 'lucide-react';
import Link from 'next/link';
import { useState } from 'react';
import { ShortId } from '@/components/copy.tsx';
import { DeviceName } from '@/components/device-name.tsx';
import { GuardedButton } from '@/components/guarded-button.tsx';
import { Facts } from '@/components/page-header.tsx';
import { SidePanel } from '@/components/side-panel.tsx';
import { Time } from '@/components/time.tsx';
import { formatBytes } from '@/lib/format/format.ts';
import { callerName, targetName } from './connection-columns.tsx';
import { ConnectionCost } from './connection-cost.tsx';
import type { ShownConnection } from './connection-list.ts';
import { ConnectionState } from './connection-state.tsx';
import { Elapsed } from './elapsed.tsx';
import { KillDialog } from './kill-dialog.tsx';
import { KillResult } from './kill-result.tsx';

const LINK = 'rounded-sm underline decoration-line-strong underline-offset-2 hover:decoration-ink';

interface ConnectionPanelProps {
  row: ShownConnection;
  /** Whether its device still tells of it. */
  isTold: boolean;
  onClose: () => void;
}

/** One connection: who, where, why it may, what is said, and how to end it. */
export function ConnectionPanel({ row, isTold, onClose }: ConnectionPanelProps) {
  const [asking, setAsking] = useState(false);
  const [sent, setSent] = useState<CommandView>();
  return (
    <SidePanel
      title={targetName(row)}
      onClose={onClose}
      subtitle={
        <>
          <ConnectionState row={row} />
          <span>
            <Elapsed since={row.openedAt} until={row.endedAt} />
          </span>
          <ConnectionCost row={row} />
        </>
      }
    >
      <div className="divide-y">
        <div className="flex flex-wrap items-center gap-3 px-4 py-3">
          <GuardedButton
            needs="connections:cut"
            variant="danger"
            blockedBecause={row.endedAt === undefined ? undefined : 'This connection has ended.'}
            onClick={() => setAsking(true)}
          >
            <Unplug /> Kill
          </GuardedButton>
          {sent !== undefined && <KillResult sent={sent} />}
          {!isTold && (
            <p className="text-ink-2">Its device does not tell of it any more: this is how it was last.</p>
          )}
        </div>
        <Said title="Asked" text={row.asked} kind={row.kind} />
        <Said title="Answered" text={row.answered} kind={row.kind} />
        <Facts
          items={[
            {
              name: 'AI agent',
              value:
                row.agent === null ? (
                  callerName(row)
                ) : (
                  <Link href={`/watchtower?device=${row.deviceId}&agent=${row.agent.id}`} className={LINK}>
                    {row.agent.name}
                  </Link>
                ),
            },
            { name: 'User', value: row.agent?.user ?? '–' },
            { name: 'Process', value: row.process === null ? 'not known' : row.process.pid },
            {
              name: 'Device',
              value: (
                <Link href={`/devices/${row.deviceId}`} className={LINK}>
                  <DeviceName {...row} />
                </Link>
              ),
            },
            { name: 'To', value: `${row.host}:${row.port}` },
            { name: 'Request', value: `${row.method} ${row.path}` },
            { name: 'Provider', value: row.provider ?? '–' },
            { name: 'Model', value: row.model ?? (row.kind === 'tunnel' ? 'not read: a tunnel' : '–') },
            {
              name: 'Rule',
              value: (
                <>
                  <code className="font-mono text-xs">{row.rule}</code> ({row.layer}){' '}
                  {row.policyRevision > 0 && (
                    <Link href={`/policies?revision=${row.policyRevision}`} className={LINK}>
                      revision {row.policyRevision}
                    </Link>
                  )}
                </>
              ),
            },
            { name: 'Up', value: formatBytes(row.bytesSent) },
            { name: 'Down', value: formatBytes(row.bytesReceived) },
            { name: 'Opened', value: <Time at={row.openedAt} as="full" /> },
            { name: 'Connection', value: <ShortId id={row.id} label="connection id" /> },
          ]}
        />
        <p className="px-4 py-3 text-xs text-ink-3">
          Its entry is written to the device's ledger when it ends:{' '}
          <Link href={`/events?device=${row.deviceId}&type=network.request`} className={LINK}>
            events of this device
          </Link>
          .
        </p>
      </div>
      {asking && <KillDialog row={row} onClose={() => setAsking(false)} onSent={setSent} />}
    </SidePanel>
  );
}

interface SaidProps {
  title: string;
  /** Null: may not be seen. */
  text: string | null;
  kind: ShownConnection['kind'];
}

function Said({ title, text, kind }: SaidProps) {
  return (
    <section aria-label={title} className="px-4 py-3">
      <h3 className="mb-1 font-semibold">
        {title} <span className="text-xs font-normal text-ink-3">the beginning, masked on the device</span>
      </h3>
      {text === null ? (
        <p className="text-ink-3">Your role may not see what is said.</p>
      ) : text === '' ? (
        <p className="text-ink-3">{kind === 'tunnel' ? 'Nobody reads this tunnel.' : 'Nothing to show.'}</p>
      ) : (
        <p className="rounded-md border bg-canvas p-2 font-mono text-xs leading-5 break-words whitespace-pre-wrap">
          {text}
        </p>
      )}
    </section>
  );
}

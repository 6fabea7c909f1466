'use client';

import { OctagonX, Snowflake } from 'lucide-react';
import Link from 'next/link';
import { useState } from 'react';
import { AgentStateBadge } from '@/components/badge.tsx';
import { DeviceName } from '@/components/device-name.tsx';
import { GuardedButton } from '@/components/guarded-button.tsx';
import { SidePanel } from '@/components/side-panel.tsx';
import { Button } from '@/components/ui/button.tsx';
import { useMe } from '@/lib/me/me-provider.tsx';
import { PanicDialog } from '../panic/panic-dialog.tsx';
import { AgentEvidence } from './agent-evidence.tsx';
import { AgentProcesses } from './agent-processes.tsx';
import type { AiAgent } from './agent-types.ts';

export function AgentPanel({ agent, onClose }: { agent: AiAgent; onClose: () => void }) {
  const me = useMe();
  const freeze = freezeLink(agent);
  const [panicking, setPanicking] = useState(false);
  return (
    <SidePanel
      title={agent.name}
      onClose={onClose}
      subtitle={
        <>
          <AgentStateBadge state={agent.state} />
          <Link href={`/devices/${agent.deviceId}`} className="rounded-sm hover:underline">
            <DeviceName {...agent} />
          </Link>
        </>
      }
    >
      {agent.state !== 'gone' && (
        <div className="flex flex-wrap gap-2 border-b px-4 py-3">
          {me.permissions.includes('freezes:manage') && freeze !== undefined && (
            <Button asChild size="sm">
              <Link href={freeze.href}>
                <Snowflake /> {freeze.label}
              </Link>
            </Button>
          )}
          <GuardedButton needs="agents:panic" size="sm" variant="danger" onClick={() => setPanicking(true)}>
            <OctagonX /> Panic
          </GuardedButton>
          <Button asChild size="sm" variant="ghost">
            <Link href={`/events?device=${agent.deviceId}&agent=${agent.id}`}>Its events</Link>
          </Button>
        </div>
      )}
      <AgentEvidence agent={agent} />
      <AgentProcesses agent={agent} />
      {panicking && (
        <PanicDialog
          device={{ id: agent.deviceId, hostname: agent.hostname, connected: true }}
          agent={{ id: agent.id, name: agent.name }}
          onClose={() => setPanicking(false)}
        />
      )}
    </SidePanel>
  );
}

/** The narrowest freeze that is known to meet this AI agent. */
function freezeLink(agent: AiAgent): { href: string; label: string } | undefined {
  const [library] = agent.libraries;
  if (library !== undefined)
    return {
      href: `/panic?new=library&value=${encodeURIComponent(library)}`,
      label: `Freeze everything with ${library}`,
    };
  if (agent.exeSha256 !== '')
    return { href: `/panic?new=hash&value=${agent.exeSha256}`, label: 'Freeze this executable everywhere' };
  return undefined;
}

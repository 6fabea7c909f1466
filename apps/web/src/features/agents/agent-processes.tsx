'use client';

import { Snowflake } from 'lucide-react';
import { useState } from 'react';
import { Badge } from '@/components/badge.tsx';
import { GuardedButton } from '@/components/guarded-button.tsx';
import { formatBytes, formatShare } from '@/lib/format/format.ts';
import type { AiAgent, AiProcess } from './agent-types.ts';
import { KillDialog } from './kill-dialog.tsx';

/** The processes of an AI agent; each can be killed. */
export function AgentProcesses({ agent }: { agent: AiAgent }) {
  const [killing, setKilling] = useState<AiProcess | null>(null);
  if (agent.processes.length === 0) return null;
  return (
    <>
      <div className="overflow-x-auto border-t">
        <table className="w-full min-w-[520px]" aria-label={`Processes of ${agent.name}`}>
          <thead className="text-xs text-ink-3">
            <tr>
              <th className="px-4 py-1.5 text-left font-normal">PID</th>
              <th className="px-2 py-1.5 text-left font-normal">Command</th>
              <th className="px-2 py-1.5 text-right font-normal">Memory</th>
              <th className="px-2 py-1.5 text-right font-normal">CPU</th>
              <th className="w-20 px-4 py-1.5">
                <span className="sr-only">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {agent.processes.map((process) => (
              <tr key={`${process.pid} ${process.startTime}`} className="border-t">
                <td className="px-4 py-1.5 align-top">{process.pid}</td>
                <td className="max-w-0 px-2 py-1.5 align-top">
                  <span className="flex items-center gap-2">
                    <span className="font-medium">{process.name}</span>
                    {process.frozen && (
                      <Badge tone="frozen" icon={Snowflake}>
                        Frozen
                      </Badge>
                    )}
                  </span>
                  <code title={process.commandLine} className="block truncate font-mono text-xs text-ink-3">
                    {process.commandLine}
                  </code>
                </td>
                <td className="px-2 py-1.5 text-right align-top whitespace-nowrap">
                  {formatBytes(process.rssBytes)}
                </td>
                <td className="px-2 py-1.5 text-right align-top whitespace-nowrap">
                  {formatShare(process.cpuShare)}
                </td>
                <td className="px-4 py-1 text-right align-top">
                  <GuardedButton
                    needs="commands:send"
                    size="sm"
                    variant="ghost"
                    aria-label={`Kill process ${process.pid}`}
                    onClick={() => setKilling(process)}
                  >
                    Kill
                  </GuardedButton>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {killing !== null && <KillDialog agent={agent} process={killing} onClose={() => setKilling(null)} />}
    </>
  );
}

'use client';

import type { ArtefactKind, CreatedEnrolmentToken } from '@raypher/shared/rest';
import { useState } from 'react';
import type { z } from 'zod';
import { CopyButton } from '@/components/copy.tsx';
import { Choice } from '@/components/filter-bar.tsx';
import { Time } from '@/components/time.tsx';
import { Tabs } from '@/components/ui/tabs.tsx';
import { plural } from '@/lib/format/format.ts';
import { TARGET_ORDER, TARGETS, type Target } from './artefact-kinds.ts';
import { hideToken } from './artefact-text.ts';
import { ArtefactView } from './artefact-view.tsx';
import { RevealButton } from './reveal-button.tsx';

/** After a token was created: the ways to put it on devices. The token is in this page's memory and nowhere else. */
export function PutOnDevices({ created }: { created: z.infer<typeof CreatedEnrolmentToken> }) {
  const { enrolmentToken, token, command, server } = created;
  const [target, setTarget] = useState<Target>('this-machine');
  const [kind, setKind] = useState<ArtefactKind>('shell');
  const [revealed, setRevealed] = useState(false);
  const { kinds } = TARGETS[target];
  const choose = (next: Target): void => {
    setTarget(next);
    setKind(TARGETS[next].kinds[0]?.kind ?? 'shell');
  };
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-4">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-1 rounded-lg border bg-canvas px-3 py-2 text-xs text-ink-2">
        <span>
          for <span className="text-ink">{plural(enrolmentToken.maxUses, 'device')}</span>
        </span>
        <span>
          until <Time at={enrolmentToken.expiresAt} as="full" />
        </span>
        <span>
          team <span className="text-ink">{enrolmentToken.team?.name ?? 'none'}</span>
        </span>
        <span className="min-w-0">
          server <code className="font-mono break-all text-ink">{server}</code>
        </span>
        <span className="ml-auto flex items-center gap-1">
          <RevealButton revealed={revealed} onChange={setRevealed} />
          <CopyButton text={token} label="Copy the token" />
        </span>
      </div>
      <Tabs
        label="Ways to put it on devices"
        value={target}
        onChange={choose}
        tabs={TARGET_ORDER.map((value) => ({ value, label: TARGETS[value].label }))}
      >
        <div className="grid grid-cols-[minmax(0,1fr)] gap-3 pt-3">
          {target === 'this-machine' && (
            <OneLiner command={command} shown={revealed ? command : hideToken(command, token)} />
          )}
          {kinds.length > 1 && (
            <div className="overflow-x-auto">
              <Choice
                label="File"
                value={kind}
                options={kinds.map((option) => ({ value: option.kind, label: option.label }))}
                onChange={(next) => {
                  if (next !== '') setKind(next);
                }}
              />
            </div>
          )}
          <ArtefactView
            key={kind}
            kind={kind}
            tokenId={enrolmentToken.id}
            token={token}
            revealed={revealed}
          />
        </div>
      </Tabs>
    </div>
  );
}

function OneLiner({ command, shown }: { command: string; shown: string }) {
  return (
    <div className="grid gap-1">
      <p className="text-ink-2">Where Raypher is installed already, one command enrols the machine:</p>
      <div className="flex items-start gap-2 rounded-md border border-line-strong bg-canvas py-1.5 pr-1.5 pl-3">
        <code className="min-w-0 flex-1 py-0.5 font-mono text-xs leading-5 break-all whitespace-pre-wrap">
          {shown}
        </code>
        <CopyButton text={command} label="Copy the enrolment command" />
      </div>
      <p className="mt-2 text-ink-2">Where it is not, this script installs it first:</p>
    </div>
  );
}

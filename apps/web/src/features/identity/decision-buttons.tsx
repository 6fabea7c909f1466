'use client';

import type { Device } from '@raypher/shared/rest';
import { Ban, CircleCheck, type LucideIcon, Pause, Play } from 'lucide-react';
import { useState } from 'react';
import { GuardedButton } from '@/components/guarded-button.tsx';
import { DecideDialog } from './decide-dialog.tsx';
import { DECISIONS, type Decision } from './decisions.ts';

const ICONS: Record<Decision, LucideIcon> = {
  approve: CircleCheck,
  refuse: Ban,
  pause: Pause,
  resume: Play,
  revoke: Ban,
};

interface DecisionButtonsProps {
  device: Device;
  decisions: readonly Decision[];
  size?: 'sm' | 'md';
}

/** Buttons that each ask one question about this device. */
export function DecisionButtons({ device, decisions, size = 'md' }: DecisionButtonsProps) {
  const [open, setOpen] = useState<Decision | null>(null);
  const name = device.label ?? device.hostname;
  return (
    <>
      {decisions.map((decision) => {
        const Icon = ICONS[decision];
        return (
          <GuardedButton
            key={decision}
            needs={DECISIONS[decision].needs}
            size={size}
            aria-label={`${DECISIONS[decision].verb} ${name}`}
            onClick={(event) => {
              // Inside a row, a click is not also a wish to open the row.
              event.stopPropagation();
              setOpen(decision);
            }}
          >
            <Icon /> {DECISIONS[decision].verb}
          </GuardedButton>
        );
      })}
      {open !== null && (
        // What is clicked in the dialog bubbles through React to the row behind it.
        // biome-ignore lint/a11y/noStaticElementInteractions: stops events, offers none
        <span onClick={(event) => event.stopPropagation()} onKeyDown={(event) => event.stopPropagation()}>
          <DecideDialog device={device} decision={open} onClose={() => setOpen(null)} />
        </span>
      )}
    </>
  );
}

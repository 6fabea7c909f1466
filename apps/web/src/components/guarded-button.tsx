'use client';

import type { Permission } from '@raypher/shared/rest';
import { type ComponentProps, useId } from 'react';
import { useWhyNot } from '@/lib/me/me-provider.tsx';
import { Button } from './ui/button.tsx';
import { Tooltip } from './ui/tooltip.tsx';

interface GuardedButtonProps extends ComponentProps<typeof Button> {
  needs: Permission;
  /** Another reason why it cannot be used now. */
  blockedBecause?: string | undefined;
}

/** A button that says why it cannot be used; it stays in the tab order so that everybody can learn it. */
export function GuardedButton({ needs, blockedBecause, onClick, ...props }: GuardedButtonProps) {
  const reasonId = useId();
  const reason = useWhyNot(needs) ?? blockedBecause;
  // One element for both: a button that is unlocked or locked while it has the focus keeps it.
  return (
    <>
      <Tooltip text={reason}>
        <Button
          {...props}
          onClick={reason === undefined ? onClick : undefined}
          aria-disabled={reason === undefined ? undefined : true}
          // Also where there is none: the tooltip would name itself, and has nothing to say.
          aria-describedby={reason === undefined ? props['aria-describedby'] : reasonId}
        />
      </Tooltip>
      {reason !== undefined && (
        <span id={reasonId} hidden>
          {reason}
        </span>
      )}
    </>
  );
}

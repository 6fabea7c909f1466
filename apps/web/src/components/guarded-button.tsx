'use client';

import type { Permission } from '@raypher/shared/rest';
import type { ComponentProps } from 'react';
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
  const reason = useWhyNot(needs) ?? blockedBecause;
  if (reason === undefined) return <Button onClick={onClick} {...props} />;
  return (
    <Tooltip text={reason}>
      <Button {...props} aria-disabled="true" title={reason} />
    </Tooltip>
  );
}

'use client';

import { Tooltip as Primitive } from 'radix-ui';
import type { ReactNode } from 'react';

interface TooltipProps {
  /** Nothing is shown without one. */
  text: ReactNode | undefined;
  children: ReactNode;
  side?: 'top' | 'bottom' | 'left' | 'right';
}

/** A sentence on hover and on focus. The child must be able to take focus. */
export function Tooltip({ text, children, side = 'top' }: TooltipProps) {
  return (
    <Primitive.Root>
      <Primitive.Trigger asChild>{children}</Primitive.Trigger>
      {text !== undefined && (
        <Primitive.Portal container={landmark()}>
          <Primitive.Content
            side={side}
            sideOffset={6}
            collisionPadding={8}
            className="fade-in z-[60] max-w-80 rounded-md border border-line-strong bg-raised px-2 py-1 text-xs text-ink"
          >
            {text}
          </Primitive.Content>
        </Primitive.Portal>
      )}
    </Primitive.Root>
  );
}

/** Screen readers that go by landmarks find it there; where there is none it stands at the end of the page. */
function landmark(): HTMLElement | null {
  return typeof document === 'undefined' ? null : document.getElementById('content');
}

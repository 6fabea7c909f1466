'use client';

import { X } from 'lucide-react';
import { Dialog as Primitive } from 'radix-ui';
import { type ReactNode, useRef } from 'react';
import { cn } from '@/lib/cn.ts';

interface DialogProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  description?: ReactNode;
  children: ReactNode;
  /** Stays in view below a scrolling body. */
  footer?: ReactNode;
  width?: 'sm' | 'md' | 'lg';
}

const WIDTHS = { sm: 'max-w-md', md: 'max-w-xl', lg: 'max-w-3xl' };

/** A question in the middle of the page; keeps the focus until it is answered or dismissed with Esc. */
export function Dialog({
  open,
  onOpenChange,
  title,
  description,
  children,
  footer,
  width = 'md',
}: DialogProps) {
  const opener = useRef<Element>(null);
  return (
    <Primitive.Root open={open} onOpenChange={onOpenChange}>
      <Primitive.Portal>
        <Primitive.Overlay className="fade-in fixed inset-0 z-40 bg-[rgb(4_6_9/0.6)]" />
        <Primitive.Content
          onOpenAutoFocus={() => {
            opener.current = document.activeElement;
          }}
          onCloseAutoFocus={(event) => {
            // The library gives the focus back to its own trigger alone, and these dialogs have none.
            event.preventDefault();
            if (opener.current instanceof HTMLElement) opener.current.focus();
          }}
          className={cn(
            'fade-in fixed top-[8dvh] left-1/2 z-50 flex max-h-[84dvh] w-[calc(100vw-24px)] -translate-x-1/2 flex-col rounded-lg border border-line-strong bg-surface',
            WIDTHS[width],
          )}
        >
          <header className="border-b py-3 pr-14 pl-5">
            <div className="min-w-0">
              <Primitive.Title className="text-lg font-semibold">{title}</Primitive.Title>
              <Primitive.Description className={description === undefined ? 'sr-only' : 'mt-0.5 text-ink-2'}>
                {description ?? title}
              </Primitive.Description>
            </div>
          </header>
          <div className="min-h-0 flex-1 overflow-y-auto px-5 py-4">{children}</div>
          {footer !== undefined && (
            <footer className="flex flex-wrap items-center justify-end gap-2 border-t px-5 py-3">
              {footer}
            </footer>
          )}
          {/* Last in order, so that the first field has the focus when the dialog opens. */}
          <Primitive.Close
            className="absolute top-3 right-3 grid size-7 place-items-center rounded-md text-ink-3 hover:bg-hover hover:text-ink"
            aria-label="Close"
          >
            <X className="size-4" />
          </Primitive.Close>
        </Primitive.Content>
      </Primitive.Portal>
    </Primitive.Root>
  );
}

'use client';

import { ExternalLink, X } from 'lucide-react';
import Link from 'next/link';
import { type ReactNode, useEffect, useRef } from 'react';

interface SidePanelProps {
  title: string;
  subtitle?: ReactNode;
  onClose: () => void;
  /** The object's own page. */
  href?: string;
  children: ReactNode;
}

/**
 * Details beside a table. Not a dialog: the table stays usable and goes on changing. Esc closes it and
 * the focus goes back to the row.
 */
export function SidePanel({ title, subtitle, onClose, href, children }: SidePanelProps) {
  const panel = useRef<HTMLElement>(null);
  const close = useRef(onClose);
  useEffect(() => {
    close.current = onClose;
  });
  useEffect(() => {
    const opener = document.activeElement;
    const onKey = (event: KeyboardEvent): void => {
      // An open dialog or menu takes Esc first.
      if (
        event.key !== 'Escape' ||
        event.defaultPrevented ||
        document.querySelector('[role="dialog"],[role="menu"]') !== null
      )
        return;
      close.current();
    };
    window.addEventListener('keydown', onKey);
    return () => {
      window.removeEventListener('keydown', onKey);
      if (opener instanceof HTMLElement && panel.current?.contains(document.activeElement) === true)
        opener.focus();
    };
  }, []);
  return (
    <aside
      ref={panel}
      aria-label={title}
      className="slide-in fixed inset-0 top-12 z-30 flex flex-col overflow-hidden border-l bg-surface md:static md:z-auto md:w-[420px] md:shrink-0 xl:w-[480px]"
    >
      <header className="flex items-start gap-2 border-b px-4 py-3">
        <div className="min-w-0 flex-1">
          <h2 className="truncate text-base font-semibold">{title}</h2>
          {subtitle !== undefined && (
            <div className="mt-1 flex flex-wrap items-center gap-2 text-ink-2">{subtitle}</div>
          )}
        </div>
        {href !== undefined && (
          <Link
            href={href}
            className="inline-flex h-7 items-center gap-1.5 rounded-md px-2 text-xs font-medium text-ink-2 hover:bg-hover hover:text-ink"
          >
            <ExternalLink aria-hidden="true" className="size-3.5" /> Open page
          </Link>
        )}
        <button
          type="button"
          onClick={onClose}
          aria-label="Close panel"
          className="grid size-7 place-items-center rounded-md text-ink-3 hover:bg-hover hover:text-ink"
        >
          <X className="size-4" />
        </button>
      </header>
      <div className="min-h-0 flex-1 overflow-y-auto">{children}</div>
    </aside>
  );
}

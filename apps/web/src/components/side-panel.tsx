'use client';

import { ExternalLink, X } from 'lucide-react';
import Link from 'next/link';
import { type ReactNode, type RefObject, useEffect, useLayoutEffect, useRef } from 'react';
import { useNarrow } from '@/lib/use-narrow.ts';

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
 * the focus goes back to the row. In a narrow window it covers the page and takes the focus.
 */
export function SidePanel({ title, subtitle, onClose, href, children }: SidePanelProps) {
  const panel = useRef<HTMLElement>(null);
  const close = useRef(onClose);
  useEffect(() => {
    close.current = onClose;
  });
  useEffect(() => {
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
    return () => window.removeEventListener('keydown', onKey);
  }, []);
  // In this order: who opened it, before it takes the focus; and given back once that can be reached again.
  const opener = useRef<Element>(null);
  useLayoutEffect(() => {
    opener.current = document.activeElement;
  }, []);
  useCoverage(panel);
  useLayoutEffect(() => {
    // While it is taken away it still has the focus, which is lost once it is gone.
    const { current } = panel;
    return () => {
      if (opener.current instanceof HTMLElement && current?.contains(document.activeElement) === true)
        opener.current.focus();
    };
  }, []);
  return (
    <aside
      ref={panel}
      aria-label={title}
      tabIndex={-1}
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
      <section
        aria-label="Details"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard (WCAG 2.1.1)
        tabIndex={0}
        className="min-h-0 flex-1 overflow-y-auto -outline-offset-2"
      >
        {children}
      </section>
    </aside>
  );
}

/** What a panel covers cannot be reached: the focus would be where nobody sees it (WCAG 2.4.11). */
function useCoverage(panel: RefObject<HTMLElement | null>): void {
  const narrow = useNarrow();
  useLayoutEffect(() => {
    if (!narrow || panel.current === null) return undefined;
    const covered = coveredBy(panel.current);
    for (const element of covered) element.setAttribute('inert', '');
    panel.current.focus();
    return () => {
      for (const element of covered) element.removeAttribute('inert');
    };
  }, [narrow, panel]);
}

/** Everything of the page's content but the panel and what it is in. */
function coveredBy(panel: HTMLElement): Element[] {
  const covered: Element[] = [];
  let inner: Element = panel;
  while (inner.id !== 'content' && inner.parentElement !== null) {
    const keep = inner;
    covered.push(...[...inner.parentElement.children].filter((element) => element !== keep));
    inner = inner.parentElement;
  }
  return covered;
}

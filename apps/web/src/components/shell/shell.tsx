'use client';

import { Menu as MenuIcon, Search } from 'lucide-react';
import { usePathname } from 'next/navigation';
import { Dialog as Primitive } from 'radix-ui';
import { type ReactNode, useEffect, useState } from 'react';
import { LiveProvider } from '@/lib/live/live-provider.tsx';
import { AccountMenu } from './account-menu.tsx';
import { AnnouncerProvider } from './announcer.tsx';
import { FreezeBanner } from './freeze-banner.tsx';
import { LiveIndicator } from './live-indicator.tsx';
import { isCurrent, NAVIGATION } from './navigation.ts';
import { Palette } from './palette.tsx';
import { Sidebar } from './sidebar.tsx';

/** What surrounds every signed-in page. */
export function Shell({ children }: { children: ReactNode }) {
  const [paletteOpen, setPaletteOpen] = useState(false);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key.toLowerCase() !== 'k' || !(event.metaKey || event.ctrlKey)) return;
      event.preventDefault();
      setPaletteOpen((open) => !open);
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, []);
  return (
    <LiveProvider>
      <AnnouncerProvider>
        <a
          href="#content"
          className="sr-only focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-[80] focus:rounded-md focus:bg-accent-solid focus:px-3 focus:py-2 focus:text-white"
        >
          Skip to content
        </a>
        <div className="grid h-dvh grid-cols-[minmax(0,1fr)] lg:grid-cols-[208px_minmax(0,1fr)]">
          <div className="hidden border-r bg-surface lg:block">
            <Sidebar />
          </div>
          <div className="flex min-h-0 min-w-0 flex-col">
            <TopBar openPalette={() => setPaletteOpen(true)} />
            <FreezeBanner />
            <main
              id="content"
              // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard (WCAG 2.1.1), a page without a control too
              tabIndex={0}
              className="flex min-h-0 flex-1 flex-col overflow-y-auto -outline-offset-2"
            >
              {children}
            </main>
          </div>
        </div>
        <Palette open={paletteOpen} onOpenChange={setPaletteOpen} />
      </AnnouncerProvider>
    </LiveProvider>
  );
}

function TopBar({ openPalette }: { openPalette: () => void }) {
  const path = usePathname();
  const current = NAVIGATION.flatMap(({ items }) => items).find((item) => isCurrent(item.href, path));
  return (
    <header className="flex h-12 shrink-0 items-center gap-2 border-b bg-surface px-3 lg:px-4">
      <MobileNavigation />
      <span className="min-w-0 flex-1 truncate font-medium text-ink-2 lg:invisible">{current?.label}</span>
      <button
        type="button"
        onClick={openPalette}
        className="inline-flex h-7 items-center gap-2 rounded-md border bg-canvas px-2 text-xs text-ink-3 hover:border-line-strong hover:text-ink-2"
        aria-label="Find anything"
        aria-keyshortcuts="Control+K Meta+K"
      >
        <Search aria-hidden="true" className="size-3.5" />
        <span className="hidden sm:inline">Find anything</span>
        <kbd className="hidden rounded-sm border px-1 font-sans text-xs sm:inline">⌘K</kbd>
      </button>
      <LiveIndicator />
      <AccountMenu />
    </header>
  );
}

function MobileNavigation() {
  const [open, setOpen] = useState(false);
  return (
    <Primitive.Root open={open} onOpenChange={setOpen}>
      <Primitive.Trigger
        aria-label="Open navigation"
        className="grid size-8 place-items-center rounded-md text-ink-2 hover:bg-hover lg:hidden"
      >
        <MenuIcon className="size-4" />
      </Primitive.Trigger>
      <Primitive.Portal>
        <Primitive.Overlay className="fade-in fixed inset-0 z-40 bg-[rgb(4_6_9/0.6)]" />
        <Primitive.Content
          className="fixed inset-y-0 left-0 z-50 w-64 border-r bg-surface"
          aria-describedby={undefined}
        >
          <Primitive.Title className="sr-only">Navigation</Primitive.Title>
          <Sidebar onNavigate={() => setOpen(false)} />
        </Primitive.Content>
      </Primitive.Portal>
    </Primitive.Root>
  );
}

'use client';

import { createAuthClient } from 'better-auth/client';
import { LogOut, Monitor, Moon, Sun } from 'lucide-react';
import { useMe } from '@/lib/me/me-provider.tsx';
import { THEME_COOKIE, type Theme } from '@/lib/theme.ts';
import { Button } from '../ui/button.tsx';
import { Menu } from '../ui/menu.tsx';
import { useToast } from '../ui/toast.tsx';

export function AccountMenu() {
  const me = useMe();
  const toast = useToast();
  const signOut = async (): Promise<void> => {
    const { error } = await createAuthClient().signOut();
    if (error === null) window.location.assign('/sign-in');
    else
      toast.failed(
        'You are still signed in',
        error.message ?? 'The control plane did not answer. Try again.',
      );
  };
  return (
    <Menu
      trigger={
        <Button
          variant="ghost"
          size="icon"
          aria-label="Account"
          className="rounded-full border-line-strong bg-raised text-xs"
        >
          {initials(me.name)}
        </Button>
      }
      header={
        <>
          <div className="font-medium">{me.name}</div>
          <div className="text-xs text-ink-3">
            {me.email} · {me.role}
          </div>
        </>
      }
      items={[
        { label: 'Dark', icon: <Moon />, onSelect: () => setTheme('dark') },
        { label: 'Light', icon: <Sun />, onSelect: () => setTheme('light') },
        { label: 'As the system', icon: <Monitor />, onSelect: () => setTheme('system') },
        { label: 'Sign out', icon: <LogOut />, onSelect: () => void signOut() },
      ]}
    />
  );
}

function initials(name: string): string {
  return name
    .split(/\s+/)
    .slice(0, 2)
    .map((word) => word.charAt(0).toUpperCase())
    .join('');
}

/** Changes the page at once and remembers it for a year. */
export function setTheme(theme: Theme): void {
  document.documentElement.dataset.theme = theme;
  // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is missing in Firefox and Safari
  document.cookie = `${THEME_COOKIE}=${theme}; path=/; max-age=31536000; samesite=lax`;
}

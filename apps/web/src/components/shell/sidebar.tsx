'use client';

import Link from 'next/link';
import { usePathname } from 'next/navigation';
import { cn } from '@/lib/cn.ts';
import { useMe } from '@/lib/me/me-provider.tsx';
import { Mark } from './mark.tsx';
import { isCurrent, NAVIGATION } from './navigation.ts';
import { NavigationCount } from './navigation-count.tsx';

/** The pages this person may open. */
export function Sidebar({ onNavigate = () => undefined }: { onNavigate?: () => void }) {
  const path = usePathname();
  const me = useMe();
  return (
    <nav aria-label="Main" className="flex h-full flex-col gap-4 overflow-y-auto px-2 py-3">
      <Link href="/" onClick={onNavigate} className="flex items-center gap-2 rounded-md px-2 py-1">
        <Mark className="size-5 text-accent" />
        <span className="min-w-0">
          <span className="block text-base leading-5 font-semibold">Raypher</span>
          <span className="block truncate text-xs leading-4 text-ink-3">{me.organisation.name}</span>
        </span>
      </Link>
      {NAVIGATION.map(({ group, items }) => {
        const visible = items.filter((item) => me.permissions.includes(item.needs));
        if (visible.length === 0) return null;
        return (
          <div key={group}>
            <h2 className="px-2 pb-1 text-xs text-ink-3">{group}</h2>
            <ul className="grid gap-px">
              {visible.map((item) => {
                const current = isCurrent(item.href, path);
                return (
                  <li key={item.href}>
                    <Link
                      href={item.href}
                      onClick={onNavigate}
                      aria-current={current ? 'page' : undefined}
                      className={cn(
                        'flex h-8 items-center gap-2.5 rounded-md px-2 font-medium text-ink-2 hover:bg-hover hover:text-ink',
                        current && 'bg-raised text-ink',
                      )}
                    >
                      <item.icon
                        aria-hidden="true"
                        className={cn('size-4 shrink-0 text-ink-3', current && 'text-accent')}
                      />
                      {item.label}
                      {item.counts === 'approvals' && <NavigationCount />}
                    </Link>
                  </li>
                );
              })}
            </ul>
          </div>
        );
      })}
    </nav>
  );
}

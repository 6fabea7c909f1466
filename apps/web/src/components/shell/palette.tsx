'use client';

import type { Device } from '@raypher/shared/rest';
import { useQuery } from '@tanstack/react-query';
import { Command } from 'cmdk';
import {
  Fingerprint,
  Hourglass,
  KeyRound,
  MonitorSmartphone,
  Moon,
  Rocket,
  Snowflake,
  SquarePlus,
  Sun,
} from 'lucide-react';
import { usePathname, useRouter } from 'next/navigation';
import { type ReactNode, useDeferredValue, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { DeviceName } from '@/components/device-name.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { useMe } from '@/lib/me/me-provider.tsx';
import { setTheme } from './account-menu.tsx';
import { NAVIGATION } from './navigation.ts';
import { paletteScore } from './palette-score.ts';

interface PaletteProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

const DEVICE_PAGE = /^\/devices\/[^/]+$/;
const GROUP =
  '[&_[cmdk-group-heading]]:px-3 [&_[cmdk-group-heading]]:pt-2 [&_[cmdk-group-heading]]:pb-1 [&_[cmdk-group-heading]]:text-xs [&_[cmdk-group-heading]]:text-ink-3';

/** ⌘K: any page, any device, any action this person may do. */
export function Palette({ open, onOpenChange }: PaletteProps) {
  const router = useRouter();
  const me = useMe();
  const device = DEVICE_PAGE.exec(usePathname())?.[0];
  const [text, setText] = useState('');
  const search = useDeferredValue(text.trim());
  const filter = { search, limit: 8 };
  const devices = useQuery({
    queryKey: keys.devices(filter),
    queryFn: () => api.devices(filter),
    enabled: open && search.length >= 2 && me.permissions.includes('devices:read'),
  });

  const opener = useRef<Element>(null);
  // Before the field takes the focus, and after it gave it up: a shortcut has no button that the library could return to.
  useLayoutEffect(() => {
    if (open) opener.current = document.activeElement;
  }, [open]);
  useEffect(() => {
    if (open) return;
    setText('');
    if (opener.current instanceof HTMLElement && opener.current.isConnected) opener.current.focus();
    opener.current = null;
  }, [open]);

  const run = (action: () => void) => () => {
    onOpenChange(false);
    action();
  };
  const go = (href: string) => run(() => router.push(href));

  return (
    <Command.Dialog
      open={open}
      onOpenChange={onOpenChange}
      label="Find anything"
      filter={paletteScore}
      loop
      overlayClassName="fade-in fixed inset-0 z-40 bg-[rgb(4_6_9/0.6)]"
      contentClassName="fade-in fixed top-[12dvh] left-1/2 z-50 w-[calc(100vw-24px)] max-w-xl -translate-x-1/2 overflow-hidden rounded-lg border border-line-strong bg-surface"
    >
      <Command.Input
        value={text}
        onValueChange={setText}
        placeholder="Find a page, a device, an action"
        className="h-11 w-full border-b bg-transparent px-4 text-base outline-none placeholder:text-ink-3"
      />
      <Command.List className="max-h-[56dvh] overflow-y-auto p-1">
        <Command.Empty className="px-3 py-6 text-center text-ink-3">Nothing found.</Command.Empty>
        <Command.Group heading="Actions" className={GROUP}>
          {me.permissions.includes('policies:deploy') && (
            <Item icon={<Rocket />} words="deploy global policy publish" onSelect={go('/policies')}>
              Edit and deploy a policy
            </Item>
          )}
          {me.permissions.includes('freezes:manage') && (
            <Item icon={<Snowflake />} words="panic freeze stop emergency" onSelect={go('/panic?new=all')}>
              Freeze AI agents
            </Item>
          )}
          {me.permissions.includes('enrolment-tokens:manage') && (
            <Item icon={<SquarePlus />} words="enrol token install rollout" onSelect={go('/rollout?new=1')}>
              Add a device
            </Item>
          )}
          {me.permissions.includes('devices:manage') && (
            <Item
              icon={<Hourglass />}
              words="approve pending waiting admit refuse"
              onSelect={go('/devices?state=pending')}
            >
              Approve waiting devices
            </Item>
          )}
          {me.permissions.includes('settings:read') && (
            <Item
              icon={<Fingerprint />}
              words="admission identity class tpm roots trust"
              onSelect={go('/settings?tab=identity')}
            >
              Identity settings and TPM roots
            </Item>
          )}
          {device !== undefined && me.permissions.includes('secrets:push') && (
            <Item
              icon={<KeyRound />}
              words="secret api key vault seal push"
              onSelect={go(`${device}?push=1`)}
            >
              Push a sealed key to this device
            </Item>
          )}
          <Item icon={<Moon />} words="theme dark" onSelect={run(() => setTheme('dark'))}>
            Dark theme
          </Item>
          <Item icon={<Sun />} words="theme light" onSelect={run(() => setTheme('light'))}>
            Light theme
          </Item>
        </Command.Group>
        <Command.Group heading="Pages" className={GROUP}>
          {NAVIGATION.flatMap(({ items }) => items)
            .filter((item) => me.permissions.includes(item.needs))
            .map((item) => (
              <Item key={item.href} icon={<item.icon />} words={item.words} onSelect={go(item.href)}>
                {item.label}
              </Item>
            ))}
        </Command.Group>
        {devices.data !== undefined && devices.data.items.length > 0 && (
          <Command.Group heading="Devices" className={GROUP}>
            {devices.data.items.map((device) => (
              <Item
                key={device.id}
                value={device.id}
                icon={<MonitorSmartphone />}
                words={`${device.hostname} ${device.id} ${search}`}
                onSelect={go(`/devices/${device.id}`)}
              >
                <DeviceName hostname={device.label ?? device.hostname} simulated={device.simulated} />
                <span className="ml-auto text-xs text-ink-3">{stateOf(device)}</span>
              </Item>
            ))}
          </Command.Group>
        )}
      </Command.List>
    </Command.Dialog>
  );
}

function stateOf(device: Device): string {
  if (device.status !== 'active') return device.status.charAt(0).toUpperCase() + device.status.slice(1);
  return device.connected ? 'Connected' : 'Disconnected';
}

interface ItemProps {
  icon: ReactNode;
  /** More words that find it. */
  words: string;
  /** Its identity where two could read the same. */
  value?: string;
  onSelect: () => void;
  children: ReactNode;
}

function Item({ icon, words, value, onSelect, children }: ItemProps) {
  return (
    <Command.Item
      {...(value === undefined ? {} : { value })}
      keywords={words.split(' ')}
      onSelect={onSelect}
      className="flex h-9 cursor-pointer items-center gap-2.5 rounded-md px-3 data-[selected=true]:bg-raised [&_svg]:size-4 [&_svg]:text-ink-3"
    >
      {icon}
      {children}
    </Command.Item>
  );
}

import type { Permission } from '@raypher/shared/rest';
import {
  Activity,
  Bot,
  Gauge,
  Link2,
  type LucideIcon,
  MessageCircleQuestion,
  MonitorSmartphone,
  ScrollText,
  Settings,
  ShieldAlert,
  ShieldCheck,
  Siren,
  SquarePlus,
  TowerControl,
  Wallet,
} from 'lucide-react';

export interface NavigationItem {
  href: string;
  label: string;
  icon: LucideIcon;
  needs: Permission;
  /** More words that find the page in the palette. */
  words: string;
  /** Shows how many questions wait. */
  counts?: 'approvals';
}

/** Every page there is; nothing is listed before it exists. */
export const NAVIGATION: { group: string; items: NavigationItem[] }[] = [
  {
    group: 'Now',
    items: [
      { href: '/', label: 'Overview', icon: Gauge, needs: 'overview:read', words: 'home posture status' },
      {
        href: '/watchtower',
        label: 'Watchtower',
        icon: TowerControl,
        needs: 'connections:read',
        words: 'live connections traffic streams kill cut now',
      },
      {
        href: '/events',
        label: 'Events',
        icon: Activity,
        needs: 'events:read',
        words: 'live log verdicts ledger why',
      },
      {
        href: '/incidents',
        label: 'Incidents',
        icon: ShieldAlert,
        needs: 'incidents:read',
        words: 'dlp sensitive data leak secrets keys findings',
      },
      {
        href: '/approvals',
        label: 'Approvals',
        icon: MessageCircleQuestion,
        needs: 'approvals:read',
        words: 'prompt allow deny questions four eyes waiting',
        counts: 'approvals',
      },
      {
        href: '/panic',
        label: 'Panic Center',
        icon: Siren,
        needs: 'freezes:read',
        words: 'freeze thaw stop emergency',
      },
    ],
  },
  {
    group: 'Fleet',
    items: [
      {
        href: '/devices',
        label: 'Devices',
        icon: MonitorSmartphone,
        needs: 'devices:read',
        words: 'machines laptops servers',
      },
      { href: '/agents', label: 'AI agents', icon: Bot, needs: 'agents:read', words: 'inventory processes' },
      {
        href: '/rollout',
        label: 'Add devices',
        icon: SquarePlus,
        needs: 'enrolment-tokens:read',
        words: 'rollout enrolment token install',
      },
    ],
  },
  {
    group: 'Govern',
    items: [
      {
        href: '/policies',
        label: 'Policies',
        icon: ShieldCheck,
        needs: 'policies:read',
        words: 'rules deploy rollback yaml',
      },
      {
        href: '/spend',
        label: 'Spend',
        icon: Wallet,
        needs: 'spend:read',
        words: 'cost money budgets limits tokens prices usage',
      },
      {
        href: '/audit',
        label: 'Audit',
        icon: ScrollText,
        needs: 'audit:read',
        words: 'administrators changes before after',
      },
      {
        href: '/ledger',
        label: 'Ledger',
        icon: Link2,
        needs: 'ledger:read',
        words: 'record verify proof checkpoint merkle integrity export auditor tamper',
      },
      {
        href: '/settings',
        label: 'Settings',
        icon: Settings,
        needs: 'teams:read',
        words: 'members roles teams api tokens identity admission tpm roots',
      },
    ],
  },
];

/** The page a path belongs to: itself or the one it lies under. */
export function isCurrent(href: string, path: string): boolean {
  return href === '/' ? path === '/' : path === href || path.startsWith(`${href}/`);
}

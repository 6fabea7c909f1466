import type { ArtefactKind } from '@raypher/shared/rest';

export type Target = 'this-machine' | 'cloud-init' | 'intune' | 'jamf' | 'kandji';

interface TargetWords {
  label: string;
  kinds: readonly { kind: ArtefactKind; label: string }[];
}

/** Ways to put a token on devices, with the files each of them takes. */
export const TARGETS: Record<Target, TargetWords> = {
  'this-machine': { label: 'This machine, shell', kinds: [{ kind: 'shell', label: 'Install script' }] },
  'cloud-init': { label: 'cloud-init', kinds: [{ kind: 'cloud-init', label: 'User data' }] },
  intune: {
    label: 'Intune',
    kinds: [
      { kind: 'intune-windows-install', label: 'Windows: install' },
      { kind: 'intune-windows-detect', label: 'Windows: detect' },
      { kind: 'intune-linux-install', label: 'Linux: install' },
      { kind: 'intune-linux-detect', label: 'Linux: detect' },
    ],
  },
  jamf: {
    label: 'Jamf',
    kinds: [
      { kind: 'jamf-profile', label: 'Profile' },
      { kind: 'jamf-script', label: 'Script' },
    ],
  },
  kandji: {
    label: 'Kandji / Iru',
    kinds: [
      { kind: 'kandji-audit', label: 'Audit script' },
      { kind: 'kandji-install', label: 'Install script' },
    ],
  },
};

export const TARGET_ORDER: readonly Target[] = ['this-machine', 'cloud-init', 'intune', 'jamf', 'kandji'];

import type { IdentityClass } from '@raypher/shared/rest';
import type { LucideIcon } from 'lucide-react';
import { Cloud, Cpu, FileKey, ShieldQuestion } from 'lucide-react';
import type { Tone } from '@/components/badge.tsx';

interface IdentityWords {
  label: string;
  /** Where the label does not fit. */
  short: string;
  tone: Tone;
  icon: LucideIcon;
  meaning: string;
  /** What it protects from and what not. */
  protects: string;
}

/** What a device's identity rests on, in words. Weaker than hardware is always said. */
export const IDENTITY: Record<IdentityClass, IdentityWords> = {
  hardware: {
    label: 'Hardware identity',
    short: 'Hardware',
    tone: 'allowed',
    icon: Cpu,
    meaning: 'The key lives in a TPM of a known maker and cannot be copied.',
    protects:
      "The chip's certificate leads to a maker's root that is pinned here. A stolen disk, a cloned machine and a copied data folder cannot act as this device.",
  },
  virtual: {
    label: 'Virtual TPM identity',
    short: 'Virtual TPM',
    tone: 'prompted',
    icon: Cloud,
    meaning: 'The key lives in a virtual TPM: whoever runs the host could copy it.',
    protects:
      'Nobody inside the machine can copy the key. Whoever runs the host, such as a cloud provider or a hypervisor’s administrator, could copy the TPM together with the machine.',
  },
  unverified: {
    label: 'Unverified TPM identity',
    short: 'Unverified TPM',
    tone: 'prompted',
    icon: ShieldQuestion,
    meaning: 'The key lives in a TPM whose maker could not be verified.',
    protects:
      'The device proved that its key lives in something that behaves like a TPM. Nobody whose root is pinned here vouches that it is a chip and not a program.',
  },
  software: {
    label: 'Software identity',
    short: 'Software',
    tone: 'prompted',
    icon: FileKey,
    meaning: 'The key is a file on the machine: an administrator of the machine could copy it.',
    protects:
      'Other users of the machine cannot read the key. Somebody with administrator rights, or with the disk, can copy it; two machines that use one key in turn are noticed and paused, a copy that waits is not.',
  },
};

/** Strongest first, as they are listed everywhere. */
export const IDENTITY_CLASSES: readonly IdentityClass[] = ['hardware', 'virtual', 'unverified', 'software'];

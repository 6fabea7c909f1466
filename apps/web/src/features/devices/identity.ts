import type { Device } from '@raypher/shared/rest';
import type { Tone } from '@/components/badge.tsx';

/** What a device's identity rests on, in words. Weaker than hardware is always said. */
export const IDENTITY: Record<Device['identityClass'], { label: string; tone: Tone; meaning: string }> = {
  hardware: {
    label: 'Hardware identity',
    tone: 'allowed',
    meaning: 'The key lives in a TPM of a known maker and cannot be copied.',
  },
  virtual: {
    label: 'Virtual TPM identity',
    tone: 'prompted',
    meaning: 'The key lives in a virtual TPM: whoever runs the host could copy it.',
  },
  unverified: {
    label: 'Unverified TPM identity',
    tone: 'prompted',
    meaning: 'The key lives in a TPM whose maker could not be verified.',
  },
  software: {
    label: 'Software identity',
    tone: 'prompted',
    meaning: 'The key is a file on the machine: an administrator of the machine could copy it.',
  },
};

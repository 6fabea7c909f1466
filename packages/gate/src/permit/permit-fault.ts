/** Why a permit does not count, for the person who reads the record. */
export const PERMIT_FAULTS = {
  'permit/malformed': 'It is not a permit.',
  'permit/unknown-key': 'It was signed with a key that this gate does not have (any more).',
  'permit/forged': 'Its signature is wrong.',
  'permit/key-not-valid': 'Its key did not sign at the time it bears.',
  'permit/before-start': 'It is older than this gate, or than the policy in force.',
  'permit/not-yet-valid': 'It comes from the future.',
  'permit/lifetime': 'It lives longer than permits may.',
  'permit/expired': 'It has expired.',
  'permit/other-action': 'It is for another action.',
  'permit/other-subject': 'It is for another process or user.',
  'permit/other-verdict': 'The policy now answers differently from what it stands on.',
  'permit/used': 'It has been used as often as it may be.',
  'permit/memory-full': 'Too many permits are in use to know whether this one was; it is refused.',
} as const;
export type PermitFault = keyof typeof PERMIT_FAULTS;

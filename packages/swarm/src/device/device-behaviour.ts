/** How well simulated devices behave. Probabilities are 0..1; whoever sets nothing gets {@link GOOD_BEHAVIOUR}. */
export interface DeviceBehaviour {
  applyDelayMs: Range;
  applyFailure: number;
  lingerMs: Range;
  readDelayMs: Range;
  duplicateBatch: number;
  resendEarlier: number;
  cutAfterBatch: number;
  badBatch: number;
  dropPerMinute: number;
  hangPerMinute: number;
  clockSkewMs: number;
  clockDrift: number;
  protocol: ProtocolAge;
}

/** Evenly spread between the two. */
export type Range = readonly [least: number, most: number];

export const PROTOCOL_AGES = ['current', 'fewer-fields', 'version-0', 'version-2'] as const;
/**
 * `fewer-fields` is an older agent of the same protocol: it knows nothing of sessions, capabilities, posture and vault
 * keys. The other two speak another version.
 */
export type ProtocolAge = (typeof PROTOCOL_AGES)[number];

/** What a value is made of: `range` is `A` or `A-B`, `share` is 0..1, `amount` is any number from 0 on. */
type Kind = 'range' | 'share' | 'amount' | 'protocol';

interface Trait<Value> {
  /** On the command line. */
  flag: string;
  kind: Kind;
  about: string;
  usual: Value;
}

const NOW: Range = [0, 0];

/** Everything in which devices may differ. The command line and its help are made of this table. */
export const TRAITS: { readonly [Name in keyof DeviceBehaviour]: Trait<DeviceBehaviour[Name]> } = {
  applyDelayMs: {
    flag: 'apply-delay-ms',
    kind: 'range',
    about: 'how long the simulated enforcers need',
    usual: NOW,
  },
  applyFailure: {
    flag: 'apply-failure',
    kind: 'share',
    about: 'an enforcer fails: the device answers REJECTED',
    usual: 0,
  },
  lingerMs: {
    flag: 'linger-ms',
    kind: 'range',
    about: 'how long an event may wait for others before it is sent',
    usual: NOW,
  },
  readDelayMs: {
    flag: 'read-delay-ms',
    kind: 'range',
    about: 'a slow reader: pauses so long after every message',
    usual: NOW,
  },
  duplicateBatch: { flag: 'duplicate-batch', kind: 'share', about: 'a batch is sent twice', usual: 0 },
  resendEarlier: {
    flag: 'resend-earlier',
    kind: 'share',
    about: 'after a batch the one before it is sent again',
    usual: 0,
  },
  cutAfterBatch: {
    flag: 'cut-after-batch',
    kind: 'share',
    about: 'the connection breaks while a batch is under way',
    usual: 0,
  },
  badBatch: {
    flag: 'bad-batch',
    kind: 'share',
    about: 'the signature of a batch does not hold, and that was it for the device',
    usual: 0,
  },
  dropPerMinute: {
    flag: 'drop-per-minute',
    kind: 'amount',
    about: 'connections that break, per device and minute',
    usual: 0,
  },
  hangPerMinute: {
    flag: 'hang-per-minute',
    kind: 'amount',
    about: 'connections left open and silent while the device dials anew, per device and minute',
    usual: 0,
  },
  clockSkewMs: {
    flag: 'clock-skew-ms',
    kind: 'amount',
    about: 'clocks are wrong by up to this much, either way',
    usual: 0,
  },
  clockDrift: {
    flag: 'clock-drift',
    kind: 'amount',
    about: 'clocks gain or lose up to so many seconds per second',
    usual: 0,
  },
  protocol: {
    flag: 'protocol',
    kind: 'protocol',
    about: `one of ${PROTOCOL_AGES.join(', ')}`,
    usual: 'current',
  },
};

/** The names of {@link TRAITS}, in its order. */
// Object.keys forgets what it was given; the table above has exactly these keys.
export const TRAIT_NAMES = Object.keys(TRAITS) as (keyof DeviceBehaviour)[];

// fromEntries forgets which value belongs to which key; each comes from the row of its own name.
export const GOOD_BEHAVIOUR = Object.fromEntries(
  TRAIT_NAMES.map((name) => [name, TRAITS[name].usual]),
) as unknown as DeviceBehaviour;

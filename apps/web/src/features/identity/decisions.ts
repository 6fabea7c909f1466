import type { Permission } from '@raypher/shared/rest';

export type Decision = 'approve' | 'refuse' | 'pause' | 'resume' | 'revoke';

interface DecisionWords {
  /** On the button that opens the question. */
  verb: string;
  /** Completed by the device's name. */
  title: string;
  needs: Permission;
  consequence: string;
  confirm: string;
  cancel: string;
  done: string;
  doneDetail: string;
  placeholder: string;
  danger: boolean;
}

/** What a person can decide about a device's identity, and what follows from it. */
export const DECISIONS: Record<Decision, DecisionWords> = {
  approve: {
    verb: 'Approve',
    title: 'Approve',
    needs: 'devices:manage',
    consequence:
      'The device may connect from now on. It receives the policy of its team and every freeze in force. If it is running, it tries again within 15 seconds.',
    confirm: 'Approve device',
    cancel: 'Decide later',
    done: 'is approved',
    doneDetail: 'If it is running, it connects within 15 seconds.',
    placeholder: 'New laptop of the design team, asset 1042',
    danger: false,
  },
  refuse: {
    verb: 'Refuse',
    title: 'Refuse',
    needs: 'devices:revoke',
    consequence:
      'The device is revoked: its certificate is refused for good and it never connects. To come back it must enrol again with a token. Nothing that runs on it is touched.',
    confirm: 'Refuse device',
    cancel: 'Decide later',
    done: 'is refused',
    doneDetail: 'Its certificate is refused from now on.',
    placeholder: 'Nobody here knows this machine',
    danger: true,
  },
  pause: {
    verb: 'Pause',
    title: 'Pause',
    needs: 'devices:manage',
    consequence:
      'The device is disconnected within a second and may not connect until it is resumed. It keeps enforcing its last policy; deploys, freezes and commands reach it only after that.',
    confirm: 'Pause device',
    cancel: 'Leave it connected',
    done: 'is paused',
    doneDetail: 'It may not connect until it is resumed.',
    placeholder: 'Somebody else has the machine, checking with the owner',
    danger: false,
  },
  resume: {
    verb: 'Resume',
    title: 'Resume',
    needs: 'devices:manage',
    consequence:
      'The device may connect again, and what was seen of its earlier boots is forgotten: whichever machine connects first counts as the real one. Resume only when you know which machine that is. If both are still running, it is paused again.',
    confirm: 'Resume device',
    cancel: 'Keep it paused',
    done: 'is resumed',
    doneDetail: 'If it is running, it connects within 90 seconds.',
    placeholder: 'Restored from a backup on purpose, the old machine is switched off',
    danger: false,
  },
  revoke: {
    verb: 'Revoke',
    title: 'Revoke',
    needs: 'devices:revoke',
    consequence:
      'The identity is worthless from now on, in every machine that holds it: its certificates are refused for good. The real machine comes back by enrolling again with a new token.',
    confirm: 'Revoke device',
    cancel: 'Keep it paused',
    done: 'is revoked',
    doneDetail: 'Its certificates are refused from now on.',
    placeholder: 'The disk was copied, incident 42',
    danger: true,
  },
};

import type { FaultCode } from '@raypher/ledger';

/** What a fault is evidence of, in one sentence for a person. */
export const FAULT_MEANING: Record<FaultCode, string> = {
  'manifest-mismatch': 'The description of the export says something else than the log.',
  'note-signature':
    'A checkpoint is not signed by the key it should be: it was changed, or is of another log.',
  'root-mismatch': 'The entries are not those that the checkpoint was signed over.',
  'not-consistent': 'The log was rewritten: it does not contain all of what it contained before.',
  'rolled-back': 'The log is shorter than it once was: its end was cut off, or an old copy was put back.',
  truncated: 'Something that belongs to the export is missing.',
  malformed: 'A file or an entry cannot be read.',
  'entry-missing': 'Entries are missing.',
  'leaf-mismatch': 'An entry was changed, or is at another place than it was.',
  'tile-mismatch': 'The tree of hashes was changed.',
  'not-canonical': 'An entry is written in a way that programs can read differently.',
  'wrong-organisation': 'Something in it is of another organisation.',
  'device-chain': 'Entries of a device were changed, removed, added or put in another order.',
  'device-signature': 'Entries are not what their device signed.',
  'unknown-device-key': 'The log does not commit to the key that a device shall have signed with.',
  'control-chain': 'Entries of the control plane were changed, removed, added or put in another order.',
  'private-mismatch': 'A private part is not the one that its entry commits to.',
  'statement-mismatch': 'A device signed that it saw another log: this one was rewritten, or two were shown.',
  'time-stamp': 'An authority stamped another checkpoint than the one of this log.',
};

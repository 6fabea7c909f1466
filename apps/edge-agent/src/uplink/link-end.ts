import { type ErrorCode, isErrorCode, RaypherError } from '@raypher/shared';

/** Why a connection ended. */
export interface LinkEnd {
  /** For people; empty when there is nothing to say. */
  reason: string;
  /** The control plane's, or our own, when there is one. */
  code: ErrorCode | '';
}

/** What a refusal means for whoever reads the status, where the control plane gives its code alone. */
const MEANINGS: Partial<Record<ErrorCode, string>> = {
  'device/pending': 'an administrator has to approve this device',
  'device/paused': 'this device was paused; an administrator has to resume or revoke it',
  'device/revoked': 'this device was revoked; enrol it again to go on',
};

/** @param text a sentence, or the code of an error alone */
export function linkEnd(text: string): LinkEnd {
  return isErrorCode(text) ? { reason: MEANINGS[text] ?? text, code: text } : { reason: text, code: '' };
}

/** What an error of this agent says. */
export function statedEnd(error: unknown): LinkEnd {
  if (error instanceof RaypherError) return { reason: error.message, code: error.code };
  return linkEnd(error instanceof Error ? error.message : String(error));
}

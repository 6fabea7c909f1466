import {
  EMPTY_PASSWORD,
  HIERARCHIES,
  type Hierarchy,
  NO_SESSIONS,
  NONE,
  type Tpm,
  type TpmHandle,
} from './tss2.ts';

/** TPM_SE_* (TPM 2.0 Part 2 §6.11), TPM_ALG_SHA256, and AES-128-CFB as TPMT_SYM_DEF. */
const KINDS = { hmac: 0, policy: 1 } as const;
const SHA256 = 0x000b;
const AES_128_CFB = Buffer.from('000600800043', 'hex');
/** TPMA_SESSION (Part 2 §8.4): stays open, and encrypts the first parameter of commands and of answers. */
const CONTINUE = 0x01;
const ENCRYPTS = { commands: CONTINUE | 0x20, answers: CONTINUE | 0x40, both: CONTINUE | 0x60 } as const;
const ALL_ATTRIBUTES = 0xff;
/** TPM_CC_Unseal (Part 2 §6.5.2). */
export const UNSEAL = 0x15e;

/**
 * Starts a session whose traffic is authenticated, and encrypted where it matters, with a secret that only the TPM
 * with `saltKey` can learn (Part 1 §19.6.13): nobody on the bus reads along or changes what travels.
 *
 * @param kind `policy` sessions fulfil policies; `hmac` sessions show that the empty password of an object is known
 * @param encrypts what of the first parameters is encrypted; a command that has none takes `answers` only
 */
export function startSession(
  tpm: Tpm,
  kind: keyof typeof KINDS,
  saltKey: TpmHandle,
  encrypts: keyof typeof ENCRYPTS,
): TpmHandle {
  const symmetric = tpm.toC('TPMT_SYM_DEF', AES_128_CFB);
  const parameters = [saltKey.tr, NONE, ...NO_SESSIONS, null, KINDS[kind], symmetric, SHA256];
  const [tr] = tpm.call('StartAuthSession', 'start a session', parameters, ['handle']);
  const session = tpm.flushed(tr);
  try {
    const attributes = [tr, ENCRYPTS[encrypts], ALL_ATTRIBUTES];
    tpm.call('TRSess_SetAttributes', 'encrypt a session', attributes, []);
    return session;
  } catch (error) {
    session[Symbol.dispose]();
    throw error;
  }
}

/** Fulfils "whoever may use this hierarchy" in a policy session. */
export function policySecret(tpm: Tpm, session: TpmHandle, hierarchy: Hierarchy): void {
  const authority = [HIERARCHIES[hierarchy], session.tr, ...EMPTY_PASSWORD];
  const parameters = [...authority, null, null, null, 0];
  tpm.call('PolicySecret', 'authorise the use of a key', parameters, ['ignored', 'ignored']);
}

/** Fulfils "only for this command". @param command TPM_CC */
export function policyCommandCode(tpm: Tpm, session: TpmHandle, command: number): void {
  const parameters = [session.tr, ...NO_SESSIONS, command];
  tpm.call('PolicyCommandCode', 'authorise a command', parameters, []);
}

/** Fulfils "while PCRs have these values": today's. @param pcrs TPML_PCR_SELECTION */
export function policyPcr(tpm: Tpm, session: TpmHandle, pcrs: Buffer): void {
  const parameters = [session.tr, ...NO_SESSIONS, null, tpm.toC('TPML_PCR_SELECTION', pcrs)];
  tpm.call('PolicyPCR', 'bind a session to the state of this machine', parameters, []);
}

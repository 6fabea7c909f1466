import { type Attestation, sized } from '@raypher/shared/attestation';
import { type EsysCommand, type Tss2Library, tss2Library, type WireType } from './tss2-library.ts';
import { tpmError } from './tss2-response.ts';

/** ESYS_TR constants (tss2_esys.h). */
const NONE = 0xfff;
const PASSWORD = 0xff;
const HIERARCHIES = { owner: 0x101, endorsement: 0x10b } as const;
export type Hierarchy = keyof typeof HIERARCHIES;

const NO_SESSIONS = [NONE, NONE, NONE] as const;
/** The empty password, in the clear: there is nothing in it to protect. */
const EMPTY_PASSWORD = [PASSWORD, NONE, NONE] as const;

/** More than any structure of the TPM needs, in C or on the wire, whatever limits libtss2 was built with. */
const STRUCT_BYTES = 8192;
const EMPTY = Buffer.alloc(0);

/** Capability groups (TPM 2.0 Part 2 §6.12). */
const CAPABILITIES = { handles: 1, properties: 6 } as const;

/** TPM_SE_POLICY (Part 2 §6.11), TPM_ALG_SHA256, and AES-128-CFB as TPMT_SYM_DEF. */
const POLICY_SESSION = 1;
const SHA256 = 0x000b;
const AES_128_CFB = Buffer.from('000600800043', 'hex');
/** TPMA_SESSION (Part 2 §8.4): stays open, and encrypts the first parameter both ways. */
const CONFIDENTIAL = 0x61;
const ALL_ATTRIBUTES = 0xff;

/** TPM_ALG_NULL as TPMT_SIG_SCHEME. */
const NO_SCHEME = Buffer.from('0010', 'hex');
const SIGNED = ['TPM2B_ATTEST', 'TPMT_SIGNATURE'] as const;

/** How a result of a command is returned; `ignored` ones are only freed. */
type Result = WireType | 'handle' | 'ignored';
type Returned<R extends readonly Result[]> = {
  -readonly [K in keyof R]: R[K] extends 'handle' ? number : R[K] extends 'ignored' ? undefined : Buffer;
};

/** An object that this program uses in the TPM. Disposing of it frees the slot it takes. */
export class TpmHandle implements Disposable {
  readonly tr: number;
  readonly #release: () => void;
  #open = true;

  constructor(tr: number, release: () => void) {
    this.tr = tr;
    this.#release = release;
  }

  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    this.#release();
  }
}

/**
 * A connection to one TPM. Structures go in and out in wire format (TPM 2.0 Part 2), so that nothing depends on the C
 * layout of libtss2. Calls block until the TPM answers: milliseconds, but seconds for a new RSA key on a slow chip.
 *
 * @example
 * using tpm = Tpm.open('device:/dev/tpmrm0');
 */
export class Tpm implements Disposable {
  readonly #library: Tss2Library;
  readonly #tcti: unknown[];
  readonly #context: unknown[];

  private constructor(library: Tss2Library, tcti: unknown[], context: unknown[]) {
    this.#library = library;
    this.#tcti = tcti;
    this.#context = context;
  }

  /**
   * @param tcti where the TPM is, as libtss2 names it: `device:/dev/tpmrm0`, `swtpm:host=127.0.0.1,port=2321`
   * @throws RaypherError `platform/unsupported` without libtss2, `tpm/absent` when nothing answers there
   */
  static open(tcti: string): Tpm {
    const library = tss2Library();
    const transport = [null];
    const connected = library.tctiInitialize(tcti, transport);
    if (connected !== 0) throw tpmError(connected, `connect to ${tcti}`);
    const context = [null];
    const initialised = library.esysInitialize(context, transport[0], null);
    if (initialised !== 0) {
      library.tctiFinalize(transport);
      throw tpmError(initialised, `open ${tcti}`);
    }
    return new Tpm(library, transport, context);
  }

  [Symbol.dispose](): void {
    if (this.#context[0] === null) return;
    this.#library.esysFinalize(this.#context);
    this.#library.tctiFinalize(this.#tcti);
    this.#context[0] = null;
  }

  /**
   * @param property the first one wanted
   * @returns TPMS_CAPABILITY_DATA without its selector: a counted list
   */
  capability(group: keyof typeof CAPABILITIES, property: number, count: number): Buffer {
    const more = [0];
    const parameters = [...NO_SESSIONS, CAPABILITIES[group], property, count, more];
    const [data] = this.#call('GetCapability', 'say what it is', parameters, ['TPMS_CAPABILITY_DATA']);
    return data.subarray(4);
  }

  /**
   * Derives the primary key that a template describes from the hierarchy's seed: always the same one.
   *
   * @param template TPMT_PUBLIC
   */
  createPrimary(hierarchy: Hierarchy, template: Buffer): TpmHandle {
    const [tr] = this.#call(
      'CreatePrimary',
      'make a primary key',
      [
        HIERARCHIES[hierarchy],
        ...EMPTY_PASSWORD,
        this.#toC('TPM2B_SENSITIVE_CREATE', sized(Buffer.concat([sized(EMPTY), sized(EMPTY)]))),
        this.#toC('TPM2B_PUBLIC', sized(template)),
        this.#toC('TPM2B_DATA', sized(EMPTY)),
        this.#toC('TPML_PCR_SELECTION', Buffer.alloc(4)),
      ],
      ['handle', 'ignored', 'ignored', 'ignored', 'ignored'],
    );
    return this.#flushed(tr);
  }

  /**
   * Starts a session that fulfils a policy. What travels in it is encrypted with a secret that only the TPM with
   * `saltKey` can learn (Part 1 §19.6.13), so that nobody on the bus reads along.
   */
  startPolicy(saltKey: TpmHandle): TpmHandle {
    const symmetric = this.#toC('TPMT_SYM_DEF', AES_128_CFB);
    const [tr] = this.#call(
      'StartAuthSession',
      'start a session',
      [saltKey.tr, NONE, ...NO_SESSIONS, null, POLICY_SESSION, symmetric, SHA256],
      ['handle'],
    );
    const session = this.#flushed(tr);
    this.#call('TRSess_SetAttributes', 'encrypt a session', [tr, CONFIDENTIAL, ALL_ATTRIBUTES], []);
    return session;
  }

  /** Fulfils "whoever may use this hierarchy" in a policy session. */
  policySecret(session: TpmHandle, hierarchy: Hierarchy): void {
    const authority = [HIERARCHIES[hierarchy], session.tr, ...EMPTY_PASSWORD];
    const parameters = [...authority, null, null, null, 0];
    this.#call('PolicySecret', 'authorise the use of a key', parameters, ['ignored', 'ignored']);
  }

  /**
   * Opens what was encrypted for this TPM and this key (Part 3 §12.5).
   *
   * @param policy a session that fulfils the endorsement key's policy
   * @param blob TPM2B_ID_OBJECT
   * @param encryptedSeed TPM2B_ENCRYPTED_SECRET
   */
  activateCredential(
    keys: { attestation: TpmHandle; endorsement: TpmHandle; policy: TpmHandle },
    blob: Buffer,
    encryptedSeed: Buffer,
  ): Buffer {
    const [secret] = this.#call(
      'ActivateCredential',
      'open a credential',
      [
        ...[keys.attestation.tr, keys.endorsement.tr, PASSWORD, keys.policy.tr, NONE],
        this.#toC('TPM2B_ID_OBJECT', blob),
        this.#toC('TPM2B_ENCRYPTED_SECRET', encryptedSeed),
      ],
      ['TPM2B_DIGEST'],
    );
    return secret.subarray(2);
  }

  /** @param handle of a persistent key or an NV index, such as 0x81010001 */
  at(handle: number): TpmHandle {
    const name = `0x${handle.toString(16)}`;
    const [tr] = this.#call('TR_FromTPMPublic', `find ${name}`, [handle, ...NO_SESSIONS], ['handle']);
    return new TpmHandle(tr, () => this.#call('TR_Close', `close ${name}`, [[tr]], []));
  }

  /** @returns TPMT_PUBLIC */
  readPublic(object: TpmHandle): Buffer {
    const [publicArea] = this.#call(
      'ReadPublic',
      'show a public key',
      [object.tr, ...NO_SESSIONS],
      ['TPM2B_PUBLIC', 'ignored', 'ignored'],
    );
    return publicArea.subarray(2);
  }

  /** @returns TPMS_NV_PUBLIC */
  readNvPublic(index: TpmHandle): Buffer {
    const [publicArea] = this.#call(
      'NV_ReadPublic',
      'describe an NV index',
      [index.tr, ...NO_SESSIONS],
      ['TPM2B_NV_PUBLIC', 'ignored'],
    );
    return publicArea.subarray(2);
  }

  /** @param as who reads: the index's own authorisation, or the owner's */
  readNv(index: TpmHandle, as: 'index' | 'owner', size: number, offset: number): Buffer {
    const authority = as === 'index' ? index.tr : HIERARCHIES.owner;
    const [data] = this.#call(
      'NV_Read',
      'read an NV index',
      [authority, index.tr, ...EMPTY_PASSWORD, size, offset],
      ['TPM2B_MAX_NV_BUFFER'],
    );
    return data.subarray(2);
  }

  /**
   * Has the TPM sign the state of this machine, with its reset counters (Part 3 §18.4).
   *
   * @param nonce at most 32 bytes
   * @param pcrs TPML_PCR_SELECTION
   */
  quote(key: TpmHandle, nonce: Buffer, pcrs: Buffer): Attestation {
    const selection = this.#toC('TPML_PCR_SELECTION', pcrs);
    const parameters = [key.tr, ...EMPTY_PASSWORD, ...this.#signing(nonce), selection];
    const [attested, signature] = this.#call('Quote', 'sign its state', parameters, SIGNED);
    return { attested: attested.subarray(2), signature };
  }

  /** Has the TPM sign that it holds a key (Part 3 §18.2). @param nonce at most 32 bytes */
  certify(object: TpmHandle, key: TpmHandle, nonce: Buffer): Attestation {
    const parameters = [object.tr, key.tr, PASSWORD, PASSWORD, NONE, ...this.#signing(nonce)];
    const [attested, signature] = this.#call('Certify', 'certify a key', parameters, SIGNED);
    return { attested: attested.subarray(2), signature };
  }

  /** A nonce, and no scheme: the key has its own. */
  #signing(nonce: Buffer): [Buffer, Buffer] {
    return [this.#toC('TPM2B_DATA', sized(nonce)), this.#toC('TPMT_SIG_SCHEME', NO_SCHEME)];
  }

  /** A handle of something that takes a slot. */
  #flushed(tr: number): TpmHandle {
    return new TpmHandle(tr, () => this.#call('FlushContext', 'free a slot', [tr], []));
  }

  #call<const R extends readonly Result[]>(
    command: EsysCommand,
    task: string,
    parameters: readonly unknown[],
    results: R,
  ): Returned<R> {
    const cells = results.map((kind) => (kind === 'handle' ? [0] : [null]));
    const response = this.#library.esys[command](this.#context[0], ...parameters, ...cells);
    if (response !== 0) throw tpmError(response, task);
    // Each result was made from its own kind, one for one, which is what the mapped type says.
    return results.map((kind, index) => this.#take(kind, cells[index]?.[0])) as Returned<R>;
  }

  /** Copies a result that ESYS allocated, and frees it. */
  #take(kind: Result, cell: unknown): number | Buffer | undefined {
    if (kind === 'handle') return Number(cell);
    try {
      return kind === 'ignored' ? undefined : this.#toWire(kind, cell);
    } finally {
      this.#library.free(cell);
    }
  }

  #toC(type: WireType, wire: Buffer): Buffer {
    const target = Buffer.alloc(STRUCT_BYTES);
    const response = this.#library.unmarshal(type)(wire, wire.length, [0], target);
    if (response !== 0) throw tpmError(response, `take a ${type}`);
    return target;
  }

  #toWire(type: WireType, pointer: unknown): Buffer {
    const wire = Buffer.alloc(STRUCT_BYTES);
    const offset = [0];
    const response = this.#library.marshal(type)(pointer, wire, wire.length, offset);
    if (response !== 0) throw tpmError(response, `give a ${type}`);
    return wire.subarray(0, Number(offset[0]));
  }
}

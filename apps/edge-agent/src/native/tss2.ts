import { type EsysCommand, type Tss2Library, tss2Library, type WireType } from './tss2-library.ts';
import { isGone, isTransportFailure, tpmError } from './tss2-response.ts';

/** ESYS_TR constants (tss2_esys.h). */
export const NONE = 0xfff;
export const PASSWORD = 0xff;
export const HIERARCHIES = { owner: 0x101, endorsement: 0x10b } as const;
export type Hierarchy = keyof typeof HIERARCHIES;

export const NO_SESSIONS = [NONE, NONE, NONE] as const;
/** The empty password, in the clear: there is nothing in it to protect. */
export const EMPTY_PASSWORD = [PASSWORD, NONE, NONE] as const;

/** More than any structure of the TPM needs, in C or on the wire, whatever limits libtss2 was built with. */
const STRUCT_BYTES = 8192;

/** How a result of a command is returned; `ignored` ones are only freed. */
type Result = WireType | 'handle' | 'number' | 'ignored';
type Returned<R extends readonly Result[]> = {
  -readonly [K in keyof R]: R[K] extends 'handle' | 'number'
    ? number
    : R[K] extends 'ignored'
      ? undefined
      : Buffer;
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
 * A connection to one TPM; the commands are in `tss2-*.ts`, by subject. Structures go in and out in wire format (TPM 2.0
 * Part 2), so that nothing depends on the C layout of libtss2. Calls block until the TPM answers: milliseconds, but
 * seconds for a new RSA key on a slow chip.
 *
 * @example
 * using tpm = Tpm.open('device:/dev/tpmrm0');
 */
export class Tpm implements Disposable {
  readonly #library: Tss2Library;
  readonly #tcti: unknown[];
  readonly #context: unknown[];
  /** Nothing answered: libtss2 does not recover from that. */
  #isLost = false;

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
   * Has the TPM carry out a command.
   *
   * @param task completes "The TPM did not …" for people
   * @param parameters as ESYS takes them, see `tss2-library.ts`
   * @param results in what shape its results are wanted, in order
   * @throws RaypherError `tpm/…`
   */
  call<const R extends readonly Result[]>(
    command: EsysCommand,
    task: string,
    parameters: readonly unknown[],
    results: R,
  ): Returned<R> {
    const cells = results.map((kind) => (isScalar(kind) ? [0] : [null]));
    const response = this.#library.esys[command](this.#context[0], ...parameters, ...cells);
    this.#check(response, task);
    // Each result was made from its own kind, one for one, which is what the mapped type says.
    return results.map((kind, index) => this.#take(kind, cells[index]?.[0])) as Returned<R>;
  }

  /** A handle of something that takes a slot. */
  flushed(tr: number): TpmHandle {
    return new TpmHandle(tr, () => {
      // What is gone, or was lost with the connection, takes no slot; whoever needed it has an error of their own.
      if (this.#isLost) return;
      const response = this.#library.esys.FlushContext(this.#context[0], tr);
      if (!isGone(response) && !isTransportFailure(response)) this.#check(response, 'free a slot');
    });
  }

  /** @param handle of a persistent key or an NV index, such as 0x81010001, or of what somebody loaded */
  at(handle: number): TpmHandle {
    const tr = this.#find(handle);
    return new TpmHandle(tr, () => this.call('TR_Close', 'close a handle', [[tr]], []));
  }

  /** Takes over what somebody left in a slot: disposing of it frees the slot. */
  takeOver(handle: number): TpmHandle {
    return this.flushed(this.#find(handle));
  }

  #find(handle: number): number {
    const task = `find 0x${handle.toString(16)}`;
    const [tr] = this.call('TR_FromTPMPublic', task, [handle, ...NO_SESSIONS], ['handle']);
    return tr;
  }

  /** A structure as C has it. */
  toC(type: WireType, wire: Buffer): Buffer {
    const target = Buffer.alloc(STRUCT_BYTES);
    const response = this.#library.unmarshal(type)(wire, wire.length, [0], target);
    if (response !== 0) throw tpmError(response, `take a ${type}`);
    return target;
  }

  #check(response: number, task: string): void {
    if (response === 0) return;
    this.#isLost ||= isTransportFailure(response);
    throw tpmError(response, task);
  }

  /** Copies a result that ESYS allocated, and frees it. */
  #take(kind: Result, cell: unknown): number | Buffer | undefined {
    if (isScalar(kind)) return Number(cell);
    try {
      if (kind === 'ignored') return undefined;
      const wire = this.#toWire(kind, cell);
      // A size and bytes are as long in C as on the wire. What is freed would stay readable in memory.
      if (kind === 'TPM2B_SENSITIVE_DATA') this.#library.wipe(cell, wire.length);
      return wire;
    } finally {
      this.#library.free(cell);
    }
  }

  /** Exactly as long as it is, so that whoever wipes it leaves nothing. */
  #toWire(type: WireType, pointer: unknown): Buffer {
    const wire = Buffer.alloc(STRUCT_BYTES);
    const offset = [0];
    try {
      const response = this.#library.marshal(type)(pointer, wire, wire.length, offset);
      if (response !== 0) throw tpmError(response, `give a ${type}`);
      return Buffer.from(wire.subarray(0, Number(offset[0])));
    } finally {
      wire.fill(0);
    }
  }
}

function isScalar(kind: Result): kind is 'handle' | 'number' {
  return kind === 'handle' || kind === 'number';
}

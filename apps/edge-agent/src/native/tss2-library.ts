import { createRequire } from 'node:module';
import { RaypherError } from '@raypher/shared';
import type * as Koffi from 'koffi';

/** Three session handles, which nearly every ESYS function takes. */
const S = 'uint32 session1, uint32 session2, uint32 session3';

/** Parameters after the context, as in tss2_esys.h. Results are always pointers that ESYS allocates. */
const ESYS = {
  ActivateCredential: `uint32 key, uint32 endorsementKey, ${S}, void *blob, void *encryptedSeed, _Out_ void **secret`,
  Certify: `uint32 object, uint32 key, ${S}, void *nonce, void *scheme, _Out_ void **attested, _Out_ void **signature`,
  Create: `uint32 parent, ${S}, void *sensitive, void *template, void *outside, void *pcrs, _Out_ void **private, _Out_ void **public, _Out_ void **creation, _Out_ void **hash, _Out_ void **ticket`,
  CreatePrimary: `uint32 hierarchy, ${S}, void *sensitive, void *template, void *outside, void *pcrs, _Out_ uint32 *handle, _Out_ void **public, _Out_ void **creation, _Out_ void **hash, _Out_ void **ticket`,
  FlushContext: 'uint32 handle',
  GetCapability: `${S}, uint32 capability, uint32 property, uint32 count, _Out_ uint8 *more, _Out_ void **data`,
  Load: `uint32 parent, ${S}, void *private, void *public, _Out_ uint32 *handle`,
  NV_Read: `uint32 auth, uint32 index, ${S}, uint16 size, uint16 offset, _Out_ void **data`,
  NV_ReadPublic: `uint32 index, ${S}, _Out_ void **public, _Out_ void **name`,
  PCR_Read: `${S}, void *pcrs, _Out_ uint32 *counter, _Out_ void **read, _Out_ void **values`,
  PolicyCommandCode: `uint32 session, ${S}, uint32 command`,
  PolicyPCR: `uint32 session, ${S}, void *digest, void *pcrs`,
  PolicySecret: `uint32 authority, uint32 session, ${S}, void *nonce, void *parameters, void *reference, int32 expiration, _Out_ void **timeout, _Out_ void **ticket`,
  Quote: `uint32 key, ${S}, void *nonce, void *scheme, void *pcrs, _Out_ void **attested, _Out_ void **signature`,
  ReadPublic: `uint32 object, ${S}, _Out_ void **public, _Out_ void **name, _Out_ void **qualifiedName`,
  Sign: `uint32 key, ${S}, void *digest, void *scheme, void *ticket, _Out_ void **signature`,
  StartAuthSession: `uint32 saltKey, uint32 bind, ${S}, void *nonce, uint8 type, void *symmetric, uint16 hash, _Out_ uint32 *session`,
  TRSess_SetAttributes: 'uint32 session, uint8 flags, uint8 mask',
  TR_Close: '_Inout_ uint32 *handle',
  TR_FromTPMPublic: `uint32 tpmHandle, ${S}, _Out_ uint32 *handle`,
  TR_GetName: 'uint32 handle, _Out_ void **name',
  Unseal: `uint32 object, ${S}, _Out_ void **data`,
} as const;
export type EsysCommand = keyof typeof ESYS;

/** TPM structures that are converted between wire format and C by `Tss2_MU_*`. */
export type WireType =
  | 'TPM2B_ATTEST'
  | 'TPM2B_DATA'
  | 'TPM2B_DIGEST'
  | 'TPM2B_ENCRYPTED_SECRET'
  | 'TPM2B_ID_OBJECT'
  | 'TPM2B_MAX_NV_BUFFER'
  | 'TPM2B_NAME'
  | 'TPM2B_NV_PUBLIC'
  | 'TPM2B_PRIVATE'
  | 'TPM2B_PUBLIC'
  | 'TPM2B_SENSITIVE_CREATE'
  | 'TPM2B_SENSITIVE_DATA'
  | 'TPML_DIGEST'
  | 'TPML_PCR_SELECTION'
  | 'TPMS_CAPABILITY_DATA'
  | 'TPMT_SIG_SCHEME'
  | 'TPMT_SIGNATURE'
  | 'TPMT_SYM_DEF'
  | 'TPMT_TK_HASHCHECK';

type ForeignFunction = (...parameters: unknown[]) => number;

export interface Tss2Library {
  esys: Readonly<Record<EsysCommand, ForeignFunction>>;
  esysInitialize: ForeignFunction;
  esysFinalize: ForeignFunction;
  tctiInitialize: ForeignFunction;
  tctiFinalize: ForeignFunction;
  free: (pointer: unknown) => void;
  /** Overwrites with zeros, also when nobody reads it again. */
  wipe: (pointer: unknown, bytes: number) => void;
  marshal: (type: WireType) => ForeignFunction;
  unmarshal: (type: WireType) => ForeignFunction;
}

let loaded: Tss2Library | undefined;

/**
 * The TPM software stack of this machine, loaded on first use.
 *
 * @throws RaypherError `platform/unsupported` when it is not installed
 */
export function tss2Library(): Tss2Library {
  loaded ??= load();
  return loaded;
}

function load(): Tss2Library {
  if (process.platform !== 'linux') {
    throw new RaypherError(
      'platform/unsupported',
      `TPMs are read on Linux only; this is ${process.platform}.`,
    );
  }
  // The library prints every refusal on stderr unless told not to; refusals are ours to explain.
  process.env.TSS2_LOG ??= 'all+NONE';
  try {
    // require() rather than import(): commands to a TPM are synchronous. The cast is the module's own declaration file.
    const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
    return bind(koffi);
  } catch (cause) {
    throw new RaypherError('platform/unsupported', 'The TPM software stack (libtss2) cannot be loaded.', {
      hint: 'Install it: apt install tpm2-tools (Debian, Ubuntu), dnf install tpm2-tss (Fedora, RHEL).',
      cause,
    });
  }
}

function bind(koffi: typeof Koffi): Tss2Library {
  const esys = koffi.load('libtss2-esys.so.0');
  const mu = koffi.load('libtss2-mu.so.0');
  const loader = koffi.load('libtss2-tctildr.so.0');
  const command = (name: EsysCommand): ForeignFunction =>
    esys.func(`uint32 Esys_${name}(void *context, ${ESYS[name]})`);
  const converter = (signature: (type: WireType) => string) => {
    const known = new Map<WireType, ForeignFunction>();
    return (type: WireType): ForeignFunction => {
      const found = known.get(type) ?? mu.func(signature(type));
      known.set(type, found);
      return found;
    };
  };
  return {
    esys: {
      ActivateCredential: command('ActivateCredential'),
      Certify: command('Certify'),
      Create: command('Create'),
      CreatePrimary: command('CreatePrimary'),
      FlushContext: command('FlushContext'),
      GetCapability: command('GetCapability'),
      Load: command('Load'),
      NV_Read: command('NV_Read'),
      NV_ReadPublic: command('NV_ReadPublic'),
      PCR_Read: command('PCR_Read'),
      PolicyCommandCode: command('PolicyCommandCode'),
      PolicyPCR: command('PolicyPCR'),
      PolicySecret: command('PolicySecret'),
      Quote: command('Quote'),
      ReadPublic: command('ReadPublic'),
      Sign: command('Sign'),
      StartAuthSession: command('StartAuthSession'),
      TRSess_SetAttributes: command('TRSess_SetAttributes'),
      TR_Close: command('TR_Close'),
      TR_FromTPMPublic: command('TR_FromTPMPublic'),
      TR_GetName: command('TR_GetName'),
      Unseal: command('Unseal'),
    },
    esysInitialize: esys.func('uint32 Esys_Initialize(_Out_ void **context, void *tcti, void *abi)'),
    esysFinalize: esys.func('void Esys_Finalize(_Inout_ void **context)'),
    tctiInitialize: loader.func('uint32 Tss2_TctiLdr_Initialize(const char *name, _Out_ void **tcti)'),
    tctiFinalize: loader.func('void Tss2_TctiLdr_Finalize(_Inout_ void **tcti)'),
    free: esys.func('void Esys_Free(void *pointer)'),
    wipe: koffi.load(null).func('void explicit_bzero(void *memory, size_t bytes)'),
    marshal: converter(
      (type) =>
        `uint32 Tss2_MU_${type}_Marshal(void *source, void *wire, size_t size, _Inout_ size_t *offset)`,
    ),
    unmarshal: converter(
      (type) =>
        `uint32 Tss2_MU_${type}_Unmarshal(void *wire, size_t size, _Inout_ size_t *offset, void *target)`,
    ),
  };
}

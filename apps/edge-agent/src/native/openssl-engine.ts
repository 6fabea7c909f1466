import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { RaypherError } from '@raypher/shared';
import type * as Koffi from 'koffi';

/** NID_X9_62_prime256v1 (OpenSSL obj_mac.h): P-256. */
const P256 = 415;
const POINT_BYTES = 65;
/** Longest DER signature with P-256, for which OpenSSL has made room. */
const MAX_SIGNATURE_BYTES = 72;
/** ERR_LIB_ENGINE and ERR_R_INTERNAL_ERROR (OpenSSL err.h). Node drops errors of libraries that have no name. */
const ERR_LIB_ENGINE = 38;
const ERR_INTERNAL = 259 | 0xc0000;

/** A key that Node's TLS signs with, wherever it is. Disposing of it ends that, also for connections that are made. */
export interface EngineKey extends Disposable {
  /** For `privateKeyEngine` of {@link https://nodejs.org/api/tls.html#tlscreatesecurecontextoptions}. */
  readonly engine: string;
  /** For `privateKeyIdentifier`. */
  readonly identifier: string;
}

/** @param digest SHA-256 @returns ECDSA, DER */
type SignDigest = (digest: Buffer) => Buffer;

interface Engine {
  id: string;
  add(point: Buffer, sign: SignDigest): { identifier: string; remove: () => void };
}

let installed: Engine | undefined;

/**
 * Makes a key that is not in this process's memory usable for TLS in Node: as an ENGINE of the OpenSSL that Node was
 * built with, which is the only way there is for `tls` (docs/decisions/0005-tpm-key-provider.md).
 *
 * @param publicKey SubjectPublicKeyInfo of a P-256 key, DER with an uncompressed point
 * @param sign called in the middle of a handshake; when it throws, the handshake fails with its message
 * @throws RaypherError `platform/unsupported` when this OpenSSL has no engines
 */
export function registerEngineKey(publicKey: Buffer, sign: SignDigest): EngineKey {
  installed ??= install();
  const { identifier, remove } = installed.add(publicKey.subarray(-POINT_BYTES), sign);
  return { engine: installed.id, identifier, [Symbol.dispose]: remove };
}

function install(): Engine {
  // require() rather than import(): TLS options are made synchronously. The cast is the module's own declaration file.
  const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
  return addEngine(koffi, bindOpenssl(koffi));
}

type Openssl = ReturnType<typeof bindOpenssl>;

/** The functions of the OpenSSL inside Node's own executable. Those of engines go away with OpenSSL 4. */
function bindOpenssl(koffi: typeof Koffi) {
  try {
    const node = koffi.load(null);
    return {
      engineNew: node.func('void *ENGINE_new()'),
      engineSetId: node.func('int ENGINE_set_id(void *engine, void *id)'),
      engineSetName: node.func('int ENGINE_set_name(void *engine, void *name)'),
      engineSetLoad: node.func('int ENGINE_set_load_privkey_function(void *engine, void *load)'),
      engineAdd: node.func('int ENGINE_add(void *engine)'),
      ecKeyNew: node.func('void *EC_KEY_new_by_curve_name(int curve)'),
      ecKeySetPoint: node.func('int EC_KEY_oct2key(void *key, void *point, size_t size, void *context)'),
      ecKeySetMethod: node.func('int EC_KEY_set_method(void *key, void *method)'),
      ecKeyFree: node.func('void EC_KEY_free(void *key)'),
      ecMethodDefault: node.func('void *EC_KEY_OpenSSL()'),
      ecMethodNew: node.func('void *EC_KEY_METHOD_new(void *base)'),
      ecMethodSetSign: node.func(
        'void EC_KEY_METHOD_set_sign(void *method, void *sign, void *setup, void *signParts)',
      ),
      pkeyNew: node.func('void *EVP_PKEY_new()'),
      pkeySetEcKey: node.func('int EVP_PKEY_set1_EC_KEY(void *pkey, void *key)'),
      pkeyUpRef: node.func('int EVP_PKEY_up_ref(void *pkey)'),
      pkeyFree: node.func('void EVP_PKEY_free(void *pkey)'),
      errorNew: node.func('void ERR_new()'),
      errorSet: node.func('void ERR_set_error(int library, int reason, const char *format, ...)'),
    };
  } catch (cause) {
    throw new RaypherError(
      'platform/unsupported',
      `The OpenSSL of this Node (${process.versions.openssl}) has no engines, which a key in a TPM needs for TLS.`,
      { hint: 'Use the Node that this agent came with.', cause },
    );
  }
}

/** Adds one engine for this process; it and its callbacks stay until the process ends, as OpenSSL may call them. */
function addEngine(koffi: typeof Koffi, openssl: Openssl): Engine {
  const id = `raypher-${randomUUID()}`;
  const keys = new Map<string, { pkey: unknown }>();
  const signers = new Map<bigint, SignDigest>();

  const fail = (text: string) => {
    openssl.errorNew();
    openssl.errorSet(ERR_LIB_ENGINE, ERR_INTERNAL, '%s', 'const char *', text);
  };
  const onLoad = (_engine: unknown, identifier: string) => {
    const key = keys.get(identifier);
    if (key === undefined) {
      fail('This key is not in use any more.');
      return null;
    }
    // Whoever asked frees it.
    openssl.pkeyUpRef(key.pkey);
    return key.pkey;
  };
  const onSign = (...[, digest, digestBytes, signature, size, , , key]: SignParameters): number => {
    try {
      const sign = signers.get(koffi.address(key));
      if (sign === undefined) throw new Error('This key is not in use any more.');
      // A copy: the memory is OpenSSL's.
      const der = sign(Buffer.from(Buffer.from(koffi.view(digest, digestBytes))));
      if (der.length > MAX_SIGNATURE_BYTES) throw new Error('The signature is too long.');
      Buffer.from(koffi.view(signature, der.length)).set(der);
      koffi.encode(size, 'uint', der.length);
      return 1;
    } catch (error) {
      // Nothing may be thrown through C. What is said here is what the TLS connection fails with.
      fail(error instanceof Error ? error.message : String(error));
      return 0;
    }
  };

  const method = openssl.ecMethodNew(openssl.ecMethodDefault());
  // No other way to sign: the key has no private part that could be used otherwise.
  openssl.ecMethodSetSign(method, koffi.register(onSign, koffi.pointer(signType(koffi))), null, null);
  const engine = openssl.engineNew();
  // OpenSSL keeps the pointers.
  openssl.engineSetId(engine, lasting(koffi, id));
  openssl.engineSetName(engine, lasting(koffi, 'Raypher device key'));
  openssl.engineSetLoad(engine, koffi.register(onLoad, koffi.pointer(loadType(koffi))));
  if (openssl.engineAdd(engine) !== 1) {
    throw new RaypherError('platform/unsupported', 'OpenSSL did not take an engine.');
  }

  return {
    id,
    add: (point, sign) => {
      const key = openssl.ecKeyNew(P256);
      const pkey = openssl.pkeyNew();
      const isComplete =
        openssl.ecKeySetPoint(key, point, point.length, null) === 1 &&
        openssl.ecKeySetMethod(key, method) === 1 &&
        openssl.pkeySetEcKey(pkey, key) === 1;
      const address = koffi.address(key);
      openssl.ecKeyFree(key);
      if (!isComplete) {
        openssl.pkeyFree(pkey);
        throw new RaypherError('request/invalid', 'This is not a P-256 key.');
      }
      const identifier = randomUUID();
      keys.set(identifier, { pkey });
      signers.set(address, sign);
      return {
        identifier,
        remove: () => {
          if (!keys.delete(identifier)) return;
          signers.delete(address);
          openssl.pkeyFree(pkey);
        },
      };
    },
  };
}

/** type, digest, its size, signature, its size, two precomputed numbers, key: `EC_KEY_METHOD_set_sign(3)`. */
type SignParameters = [number, unknown, number, unknown, unknown, unknown, unknown, unknown];

function signType(koffi: typeof Koffi) {
  return koffi.proto('int', ['int', 'void *', 'int', 'void *', 'void *', 'void *', 'void *', 'void *']);
}

/** engine, identifier, two ways to ask for a password. */
function loadType(koffi: typeof Koffi) {
  return koffi.proto('void *', ['void *', 'const char *', 'void *', 'void *']);
}

function lasting(koffi: typeof Koffi, text: string): unknown {
  const bytes = Buffer.from(`${text}\0`);
  const memory = koffi.alloc('uint8_t', bytes.length);
  Buffer.from(koffi.view(memory, bytes.length)).set(bytes);
  return memory;
}

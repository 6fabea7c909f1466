import type { X509Certificate } from 'node:crypto';
import { RaypherError } from '../errors.ts';
import { KEY_USAGE, type MakerCertificate, readMakerCertificate } from './maker-certificate.ts';
import { parsePublicKey } from './public-key.ts';
import { KNOWN_INTERMEDIATES } from './roots/known-intermediates.ts';

/** A maker's certificate authority that is believed. */
export interface PinnedRoot {
  /** SHA-256 of the certificate (DER), hex. */
  fingerprint: string;
  der: Buffer;
  manufacturer: string;
  kind: 'hardware' | 'virtual';
}

export interface Endorsement {
  class: 'hardware' | 'virtual' | 'unverified';
  /** One sentence. */
  reason: string;
  /** Leaf first. */
  chain: X509Certificate[];
  root: PinnedRoot | null;
}

/** What a device shows of its endorsement key. */
export interface EndorsementEvidence {
  /** TPMT_PUBLIC. */
  endorsementKey: Buffer;
  /** DER; null when the TPM has none. */
  certificate: Buffer | null;
  /** Issuers' certificates, DER, in any order. Nothing in it is believed. */
  chain: Buffer[];
}

/** tcg-kp-EKCertificate (TCG EK Credential Profile §3.2). */
const EK_CERTIFICATE = '2.23.133.8.1';
const MAX_PATH = 8;
/** Signatures checked for one device: names can be made to fit many issuers, and a check costs time. */
const MAX_CHECKS = 64;

interface PinnedCertificate {
  root: PinnedRoot;
  certificate: MakerCertificate;
}

/**
 * Says who vouches for an endorsement key: looks for a path from its certificate to a pinned root, by RFC 5280 §6 and
 * the TCG EK Credential Profile. It asks nobody: neither issuers' addresses in certificates nor revocation lists.
 *
 * The endorsement certificate must be valid now. An issuer must have been valid when it issued: makers' authorities
 * end while the chips that they signed are in use, and those chips cannot be signed again.
 *
 * @throws RaypherError `enrolment/attestation-refused` for what no honest TPM shows: a certificate for another key, a
 * signature that is not by the issuer it names, an issuer that may not issue
 */
export function verifyEndorsement(
  evidence: EndorsementEvidence,
  roots: readonly PinnedRoot[],
  now: Date,
): Endorsement {
  if (evidence.certificate === null) return unverified('Its TPM has no certificate.', []);
  const leaf = readMakerCertificate(evidence.certificate);
  if (leaf === undefined) return unverified('The certificate of its TPM cannot be read.', []);
  if (!leaf.publicKey.equals(parsePublicKey(evidence.endorsementKey))) {
    throw refused('The certificate is for another key than the endorsement key of this TPM.');
  }
  assertEndorsementProfile(leaf);
  if (leaf.x509.validFromDate > now || leaf.x509.validToDate < now) {
    return unverified('The certificate of its TPM is not valid today.', [leaf]);
  }
  const search = new PathSearch(evidence.chain, roots);
  const path = search.from([leaf]);
  if (path !== undefined) {
    const { root, certificates } = path;
    const maker = root.kind === 'hardware' ? 'made' : 'provided';
    return {
      class: root.kind,
      reason: `Its TPM was ${maker} by ${root.manufacturer}, whose certificate authority vouches for it.`,
      chain: certificates.map(({ x509 }) => x509),
      root,
    };
  }
  if (search.forgery !== undefined) throw refused(search.forgery);
  const last = search.longest.at(-1) ?? leaf;
  const why = search.obstacle ?? `nobody who is trusted here is ${oneLine(last.x509.issuer)}`;
  return unverified(
    `The certificate of its TPM leads to no maker that is trusted here: ${why}.`,
    search.longest,
  );
}

/** The built-in ones are the same bytes at every enrolment. What a device sends is never kept. */
const read = new WeakMap<Buffer, MakerCertificate | undefined>();

function readOnce(der: Buffer): MakerCertificate | undefined {
  if (!read.has(der)) read.set(der, readMakerCertificate(der));
  return read.get(der);
}

/** Depth first, bounded; remembers why the paths that it tried end. */
class PathSearch {
  /** What no honest TPM shows. */
  forgery: string | undefined;
  obstacle: string | undefined;
  longest: readonly MakerCertificate[] = [];
  readonly #roots: readonly PinnedCertificate[];
  readonly #helpers: readonly MakerCertificate[];
  #checks = 0;

  constructor(chain: readonly Buffer[], roots: readonly PinnedRoot[]) {
    this.#roots = roots.flatMap((root) => {
      const certificate = readOnce(root.der);
      return certificate === undefined ? [] : [{ root, certificate }];
    });
    this.#helpers = [
      ...chain.slice(0, MAX_PATH).map(readMakerCertificate),
      ...KNOWN_INTERMEDIATES.map(readOnce),
    ].filter((certificate) => certificate !== undefined);
  }

  from(
    path: readonly MakerCertificate[],
  ): { root: PinnedRoot; certificates: MakerCertificate[] } | undefined {
    const child = path.at(-1);
    if (child === undefined || path.length >= MAX_PATH) return undefined;
    if (path.length > this.longest.length) this.longest = path;
    return this.#toRoot(path, child) ?? this.#onwards(path, child);
  }

  #toRoot(path: readonly MakerCertificate[], child: MakerCertificate) {
    const named = this.#roots.filter(({ certificate }) => names(child, certificate));
    for (const { root, certificate } of named) {
      if (this.#issued(certificate, child, path)) return { root, certificates: [...path, certificate] };
    }
    // Makers have several roots of one name; only when none of them signed it, nobody did.
    if (named.length > 0 && !named.some(({ certificate }) => this.#signed(certificate, child))) {
      this.forgery ??= `A certificate says that ${oneLine(child.x509.issuer)} signed it, which is not so.`;
    }
    return undefined;
  }

  #onwards(path: readonly MakerCertificate[], child: MakerCertificate) {
    for (const issuer of this.#helpers) {
      const isNew = path.every(({ x509 }) => !x509.raw.equals(issuer.x509.raw));
      if (!isNew || !names(child, issuer) || !this.#issued(issuer, child, path)) continue;
      const found = this.from([...path, issuer]);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #issued(issuer: MakerCertificate, child: MakerCertificate, path: readonly MakerCertificate[]): boolean {
    if (!this.#signed(issuer, child)) return false;
    const name = oneLine(issuer.x509.subject);
    if (!issuer.isAuthority || issuer.keyUsage?.has(KEY_USAGE.keyCertSign) === false) {
      this.forgery ??= `${name} signed a certificate, but is no certificate authority.`;
    } else if (issuer.pathLength !== undefined && path.length - 1 > issuer.pathLength) {
      this.forgery ??= `There are more authorities below ${name} than it may have.`;
    } else if (issuer.strangers.length > 0) {
      this.forgery ??= `The certificate of ${name} has a critical extension that is not known here.`;
    } else if (!child.hasModernSignature && !isPublished(child)) {
      this.obstacle ??= `${name} signed with an algorithm that is not safe any more`;
    } else if (!wasValidFor(issuer, child)) {
      this.obstacle ??= `${name} was not valid when it signed`;
    } else return true;
    return false;
  }

  #signed(issuer: MakerCertificate, child: MakerCertificate): boolean {
    this.#checks += 1;
    if (this.#checks > MAX_CHECKS) {
      this.obstacle ??= 'there are too many issuers of one name';
      return false;
    }
    try {
      return child.x509.verify(issuer.publicKey);
    } catch {
      // A key of another kind than the signature.
      return false;
    }
  }
}

/** RFC 5280 §4.2.1.1: by name and, where both say it, by the number of the key. */
function names(child: MakerCertificate, issuer: MakerCertificate): boolean {
  const sameKey =
    child.authorityKeyId === undefined ||
    issuer.subjectKeyId === undefined ||
    child.authorityKeyId === issuer.subjectKeyId;
  return sameKey && child.x509.issuer === issuer.x509.subject;
}

/** What a maker published long ago cannot be made again to fit a hash. */
function isPublished({ x509 }: MakerCertificate): boolean {
  return KNOWN_INTERMEDIATES.some((der) => der.equals(x509.raw));
}

function wasValidFor(issuer: MakerCertificate, child: MakerCertificate): boolean {
  const issued = child.x509.validFromDate;
  return issuer.x509.validFromDate <= issued && issued <= issuer.x509.validToDate;
}

/** TCG EK Credential Profile §3.2: no authority, for encryption, and for an endorsement key when it says what for. */
function assertEndorsementProfile(leaf: MakerCertificate): void {
  const usage = leaf.keyUsage;
  if (leaf.isAuthority) throw refused('The certificate is one of an authority, not of a TPM.');
  if (usage?.has(KEY_USAGE.keyEncipherment) === false && !usage.has(KEY_USAGE.keyAgreement)) {
    throw refused('The certificate is not for a key that decrypts, as an endorsement key does.');
  }
  if (leaf.extendedKeyUsage?.includes(EK_CERTIFICATE) === false) {
    throw refused('The certificate is for something else than an endorsement key.');
  }
  if (leaf.strangers.length > 0) {
    throw refused('The certificate of its TPM has a critical extension that is not known here.');
  }
}

function unverified(reason: string, path: readonly MakerCertificate[]): Endorsement {
  return { class: 'unverified', reason, chain: path.map(({ x509 }) => x509), root: null };
}

function refused(sentence: string): RaypherError {
  return new RaypherError('enrolment/attestation-refused', sentence, {
    hint: 'If this is a machine of yours, look whether its firmware is genuine; it can enrol without a TPM.',
  });
}

/** Names come from strangers: on one line, at most 200 characters. */
function oneLine(name: string | undefined): string {
  const plain = (name ?? '').replaceAll(/[\p{C}\s]+/gu, ', ').slice(0, 200);
  return plain === '' ? 'an issuer without a name' : plain;
}

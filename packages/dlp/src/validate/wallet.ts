import { sha256 } from '@noble/hashes/sha2.js';
import { keccak_256 } from '@noble/hashes/sha3.js';

const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
const BECH32 = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
/** BIP 173 and BIP 350: the remainder that a good checksum leaves. */
const BECH32_REMAINDERS = [1, 0x2bc830a3];

/** Base58Check as in Bitcoin: 21 bytes and four of a double SHA-256. */
export function isBase58CheckAddress(text: string): boolean {
  let number = 0n;
  for (const character of text) {
    const value = BASE58.indexOf(character);
    if (value < 0) return false;
    number = number * 58n + BigInt(value);
  }
  const bytes = new Uint8Array(25);
  for (let index = 24; index >= 0; index--, number >>= 8n) bytes[index] = Number(number & 0xffn);
  const checksum = sha256(sha256(bytes.subarray(0, 21)));
  return number === 0n && bytes.subarray(21).every((byte, index) => byte === checksum[index]);
}

/** Bech32 and Bech32m (BIP 173, BIP 350) of any human-readable part. */
export function isBech32Address(text: string): boolean {
  const lower = text.toLowerCase();
  if (text !== lower && text !== text.toUpperCase()) return false;
  const separator = lower.lastIndexOf('1');
  const prefix = [...lower.slice(0, separator)].map((character) => character.charCodeAt(0));
  const data = [...lower.slice(separator + 1)].map((character) => BECH32.indexOf(character));
  if (separator < 1 || data.length < 6 || data.includes(-1)) return false;
  const values = [...prefix.map((code) => code >> 5), 0, ...prefix.map((code) => code & 31), ...data];
  return BECH32_REMAINDERS.includes(polymod(values));
}

function polymod(values: readonly number[]): number {
  const generators = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
  return values.reduce((checksum, value) => {
    const top = checksum >>> 25;
    const shifted = ((checksum & 0x1ffffff) << 5) ^ value;
    return generators.reduce((sum, generator, bit) => ((top >> bit) & 1 ? sum ^ generator : sum), shifted);
  }, 1);
}

/** EIP-55: letters of the address in upper case where the hash of the address says so. One case alone carries no checksum. */
export function hasEthereumChecksum(address: string): boolean {
  const hex = address.slice(2);
  const lower = hex.toLowerCase();
  if (hex === lower || hex === hex.toUpperCase()) return false;
  const hash = keccak_256(new TextEncoder().encode(lower));
  return [...hex].every((character, index) => {
    const byte = hash[index >> 1] ?? 0;
    const nibble = index % 2 === 0 ? byte >> 4 : byte & 15;
    return character === (nibble > 7 ? character.toUpperCase() : character.toLowerCase());
  });
}

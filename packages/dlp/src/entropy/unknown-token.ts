import { hasKnownShape } from './known-shapes.ts';
import { isPlaceholder, isTypedSequence } from './placeholder.ts';
import { shannonEntropy } from './shannon.ts';
import { wordiness } from './wordiness.ts';

/** Shortest and longest token that is judged without a name beside it. */
export const LEAST_UNKNOWN = 24;
const MOST_UNKNOWN = 160;

/** What stands before digests, media, links and the identifiers of builds. */
const HARMLESS_BEFORE =
  /(?:sha\d{1,3}[-:=]?|md5[-:=]?|h1:|base64,|integrity["']?\s?[:=]\s?["']?|@sha256:|\/|\\|=|#|%|&|\?|[\w.]@|checksum["']?\s?[:=]\s?["']?|digest["']?\s?[:=]\s?["']?|etag["']?\s?[:=]\s?(?:W\/)?["']?|nonce["'-]?\s?[:=]?\s?["']?|\w[.~]|__)$/i;
/** Names of what is shown to everybody: ids of requests, parts of public keys (RFC 7517), proofs in the DNS, keys of widgets. */
const PUBLIC_NAME =
  /(?:\b(?:request|trace|span|correlation|cf|amz)[-_]?id(?:-2)?["']?\s?[:=]\s?["']?|["'](?:kid|x|y|n|x5t(?:#S256)?)["']\s?:\s?["']|\bTXT\s{1,8}["']?|(?:site[-_]?key|version[-_]?id|(?:response|assertion)id|boundary|signature|code[-_]?challenge|(?:next|continuation|page|sync)[-_]?token)["']?\s?[:=]\s?["']?)$/i;

/**
 * Whether a token of unknown origin looks drawn at random by a machine that meant it to be secret.
 *
 * @param before up to 32 characters in front of it
 * @param after one character behind it
 */
export function looksLikeUnknownSecret(token: string, before: string, after: string): boolean {
  if (token.length > MOST_UNKNOWN || /=[^=]/.test(token) || !isMixed(token) || HARMLESS_BEFORE.test(before))
    return false;
  if (PUBLIC_NAME.test(before)) return false;
  if (after === '/' || after === '.' || after === '(' || after === '%') return false;
  if (
    /\/.*\//.test(token) ||
    /^[+/=-]|--|__/.test(token) ||
    hasKnownShape(token) ||
    isPlaceholder(token) ||
    isTypedSequence(token) ||
    isEncodedText(token)
  )
    return false;
  return wordiness(token) < 0.62 && transitions(token) >= 0.34 && shannonEntropy(token) >= 4;
}

function isMixed(token: string): boolean {
  return /[a-z]/.test(token) && /[A-Z]/.test(token) && (token.match(/\d/g)?.length ?? 0) >= 3;
}

/** Share of neighbours of different kinds (small, capital, digit, mark): random text changes more often than names. */
function transitions(token: string): number {
  const kind = (code: number) => (code >= 97 ? 1 : code >= 65 ? 2 : code >= 48 ? 3 : 4);
  let changes = 0;
  for (let index = 1; index < token.length; index++)
    if (kind(token.charCodeAt(index)) !== kind(token.charCodeAt(index - 1))) changes++;
  return changes / (token.length - 1);
}

/** Base64 of something that can be read: judged by whoever decodes it, not by its looks. */
function isEncodedText(token: string): boolean {
  try {
    return /^[\t\n\r\x20-\x7E]+$/.test(atob(token.replaceAll('-', '+').replaceAll('_', '/')));
  } catch {
    return false;
  }
}

import { isPlaceholder, isTypedSequence } from '../entropy/placeholder.ts';
import { shannonEntropy } from '../entropy/shannon.ts';
import { wordiness } from '../entropy/wordiness.ts';

/** Parts of names whose value is a secret, whatever the service. */
export const SECRET_NAMES = [
  'password',
  'passwd',
  'passphrase',
  'pwd',
  'secret',
  'token',
  'api_key',
  'apikey',
  'api-key',
  'access_key',
  'accesskey',
  'access-key',
  'private_key',
  'privatekey',
  'private-key',
  'auth_key',
  'authkey',
  'user_auth',
  'credential',
  'creds',
  'encryption_key',
  'encryptionkey',
  'signing_key',
  'signingkey',
  'master_key',
  'passwort',
  'contrasena',
  'mot_de_passe',
  'license_key',
  'session_key',
  'client_key',
  'account_key',
  'service_key',
  'shared_key',
  'secretkey',
] as const;

const PASSWORD = /pass(?:wor[dt]|wd|phrase)?|pwd|contrasena|mot_de_passe/i;
/** Names that tell of something about a secret, not the secret. */
const ABOUT =
  /public|pub_?key|foreign|primary|csrf|xsrf|hash|length|size|count|limit|max|min_|expir|ttl|timeout|policy|(?:^|[._-])(?:url|uri|path|file|name|type|version|header|field|prefix|suffix|label|placeholder|hint|mode|kind|format|regex|pattern|provider|manager|vault|store|endpoint|event|issuer|algorithm|usage|budget|_ref)(?:$|["'\s._-])|(?:[a-z]|_|-)(?:Id|ID|id|Ids|Url|URL|Uri|Path|File|Name|Type|Version|Header|Field|Prefix|Length|Size|Count|Ref|Provider|Policy|Store|Hash|Alg|Expiry|Reset|Limit|Manager|Service|Class|Impl|Handler|Factory|Format|Pattern|Label|Hint|Input|Form|Page|Button|Error|Event|Arn|ARN)\b|_(?:id|ids|url|uri|path|file|name|type|version|arn|ref|hash|field|header)(?![a-z0-9])|tokens\b|tokeniz|token_?(?:id|type|count|file|limit|index|address|address|uri|url|expir)|credentials?-?id|secretsid|keyword|monkey|keyboard/i;

const LONGEST = 512;

/** Whether a value under such a name is a secret rather than a word, a call or a template. */
export function isSecretValue(name: string, value: string, quoted: boolean): boolean {
  // First what costs least: a quote that is never closed makes everything behind it a value.
  if (value.length > LONGEST || /\s/.test(value)) return false;
  if (ABOUT.test(name) || isPlaceholder(value) || isTypedSequence(value)) return false;
  if (value.length >= 8 && name.toLowerCase().includes(value.toLowerCase())) return false;
  if (/^(?:https?:|s3:|file:|arn:|\/|\.\/|~\/|[A-Z]:\\)/.test(value)) return false;
  return PASSWORD.test(name) ? isPassword(value, quoted) : isToken(value);
}

/** Six characters of two kinds are enough: people choose short ones. */
function isPassword(value: string, quoted: boolean): boolean {
  if (value.length < 6 || value.length > 128) return false;
  const digits = /\d/.test(value);
  const letters = /[A-Za-z]/.test(value);
  const marks = /[^A-Za-z0-9_.\-/]/.test(value);
  if (isCode(value)) return false;
  return letters && (digits || (marks && quoted)) && shannonEntropy(value) >= 2;
}

/** Machines choose long random ones. */
function isToken(value: string): boolean {
  if (value.length < 10 || isCode(value)) return false;
  if (!/\d/.test(value) || !/[A-Za-z]/.test(value)) return false;
  if (/^[\w-]{1,40}\.[\w.-]{1,60}$/.test(value) && wordiness(value) > 0.6) return false;
  if (/^[a-z]+(?:[-_.:][a-z0-9]+){1,8}$/i.test(value) && wordiness(value) > 0.55 && value.length < 40)
    return false;
  if (/^\d[\d.:T+Z_-]*$/.test(value)) return false;
  const words = wordiness(value) > 0.72 && (value.match(/\d/g)?.length ?? 0) < 4;
  return !words && shannonEntropy(value) >= (value.length < 16 ? 2.8 : 3);
}

/** Calls, member access, interpolation. */
function isCode(value: string): boolean {
  return /^[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)+$/.test(value) && wordiness(value) > 0.5
    ? true
    : /^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$|^[a-z]+[A-Z][a-zA-Z]*$|^[$@%]|\(|=>|::|\$\{|^[a-z_]+$/.test(value);
}

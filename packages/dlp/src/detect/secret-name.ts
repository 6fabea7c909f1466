import { isPlaceholder, isTypedSequence } from '../entropy/placeholder.ts';
import { shannonEntropy } from '../entropy/shannon.ts';
import { wordiness } from '../entropy/wordiness.ts';
import type { Assignment } from './assignment.ts';

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
  'masterkey',
  'master key',
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
  'api key',
  'access key',
  'license key',
  'encryption key',
  'api.key',
  'access.key',
  'app_key',
  'write_key',
  'writekey',
  'preshared',
  'pre_shared_key',
  'pre-shared-key',
  'passcode',
  'kennwort',
  'contrase',
  'mot de passe',
  'senha',
  'wachtwoord',
  'db_pass',
  'dbpass',
  'smtp_pass',
  'smtp-pass',
  'db-pass',
  'smtppass',
  'mail_pass',
  'email_pass',
  'user_pass',
  'root_pass',
  'admin_pass',
  'ssh_pass',
  'ftp_pass',
  'become_pass',
  'sudo_pass',
  'ldap_pass',
  'mysql_pass',
  'postgres_pass',
  'redis_pass',
  'login_pass',
  'storepass',
  'keypass',
] as const;

const PASSWORD =
  /pass(?:wor[dt]|wd|phrase|code)?|_pass(?![a-z])|-pass(?![a-z])|(?:db|smtp|store|key)pass|pwd|contrase|mot.de.passe|kennwort|senha|wachtwoord/i;
/** Names that tell of something about a secret, not the secret. */
const ABOUT =
  /public|pub_?key|foreign|primary|csrf|xsrf|hash|length|size|count|limit|max|min_|expir|ttl|timeout|policy|(?:^|[._-])(?:url|uri|path|file|name|type|version|header|field|prefix|suffix|label|placeholder|hint|mode|kind|format|regex|pattern|provider|manager|vault|store|endpoint|event|issuer|algorithm|usage|budget|_ref)(?:$|["'\s._-])|(?:[a-z]|_|-)(?:Id|ID|id|Ids|Url|URL|Uri|Path|File|Name|Type|Version|Header|Field|Prefix|Length|Size|Count|Ref|Provider|Policy|Store|Hash|Alg|Expiry|Reset|Limit|Manager|Service|Class|Impl|Handler|Factory|Format|Pattern|Label|Hint|Input|Form|Page|Button|Error|Event|Arn|ARN)\b|_(?:id|ids|url|uri|path|file|name|type|version|arn|ref|hash|field|header)(?![a-z0-9])|tokens\b|(?:page|next|sync|continuation|cursor)_?token|tokeniz|token_?(?:id|type|count|file|limit|index|address|address|uri|url|expir)|credentials?-?id|secretsid|keyword|monkey|keyboard/i;

const LONGEST = 512;

/** Whether a value under such a name is a secret rather than a word, a call or a template. */
export function isSecretValue({ name, quoted, spoken }: Assignment, value: string): boolean {
  // First what costs least: a quote that is never closed makes everything behind it a value.
  if (value.length > LONGEST || /\s/.test(value)) return false;
  if (ABOUT.test(name) || isPlaceholder(value) || isTypedSequence(value)) return false;
  if (value.length >= 8 && name.toLowerCase().includes(value.toLowerCase())) return false;
  if (/^(?:https?:|s3:|file:|arn:|\/|\.\/|~\/|[A-Z]:\\)/.test(value)) return false;
  if (!quoted && isTypeName(value)) return false;
  if (spoken && !standsOutOfSentence(value)) return false;
  return PASSWORD.test(name) ? isPassword(value, quoted) : isToken(value);
}

/** Names of algorithms, versions and times have letters and digits, too. */
const TERM =
  /^(?:sha|md|aes|rsa|base|utf|pbkdf|bcrypt|argon|scrypt|oauth|jwt|[hrep]s|v|p|u)[-_]?\d|^\d+(?:[-/]?[a-z]{1,8}|[-:.]\d.*)$/i;

function standsOutOfSentence(value: string): boolean {
  if (TERM.test(value)) return false;
  // `two-factor2`, `config/v2`: words with marks between them.
  return (
    /[!@#$%^&*+=]/.test(value) ||
    !/^[A-Za-z]{2,}(?:[-_./:][\w]{1,24}){1,6}$/.test(value) ||
    wordiness(value) < 0.4
  );
}

/** Six characters of two kinds are enough: people choose short ones. */
function isPassword(value: string, quoted: boolean): boolean {
  if (value.length < 6 || value.length > 128) return false;
  const digits = /\d/.test(value);
  const letters = /[A-Za-z]/.test(value);
  const marks = /[^A-Za-z0-9_.\-/]/.test(value);
  if (isDrawnAtRandom(value)) return true;
  if (isCode(value)) return false;
  return letters && (digits || (marks && quoted)) && shannonEntropy(value) >= 2;
}

/** Machines choose long random ones. */
function isToken(value: string): boolean {
  if (value.length < 10 || isCode(value)) return false;
  if (!/\d/.test(value) || !/[A-Za-z]/.test(value)) return false;
  if (/^[\w-]{1,40}\.[\w.-]{1,60}$/.test(value) && wordiness(value) > 0.6) return false;
  if (
    /^[a-z]+(?:[-_.:][a-z0-9]+){1,8}$/i.test(value) &&
    wordiness(value) > 0.55 &&
    value.length < 40 &&
    !/[a-z0-9]{24}/i.test(value)
  )
    return false;
  if (/^\d[\d.:T+Z_-]*$/.test(value)) return false;
  if (/^[\w.-]{1,40}(?:\/[\w.-]{1,40}){1,6}$/.test(value) && wordiness(value) > 0.6) return false;
  const words = wordiness(value) > 0.72 && (value.match(/\d/g)?.length ?? 0) < 4;
  return !words && shannonEntropy(value) >= (value.length < 16 ? 2.8 : 3);
}

/** Letters alone, of both cases, that no word and no name in camel case has in this order. */
function isDrawnAtRandom(value: string): boolean {
  if (!/^[A-Za-z]{12,64}={0,2}$/.test(value)) return false;
  const changes = value.match(/[a-z](?=[A-Z])|[A-Z](?=[a-z])/g)?.length ?? 0;
  return changes / value.length >= 0.3 && wordiness(value) < 0.42;
}

/** `Uint8Array`, `CoreV1SecretKeySelector`: people put the digits of a password at its end. */
function isTypeName(value: string): boolean {
  const humps = value.match(/[A-Z][a-z]/g)?.length ?? 0;
  return (
    humps >= 2 &&
    value.length / humps >= 3.5 &&
    /^[A-Z][A-Za-z]*(?:\d{1,3}[A-Za-z]+){1,4}$/.test(value) &&
    wordiness(value) > 0.5
  );
}

/** Calls, member access, interpolation. */
function isCode(value: string): boolean {
  return /^[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)+$/.test(value) && wordiness(value) > 0.5
    ? true
    : /\w\[(?:\d{1,4}|\*|"[^"]{0,40}"|'[^']{0,40}')\]|^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$|^[a-z]+[A-Z][a-zA-Z]*$|^[$@%]|\(|=>|::|\$\{|^[a-z_]+$/.test(
        value,
      );
}

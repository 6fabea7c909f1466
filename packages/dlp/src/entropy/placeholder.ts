/** What people write where a secret would stand. */
const TEMPLATE =
  /^(?:\$|%[A-Za-z{(]|<|\{\{|\[|@[A-Z_]+@)|\$\{|\$\(|\{\{|<[a-z_ -]+>|\.\.\.|…|\*{3}|\(|process\.env|os\.environ|getenv|import\.meta|vault:|secretKeyRef/i;
const STAND_IN =
  /x{4,}|X{4,}|\.{3}|y{4,}|0{8,}|^(?:your|my|our|the|some|an?|insert|enter|replace|change|put|add|fake|dummy|mock)[-_ ][a-z]|^your[a-zA-Z]{4}|change[-_ ]?me|place[-_]?holder|redacted|example|sample|dummy|not[-_]?a[-_]?(?:real|secret)|todo|fixme|secret[-_]?here|key[-_]?here|token[-_]?here/i;
const ORDINARY = new Set(
  'password passwd passw0rd pass pwd secret token key api apikey api_key username user admin root test testing none null undefined true false string str number boolean object required optional optional[str] default value empty hidden unknown foo bar baz foobar abc123 abcdef 123456 12345678 changeit guest postgres mysql redis rabbitmq localhost basic bearer digest latin1 utf8 utf-8 utf8mb4 ascii sha1 sha256 sha512 md5 md5sum base64 hs256 rs256 es256 pbkdf2'.split(
    ' ',
  ),
);
const SEQUENCES = ['abcdefghijklmnopqrstuvwxyz', '0123456789', 'qwertyuiop', '9876543210'];

/** Whether a value only stands in for a secret: a template, a word such as `changeme`, a run of one character. */
export function isPlaceholder(value: string): boolean {
  const lower = value.toLowerCase();
  if (ORDINARY.has(lower.replace(/[^a-z0-9_[\]]+$/, '')) || TEMPLATE.test(value) || STAND_IN.test(value))
    return true;
  return /^(.)\1*$|^(?:secret|token|key)\d{1,2}$|^(?:abc|123|def|456|ghi|789|xyz|foo|bar)+$|^some[a-z]{3,}$/i.test(
    value,
  );
}

/** Whether a value was typed along the keyboard or the alphabet. */
export function isTypedSequence(value: string): boolean {
  const lower = value.toLowerCase();
  return SEQUENCES.some((sequence) => longestShared(lower, sequence) >= 8);
}

function longestShared(value: string, sequence: string): number {
  let longest = 0;
  let run = 1;
  for (let index = 1; index < value.length; index++) {
    const position = sequence.indexOf(value[index - 1] ?? '');
    run = position >= 0 && sequence[position + 1] === value[index] ? run + 1 : 1;
    longest = Math.max(longest, run);
  }
  return longest;
}

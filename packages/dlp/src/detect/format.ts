/**
 * Formats of credentials in a small notation: literal text with fields such as `{hex:40}` or `{word:20-60}`.
 * One line gives both the expression that matches and made-up examples, so no secret-looking string is stored.
 */
const FIELDS: Readonly<Record<string, { set: string; alphabet: string }>> = {
  digit: { set: '[0-9]', alphabet: '5839271604' },
  hex: { set: '[0-9a-f]', alphabet: '7c2e9a5f1d3b8064' },
  xhex: { set: '[0-9a-fA-F]', alphabet: '7c2E9a5F1d3B8064' },
  lower: { set: '[a-z]', alphabet: 'qzkfwvxjhgpbmt' },
  upper: { set: '[A-Z]', alphabet: 'QZKFWVXJHGPBMT' },
  lownum: { set: '[a-z0-9]', alphabet: 'q7zk2fw9vx4jh8gp3bm6t1' },
  upnum: { set: '[A-Z0-9]', alphabet: 'Q7ZK2FW9VX4JH8GP3BM6T1' },
  alnum: { set: '[A-Za-z0-9]', alphabet: 'q7ZkR2fw9VxT4jHc8Gp3bM6t' },
  word: { set: '[A-Za-z0-9_-]', alphabet: 'q7ZkR2fw9VxT4jHc8Gp3bM6t' },
  base64: { set: '[A-Za-z0-9+/]', alphabet: 'q7ZkR2fw9VxT4jHc8Gp3bM6t' },
  wide: { set: '[A-Za-z0-9_=-]', alphabet: 'q7ZkR2fw9VxT4jHc8Gp3bM6t' },
  dotted: { set: '[A-Za-z0-9_.=~-]', alphabet: 'q7ZkR2fw9VxT4jHc8Gp3bM6t' },
};

const FIELD = /\{([a-z0-9]+):(\d+)(?:-(\d+))?\}/g;
const UUID_FIELD = /\{uuid\}/g;
const UUID_FORMAT = '{xhex:8}-{xhex:4}-{xhex:4}-{xhex:4}-{xhex:12}';

function fieldNamed(name: string): { set: string; alphabet: string } {
  const field = FIELDS[name];
  if (!field) throw new TypeError(`The format has no field named ${name}`);
  return field;
}

/** Source of a regular expression without anchors; every repetition is bounded. */
export function patternOfFormat(format: string): string {
  const pieces: string[] = [];
  let end = 0;
  const expanded = format.replace(UUID_FIELD, UUID_FORMAT);
  for (const match of expanded.matchAll(FIELD)) {
    const [whole, name = '', least = '', most] = match;
    pieces.push(escapeLiteral(expanded.slice(end, match.index)));
    pieces.push(`${fieldNamed(name).set}{${most === undefined ? least : `${least},${most}`}}`);
    end = match.index + whole.length;
  }
  pieces.push(escapeLiteral(expanded.slice(end)));
  return pieces.join('');
}

/** A made-up value of that format; the same seed gives the same value. */
export function exampleOfFormat(format: string, seed = 1): string {
  let state = seed * 2_654_435_761;
  return format.replace(UUID_FIELD, UUID_FORMAT).replace(FIELD, (_, name: string, least: string) => {
    const { alphabet } = fieldNamed(name);
    return Array.from({ length: Number(least) }, () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return alphabet[(state >>> 16) % alphabet.length] ?? '';
    }).join('');
  });
}

/** The literal head: what the keyword search looks for, in lower case. */
export function keywordOfFormat(format: string): string {
  const [head = ''] = format.split('{');
  return head.toLowerCase();
}

function escapeLiteral(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
}

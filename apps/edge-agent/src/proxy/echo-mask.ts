import { Transform } from 'node:stream';

/** What stands for each byte of a value: nothing else of an answer changes, least of all its length. */
const MASK = 0x2a;

/**
 * Hides values in an answer to a request that they were put into: as they are, and as servers write what they repeat:
 * in base64 wherever it begins, percent-encoded, in hexadecimal, and with the escapes of JSON and HTML.
 */
export class EchoMask {
  readonly #patterns: readonly Buffer[];
  readonly #longest: number;
  /** 1 for each byte that some spelling begins with. */
  readonly #first = new Uint8Array(256);

  /** @param values of visible ASCII characters, 8 or more of them */
  constructor(values: readonly string[]) {
    const spellings = new Set(values.flatMap(spellingsOf));
    // The longest first: what is a part of another is hidden with it.
    this.#patterns = [...spellings]
      .toSorted((one, other) => other.length - one.length)
      .map((text) => Buffer.from(text, 'latin1'));
    this.#longest = this.#patterns[0]?.length ?? 0;
    for (const pattern of this.#patterns) this.#first[pattern[0] ?? 0] = 1;
  }

  /** A copy of the headers; one that has a value in its name is left out. Names are in lower case. */
  headers<Value extends string | string[] | undefined>(
    headers: Readonly<Record<string, Value>>,
  ): Record<string, string | string[] | undefined> {
    const masked: Record<string, string | string[] | undefined> = {};
    for (const [name, value] of Object.entries(headers)) {
      if (this.#patterns.some((pattern) => name.includes(pattern.toString('latin1').toLowerCase()))) continue;
      masked[name] = Array.isArray(value)
        ? value.map((one) => this.#text(one))
        : value === undefined
          ? undefined
          : this.#text(value);
    }
    return masked;
  }

  /** For a body as it arrives. Holds back only what could be the beginning of a value. */
  stream(): Transform {
    let held: Buffer = Buffer.alloc(0);
    return new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        const bytes = held.length === 0 ? Buffer.from(chunk) : Buffer.concat([held, chunk]);
        this.#hide(bytes);
        const kept = this.#begun(bytes);
        held = bytes.subarray(bytes.length - kept);
        done(null, bytes.subarray(0, bytes.length - kept));
      },
      flush: (done) => done(null, held),
    });
  }

  #text(text: string): string {
    const bytes = Buffer.from(text, 'latin1');
    return this.#hide(bytes) ? bytes.toString('latin1') : text;
  }

  /** In place. */
  #hide(bytes: Buffer): boolean {
    let isChanged = false;
    for (const pattern of this.#patterns) {
      for (let at = bytes.indexOf(pattern); at !== -1; at = bytes.indexOf(pattern, at + pattern.length)) {
        bytes.fill(MASK, at, at + pattern.length);
        isChanged = true;
      }
    }
    return isChanged;
  }

  /** How many bytes at the end may be the beginning of a value that goes on in the next chunk. */
  #begun(bytes: Buffer): number {
    for (let length = Math.min(this.#longest - 1, bytes.length); length > 0; length -= 1) {
      const from = bytes.length - length;
      if (this.#first[bytes[from] ?? 0] !== 1) continue;
      const isBeginning = this.#patterns.some(
        (pattern) =>
          pattern.length > length &&
          pattern[0] === bytes[from] &&
          pattern.compare(bytes, from, bytes.length, 0, length) === 0,
      );
      if (isBeginning) return length;
    }
    return 0;
  }
}

function spellingsOf(value: string): string[] {
  const bytes = Buffer.from(value, 'latin1');
  const json = JSON.stringify(value).slice(1, -1);
  const html = value.replace(/[&<>"']/g, (sign) => HTML[sign] ?? sign);
  const hex = bytes.toString('hex');
  const everyEscaped = [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
  return [
    value,
    json,
    json.replaceAll('/', '\\/'),
    json.replace(/[<>&']/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16).padStart(2, '0')}`),
    json.replace(
      /[<>&']/g,
      (sign) => `\\u00${sign.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}`,
    ),
    html,
    html.replaceAll('&#39;', '&#x27;'),
    html.replaceAll('&quot;', '&#34;'),
    ...escapedForUrls(value),
    everyEscaped,
    everyEscaped.toUpperCase(),
    hex,
    hex.toUpperCase(),
    ...base64Of(bytes),
  ];
}

const HTML: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Libraries differ in what they leave as it is. */
function escapedForUrls(value: string): string[] {
  const component = encodeURIComponent(value);
  const strict = component.replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
  const form = new URLSearchParams({ v: value }).toString().slice(2);
  const all = [component, strict, form, encodeURI(value)];
  return all.flatMap((text) => [text, text.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase())]);
}

/** The characters that are the value's alone, wherever in a longer text it stands (RFC 4648 §4 and §5). */
function base64Of(value: Buffer): string[] {
  return [0, 1, 2].flatMap((before) => {
    const shifted = Buffer.concat([Buffer.alloc(before), value]);
    const bits = shifted.length * 8;
    const cut = (text: string): string => text.slice(Math.ceil((before * 8) / 6), Math.floor(bits / 6));
    return [cut(shifted.toString('base64')), cut(shifted.toString('base64url'))];
  });
}

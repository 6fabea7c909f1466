/**
 * Makes text of a device fit for the database and for screens: no NUL (Postgres refuses it), no lone
 * surrogates, no control or bidirectional formatting characters that could disguise what is shown.
 *
 * @param most characters (UTF-16 units) that are kept.
 */
export function plainText(text: string, most: number): string {
  const cut = text.length > most ? text.slice(0, most) : text;
  return DISGUISES.test(cut) || !cut.isWellFormed()
    ? cut.toWellFormed().replaceAll(ALL_DISGUISES, '\ufffd')
    : cut;
}

/** Beyond ASCII, for a class of a regular expression: C1 controls, and UAX #9's marks, embeddings, overrides, isolates. */
export const DISGUISES_BEYOND_ASCII = '\\u007f-\\u009f\\u200e\\u200f\\u061c\\u202a-\\u202e\\u2066-\\u2069';
// And C0 controls except tab and newline.
const CLASS = `[\\u0000-\\u0008\\u000b-\\u001f${DISGUISES_BEYOND_ASCII}]`;
const DISGUISES = new RegExp(CLASS, 'u');
const ALL_DISGUISES = new RegExp(CLASS, 'gu');

import { readFile } from 'node:fs/promises';

const ROOT = new URL('../../../../', import.meta.url);

/** A document below the repository's root. */
export function readDocument(file: string): Promise<string> {
  return readFile(new URL(file, ROOT), 'utf8');
}

/** What stands between backticks in running text, on one line or over several, one space for each break. */
export function inlineCode(text: string): string[] {
  const prose = text.replaceAll(/^```[\s\S]*?^```/gm, '');
  return [...prose.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code.replaceAll(/\s+/g, ' ').trim());
}

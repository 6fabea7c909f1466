import { fingerprintDocument } from '@raypher/dlp';
import { RaypherError } from '@raypher/shared';
import { Command } from 'commander';
import { withJson } from '../global-options.ts';
import { print } from '../output.ts';
import { readSource } from './policy-file.ts';

/** What a policy takes of one document. */
const MOST_SHINGLES = 20_000;

export const fingerprintCommand = withJson(new Command('fingerprint'))
  .description('print what recognises a text document, for dlp.fingerprints of a policy; holds no text')
  .argument('<file>', 'a text, UTF-8')
  .option('--id <id>', 'how rules shall name it', 'document')
  .addHelpText(
    'after',
    `
Examples:
  raypher policy fingerprint merger-letter.txt --id merger-letter

Exit codes: 0 printed, 2 the text is too short or too long, 3 not permitted, 4 no file.`,
  )
  .action((file: string, { id, json }: { id: string; json?: boolean }) => {
    const shingles = fingerprintDocument(readSource(file));
    if (shingles.length === 0) {
      throw new RaypherError(
        'request/invalid',
        `${file} has fewer than six words: nothing of it can be recognised.`,
      );
    }
    if (shingles.length > MOST_SHINGLES) {
      throw new RaypherError(
        'request/invalid',
        `${file} is too long: a fingerprint has at most ${MOST_SHINGLES} runs.`,
        {
          hint: 'Split it, and give each part an id.',
        },
      );
    }
    print({ id, shingles }, json === true, () => [
      'dlp:',
      '  fingerprints:',
      `    - id: ${id}`,
      `      shingles: [${shingles.join(', ')}]`,
    ]);
  });

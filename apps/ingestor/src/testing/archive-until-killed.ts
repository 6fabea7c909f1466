import { z } from 'zod';
import { S3Store } from '../archive/s3-store.ts';
import { archiveParts } from './archive-parts.ts';

const Work = z.object({
  connectionString: z.string(),
  organisation: z.string(),
  archive: z.object({
    kind: z.literal('s3'),
    endpoint: z.string(),
    bucket: z.string(),
    prefix: z.string(),
    region: z.string(),
    pathStyle: z.boolean(),
    lock: z.enum(['compliance', 'governance', 'none']),
    accessKeyId: z.string(),
    secretAccessKey: z.string(),
  }),
});

/** A process that archives, to be killed meanwhile. What it needs comes by its standard input. */
const pieces: Buffer[] = [];
for await (const piece of process.stdin) pieces.push(piece);
const { connectionString, organisation, archive } = Work.parse(
  JSON.parse(Buffer.concat(pieces).toString('utf8')),
);
const { archiver, database } = archiveParts(connectionString);
await archiver.archive(organisation, new S3Store(archive), { force: true });
await database.close();

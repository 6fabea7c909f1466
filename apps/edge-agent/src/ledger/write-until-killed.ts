import { writeSync } from 'node:fs';
import { openDatabase } from '../store/database.ts';
import { EntryCipher } from '../store/entry-cipher.ts';
import { EventLog } from '../store/event-log.ts';
import { EDGE_AGENT } from './event-draft.ts';
import { Ledger, NOBODY } from './ledger.ts';

/**
 * The child process of the kill -9 test: records events as fast as it can and prints the sequence number
 * of each one that was acknowledged. It prints by `writeSync`, which waits for a parent that is slow to read and writes
 * all lines or none; `process.stdout` would gather what does not fit, and could be killed in the middle of a line.
 */
const STDOUT = 1;
const ledger = new Ledger(
  new EventLog(openDatabase(process.argv[2] ?? '').db, new EntryCipher(Buffer.alloc(32, 7))),
  NOBODY,
);
for (;;) {
  const recorded = await Promise.all(
    Array.from({ length: 7 }, (_, i) =>
      ledger.record({
        type: 'network.request',
        severity: 'info',
        actor: EDGE_AGENT,
        action: 'call',
        target: 'api.example.com/v1/chat/completions',
        data: { i },
      }),
    ),
  );
  writeSync(STDOUT, recorded.map(({ seq, hash }) => `${seq} ${hash}\n`).join(''));
}

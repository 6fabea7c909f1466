import { createInterface } from 'node:readline';
import { NotHere, type Told } from './attempt-definition.ts';
import { ATTEMPTS } from './attempts.ts';
import type { Stage } from './stage.ts';

/**
 * Runs inside an AI agent's tree. Reads a line of JSON with the stage, then ids of attempts, one a line; makes each
 * and prints a line of JSON about it.
 */
async function main(): Promise<void> {
  let stage: Stage | undefined;
  for await (const line of createInterface({ input: process.stdin })) {
    // What comes here is what `AttemptRunner` wrote.
    if (stage === undefined) stage = JSON.parse(line) as Stage;
    else process.stdout.write(`${JSON.stringify(await attempt(line, stage))}\n`);
  }
}

async function attempt(id: string, stage: Stage): Promise<Told> {
  const found = ATTEMPTS.find((each) => each.id === id);
  if (found === undefined) return { id, told: 'not here', because: 'there is no such attempt' };
  try {
    await found.attempt(stage);
    return { id, told: 'done' };
  } catch (error) {
    return told(id, error);
  }
}

/** Codes that say that this kernel, or this machine, does not have what the attempt uses. */
const ABSENT = ['ENOSYS', 'ENODEV', 'EOPNOTSUPP', 'ENOTSUP', 'EINVAL', 'EAFNOSUPPORT', 'ENXIO'];

function told(id: string, error: unknown): Told {
  const because = error instanceof Error ? error.message.slice(0, 200) : String(error);
  if (error instanceof NotHere) return { id, told: 'not here', because };
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return { id, told: ABSENT.includes(code) ? 'not here' : 'refused', because };
}

await main();

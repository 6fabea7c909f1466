// The program that `ClientProcess` starts: runs what it is told with the stock clients and says what came of it.
import { CLIENTS } from './clients.ts';
import type { Origins } from './origins.ts';
import { type ReceivedAnswer, Recorder } from './recorder.ts';
import type { Conversation, ScenarioName } from './scenario.ts';

export interface Task extends Conversation {
  readonly client: string;
  readonly scenario: ScenarioName;
  readonly origins: Origins;
  readonly apiKey: string;
}

export interface TaskResult {
  /** What the client gave, or what its error says. */
  readonly outcome: unknown;
  readonly received: ReceivedAnswer[];
}

/** Of an error, what a program can tell errors apart by. URLs differ with the way that is taken. */
const OF_ERRORS = [
  'name',
  'message',
  'status',
  'statusCode',
  'status_code',
  'code',
  'type',
  'param',
  'error',
  'lc_error_code',
  'responseBody',
  'isRetryable',
  'requestID',
  'reason',
] as const;

const recorder = new Recorder();

process.on('message', async (task: Task) => {
  const { client, scenario, origins, apiKey, retries, model } = task;
  const run = CLIENTS[client]?.(origins, apiKey)[scenario];
  let outcome: unknown;
  try {
    outcome = { value: await run?.({ retries, model }) };
  } catch (error) {
    outcome = { error: described(error) };
  }
  const result: TaskResult = { outcome, received: recorder.take() };
  process.send?.(JSON.stringify(result));
});
process.send?.('ready');

function described(error: unknown): unknown {
  if (!(error instanceof Error)) return String(error);
  const facts = Object.fromEntries(OF_ERRORS.map((name) => [name, Reflect.get(error, name)]));
  const within = [error.cause, Reflect.get(error, 'lastError')].filter((inner) => inner instanceof Error);
  return { kind: error.constructor.name, ...facts, within: within.map(described) };
}

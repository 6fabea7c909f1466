import { hash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CircuitBreaker,
  CircuitOpenError,
  type EntityRecogniser,
  GUESSED_ENTITIES,
  openOnnxRecogniser,
  PresidioRecogniser,
  ruleRecogniser,
  withFallback,
} from '@raypher/dlp';
import type { Config } from '../config/config.ts';
import { type NameSource, remembering } from './names.ts';

export type RecogniserConfig = Pick<
  Config,
  'dlpRecogniser' | 'dlpPresidioUrl' | 'dlpPresidioTimeoutMs' | 'dlpOnnxModel' | 'dlpBudgetMs'
>;

/** What was opened, or why there is none. */
export interface OpenedRecogniser {
  /** Undefined: nobody looks for names. */
  readonly source: NameSource | undefined;
  /** @returns why what was asked for does not work; undefined while it does */
  readonly fault: () => Promise<string | undefined>;
}

/** Entities below are not given, 0 to 1. */
const SCORE = 0.5;
/** Failures in a row after which Presidio is left alone, and how long, ms. */
const FAILURES = 3;
const REST_MS = 30_000;
/** Share of the budget that Presidio may use up, so that the rules can still answer in its place. */
const SHARE = 0.8;
const USUAL_BUDGET_MS = { rules: 20, presidio: 250, onnx: 250 };
/** Found by anything that finds names. */
const PROBE = 'Please ask Dr. Ada Lovelace about it.';

/**
 * Opens what the configuration names. What cannot be opened, or fails later, is replaced by the rules, and `fault` says
 * so. Never throws.
 *
 * @param failed told once for each row of failures, and without a reason when it works again
 */
export async function openRecogniser(
  config: RecogniserConfig,
  failed: (reason: string | undefined) => void,
): Promise<OpenedRecogniser> {
  const kind = config.dlpRecogniser;
  if (kind === 'off') return { source: undefined, fault: async () => 'the configuration says off' };
  const budgetMs = config.dlpBudgetMs ?? USUAL_BUDGET_MS[kind];
  const cacheKey = randomBytes(32).toString('base64');
  const keyed = (text: string): string => hash('sha256', cacheKey + text, 'base64');
  const rules = remembering(ruleRecogniser, keyed);
  const onlyRules = { recogniser: rules, budgetMs, failures: () => 0 };
  const insteadOf = (reason: string): OpenedRecogniser => {
    failed(reason);
    return { source: onlyRules, fault: async () => `${reason}; the rules look for names in its place` };
  };
  if (kind === 'rules') return { source: onlyRules, fault: () => faultOf(ruleRecogniser) };
  if (kind === 'presidio') {
    const { dlpPresidioUrl: url } = config;
    if (url === undefined) return insteadOf('dlp.presidio_url is not set');
    const timeoutMs = Math.max(1, Math.min(config.dlpPresidioTimeoutMs, Math.floor(budgetMs * SHARE)));
    return openPresidio(url, { timeoutMs, budgetMs, rules, keyed, failed });
  }
  const { dlpOnnxModel: folder } = config;
  if (folder === undefined) return insteadOf('dlp.onnx_model is not set');
  const opened = await openOnnxRecogniser({
    read: (file) => readFile(join(folder, file)),
    scoreThreshold: SCORE,
  });
  if ('unavailable' in opened) return insteadOf(`the model cannot be used: ${opened.unavailable}`);
  const { recogniser } = opened;
  const model = withRules(remembering(recogniser, keyed), rules, failed);
  return { source: { ...model, budgetMs }, fault: () => faultOf(recogniser) };
}

function openPresidio(
  url: string,
  parts: {
    timeoutMs: number;
    budgetMs: number;
    rules: EntityRecogniser;
    keyed: (text: string) => string;
    failed: (reason: string | undefined) => void;
  },
): OpenedRecogniser {
  const { timeoutMs, budgetMs, rules, keyed, failed } = parts;
  const breaker = new CircuitBreaker({ failures: FAILURES, restMs: REST_MS, now: () => performance.now() });
  const presidio = new PresidioRecogniser({
    url,
    fetch,
    breaker,
    language: 'en',
    scoreThreshold: SCORE,
    timeoutMs,
    entities: GUESSED_ENTITIES,
  });
  return {
    source: { ...withRules(remembering(presidio, keyed), rules, failed), budgetMs },
    fault: async () => {
      const instead = 'the rules look for names in its place';
      if (!(await presidio.healthy())) return `Presidio does not answer at ${url}; ${instead}`;
      return breaker.state === 'open' ? `Presidio failed several times in a row; ${instead}` : undefined;
    },
  };
}

/** One warning for each row of failures: what follows in it says nothing new. */
function withRules(
  first: EntityRecogniser,
  rules: EntityRecogniser,
  failed: (reason: string | undefined) => void,
): Pick<NameSource, 'recogniser' | 'failures'> {
  let failures = 0;
  let isTold = false;
  const watched: EntityRecogniser = {
    name: first.name,
    async recognise(texts, signal) {
      const found = await first.recognise(texts, signal);
      if (isTold) failed(undefined);
      isTold = false;
      return found;
    },
  };
  const recogniser = withFallback(watched, rules, (error) => {
    failures += 1;
    if (isTold || error instanceof CircuitOpenError) return;
    isTold = true;
    failed(error instanceof Error ? error.message : String(error));
  });
  return { recogniser, failures: () => failures };
}

async function faultOf(recogniser: EntityRecogniser): Promise<string | undefined> {
  try {
    const [entities = []] = await recogniser.recognise([PROBE]);
    return entities.length > 0 ? undefined : `${recogniser.name} finds no name in a text that has one`;
  } catch (error) {
    return `${recogniser.name} fails: ${error instanceof Error ? error.message : String(error)}`;
  }
}

import type { z } from 'zod';
import { isRecord } from './schema-parts.ts';
import { ASKING } from './schema-rule-parts.ts';
import { nearest } from './suggest.ts';

/** Where a document has things with an id, as paths below it. */
const LISTS = [
  ['network', 'rules'],
  ['operational', 'rules'],
  ['financial', 'limits'],
  ['temporal', 'rules'],
  ['dlp', 'rules'],
  ['trust', 'rules'],
  ['supply_chain', 'rules'],
  ['tools', 'rules'],
  ['routing', 'downgrade'],
  ['dlp', 'patterns'],
  ['dlp', 'dictionaries'],
  ['dlp', 'fingerprints'],
  ['exceptions'],
] as const;

/** Sections whose default is a ban unless they say otherwise. */
const WITH_DEFAULT = ['network', 'operational', 'dlp', 'supply_chain', 'tools'] as const;

type Context = z.core.$RefinementCtx<unknown>;

/**
 * An id names one thing in a document, so that a verdict's rule can be found. Runs on documents that may be
 * malformed, so that all mistakes are reported at once.
 */
export function refuseRepeatedIds(document: Record<string, unknown>, context: Context): void {
  const seen = new Set<string>();
  for (const path of LISTS) {
    itemsAt(document, path).forEach((item, index) => {
      if (!isRecord(item) || typeof item.id !== 'string') return;
      if (seen.has(item.id)) {
        const message = `rule id \`${item.id}\` is used more than once`;
        context.addIssue({ code: 'custom', message, path: [...path, index, 'id'] });
      }
      seen.add(item.id);
    });
  }
}

/** An exception is from a ban of its own document: no layer can make one from another layer's ban. */
export function refuseBadReferences(document: Record<string, unknown>, context: Context): void {
  const effects = effectsByRule(document);
  itemsAt(document, ['exceptions']).forEach((exception, index) => {
    if (!isRecord(exception) || !Array.isArray(exception.rules)) return;
    if (isForEverything(exception)) {
      const message =
        'this exception is as wide as its rule: change the rule, or say what the exception is for';
      context.addIssue({ code: 'custom', message, path: ['exceptions', index] });
    }
    exception.rules.forEach((rule: unknown, position) => {
      if (typeof rule !== 'string') return;
      const effect = effects.get(rule);
      if (effect !== undefined && effect !== 'allow') return;
      const message =
        effect === 'allow'
          ? `\`${rule}\` allows: there is nothing to make an exception from`
          : `this document has no rule \`${rule}\`; an exception is written where its rule is`;
      const suggestion = effect === undefined ? nearest(rule, effects.keys()) : undefined;
      const path = ['exceptions', index, 'rules', position];
      context.addIssue({ code: 'custom', message, path, params: { suggestion } });
    });
  });
}

/** A downgrade by budget is for a limit whose counter its own document describes. */
export function refuseBadBudgets(document: Record<string, unknown>, context: Context): void {
  const periods = new Map<string, unknown>();
  for (const limit of itemsAt(document, ['financial', 'limits'])) {
    if (isRecord(limit) && typeof limit.id === 'string') periods.set(limit.id, limit.per);
  }
  itemsAt(document, ['routing', 'downgrade']).forEach((rule, index) => {
    if (!isRecord(rule) || !isRecord(rule.budget) || typeof rule.budget.limit !== 'string') return;
    const { limit } = rule.budget;
    const per = periods.get(limit);
    if (per !== undefined && per !== 'request') return;
    const message =
      per === undefined
        ? `this document has no limit \`${limit}\` under \`financial.limits\``
        : `\`${limit}\` looks at each call alone: there is nothing of it that could be used up`;
    const suggestion = per === undefined ? nearest(limit, periods.keys()) : undefined;
    const path = ['routing', 'downgrade', index, 'budget', 'limit'];
    context.addIssue({ code: 'custom', message, path, params: { suggestion } });
  });
}

/** What an exception says about itself rather than about what it is for. */
const ABOUT_ITSELF = new Set(['id', 'rules', 'effect', ...Object.keys(ASKING), 'owner', 'reason', 'expires']);

/** It has matchers, and every one of them holds for whatever there is. */
function isForEverything(exception: Record<string, unknown>): boolean {
  const matchers = Object.entries(exception).filter(([key]) => !ABOUT_ITSELF.has(key));
  return matchers.length > 0 && matchers.every(([, value]) => holdsAlways(value));
}

function holdsAlways(matcher: unknown): boolean {
  if (Array.isArray(matcher)) return matcher.some((pattern) => pattern === '*' || pattern === '**');
  return isRecord(matcher) && Object.values(matcher).every((one) => Array.isArray(one) && holdsAlways(one));
}

function effectsByRule(document: Record<string, unknown>): Map<string, unknown> {
  const effects = new Map<string, unknown>();
  for (const path of LISTS) {
    if (path[0] === 'exceptions' || path[1] !== 'rules') continue;
    for (const item of itemsAt(document, path)) {
      if (isRecord(item) && typeof item.id === 'string') effects.set(item.id, item.effect);
    }
  }
  for (const section of WITH_DEFAULT) {
    const value = document[section];
    if (isRecord(value)) effects.set(`${section}/default`, value.default ?? 'deny');
  }
  const { dlp } = document;
  if (isRecord(dlp)) effects.set('dlp/on_unscannable', dlp.on_unscannable ?? 'block');
  return effects;
}

function itemsAt(document: Record<string, unknown>, path: readonly string[]): unknown[] {
  const found = path.reduce<unknown>((value, step) => (isRecord(value) ? value[step] : undefined), document);
  return Array.isArray(found) ? found : [];
}

import { z } from 'zod';
import { identifier } from './schema-parts.ts';
import { agents, complete, ID, models, providers, REASON, times } from './schema-rule-parts.ts';
import { whenOf } from './schema-when.ts';

/**
 * Goes into request bodies and, with some providers, into paths: nothing in it may be taken for anything else.
 */
const ModelName = z
  .string()
  .regex(
    /^[A-Za-z0-9](?:[A-Za-z0-9_:@+-]|[./](?![./])){0,255}$/,
    'must be the name of a model: letters, digits and . _ - : @ + / between them',
  );

const Target = z.strictObject({
  provider: identifier
    .optional()
    .describe('The alias is for calls to this provider alone; for calls to any unless set.'),
  model: ModelName.describe('The model that is called instead.'),
});

const BudgetCondition = z
  .strictObject({
    limit: z.string().min(1).max(64).describe('Id of a limit of this document, per hour, day or month.'),
    above: z
      .number()
      .min(0)
      .max(1)
      .describe('The share of it that is spent or reserved, above which the rule holds: 0.8 is four fifths.'),
  })
  .describe('How much of a limit is used.');

const DowngradeRule = complete(
  z.strictObject({
    id: ID,
    models,
    providers,
    agents,
    times,
    when: whenOf(['model.call']).optional(),
    budget: BudgetCondition.optional(),
    to: z
      .strictObject({ model: ModelName.describe('The model that is called instead, of the same provider.') })
      .describe('Where the call goes. Other providers have another API and cannot be named.'),
    reason: REASON,
  }),
  ['models', 'providers', 'agents', 'times', 'when', 'budget'],
  "models: ['*'] matches everything",
);
export type DowngradeRule = z.infer<typeof DowngradeRule>;

/** A model's name in the way a request says it, unlike a pattern. */
const AliasName = z
  .string()
  .regex(/^[^\s*]{1,256}$/, 'must be a name: no spaces, no *')
  .describe('The name that AI agents call; case is ignored.');

export const RoutingSection = z
  .strictObject({
    aliases: z
      .record(AliasName, Target)
      .refine((aliases) => Object.keys(aliases).length <= 1_000, 'at most 1000 aliases')
      .optional()
      .describe('Names of models by what is called instead.'),
    downgrade: z
      .array(DowngradeRule)
      .max(1_000)
      .optional()
      .describe('Tried in order; the first rule that matches sends the call to another model.'),
  })
  .describe(
    'Which model is called in place of the one that was asked for. The model it leads to is decided by all rules.',
  );
export type RoutingSection = z.infer<typeof RoutingSection>;

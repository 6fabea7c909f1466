import { type LayeredDocument, listExceptions, SECTIONS } from '@raypher/policy';
import { Command } from 'commander';
import { type GlobalOptions, withGlobalOptions, withJson } from '../global-options.ts';
import { count, print, printable, table } from '../output.ts';
import { askPolicy, type PolicyInForce } from './policy-in-force.ts';

export const showCommand = withJson(withGlobalOptions(new Command('show')))
  .description('show the policy that is in force on this device: layers, revision, mode and exceptions')
  .addHelpText(
    'after',
    `
With --json the documents are printed whole, defaults filled in.

Examples:
  raypher policy show
  raypher policy show --json | jq '.documents[] | select(.layer == "global").document'

Exit codes: 0 shown, 3 not permitted, 7 the service is not running.`,
  )
  .action(async (options: GlobalOptions) => {
    const policy = await askPolicy(options);
    print(policy, options.json === true, () => describePolicy(policy, Date.now()));
  });

/** @param at milliseconds since 1970 */
export function describePolicy(policy: PolicyInForce, at: number): string[] {
  const { revision, digest, mode, documents } = policy;
  const exceptions = listExceptions(documents, at);
  return [
    ...table(
      ['Policy', revision === 0 ? 'none from a control plane' : `revision ${revision}`],
      [
        ['mode', mode],
        ['digest', digest],
      ],
    ),
    '',
    ...(documents.length === 0
      ? ['There is no document: everything is denied.']
      : table(['LAYER', 'MODE', 'SAYS'], documents.map(layerRow))),
    ...(exceptions.length === 0
      ? []
      : [
          '',
          ...table(
            ['EXCEPTION', 'FROM', 'LAYER', 'OWNER', 'EXPIRES', 'REASON'],
            exceptions.map(({ id, rules, layer, owner, expires, isExpired, reason }) => [
              id,
              rules.join(', '),
              layer,
              owner,
              isExpired ? `${expires} (over)` : expires,
              reason,
            ]),
          ),
        ]),
  ].map((line) => printable(line));
}

function layerRow({ layer, document }: LayeredDocument): string[] {
  const says = SECTIONS.flatMap((section) => {
    const content = document[section];
    if (content === undefined) return [];
    const parts = [
      ...('rules' in content ? [count(content.rules.length, 'rule')] : []),
      ...('limits' in content ? [count(content.limits.length, 'limit')] : []),
      ...('default' in content ? [`default ${content.default}`] : []),
      ...('downgrade' in content ? [count(content.downgrade?.length ?? 0, 'downgrade')] : []),
    ];
    return [`${section} (${parts.join(', ')})`];
  });
  return [layer, document.mode, says.join('; ')];
}

import {
  type ActionRequest,
  explain,
  explainInWords,
  type ModelRoute,
  type PolicyLayer,
  type PolicySnapshot,
  requestOfEvent,
  routeModel,
  toRequest,
} from '@raypher/policy';
import { RaypherError } from '@raypher/shared';
import { Command } from 'commander';
import { type GlobalOptions, withGlobalOptions, withJson } from '../global-options.ts';
import { print, printable } from '../output.ts';
import { type LayerFile, layerOption, readSnapshot, withLayersOption } from './policy-file.ts';
import { askEntry, askPolicy, snapshotInForce } from './policy-in-force.ts';
import { type RequestOptions, requestOf, withRequestOptions } from './request-options.ts';

interface ExplainOptions extends GlobalOptions, RequestOptions {
  layer: PolicyLayer;
  with: LayerFile[];
  event?: number;
}

export const explainCommand = withJson(
  withRequestOptions(
    withGlobalOptions(new Command('explain'))
      .description('say what a policy decides about an action, which rule does, and why the others do not')
      .argument('[policy]', 'a policy document; without one, the policy in force on this device')
      .option('--event <number>', 'an entry of the ledger of this device, by its number', parseEvent)
      .addOption(layerOption())
      .addOption(withLayersOption()),
  ),
)
  .addHelpText(
    'after',
    `
Examples:
  raypher policy explain policy.yaml --host api.deepseek.com --model deepseek-chat
  raypher policy explain policy.yaml --file /etc/shadow --action file.write --user build
  raypher policy explain policy.yaml --finding credential:openai-api-key --host api.openai.com
  raypher policy explain policy.yaml --with team=team.yaml --tool delete_all --server postgres
  raypher policy explain policy.yaml --request request.json
  raypher policy explain --event 1042

Exit codes: 0 explained (whatever the verdict), 2 no request, 3 not permitted, 4 no file or entry,
7 the service is not running, 9 the document has mistakes.`,
  )
  .action(async (file: string | undefined, options: ExplainOptions) => {
    const snapshot =
      file === undefined
        ? snapshotInForce(await askPolicy(options))
        : readSnapshot([{ layer: options.layer, file }, ...options.with]);
    const request = await requested(snapshot, options);
    const explanation = explain(snapshot, request);
    const route = request.action === 'model.call' ? routeModel(snapshot, request) : undefined;
    print(
      { request, verdict: explanation.verdict, explanation, route: route ?? null },
      options.json === true,
      () => [...explainInWords(explanation), ...routeLines(route)].map(printable),
    );
  });

async function requested(snapshot: PolicySnapshot, options: ExplainOptions): Promise<ActionRequest> {
  if (options.event !== undefined) {
    const entry = await askEntry(options, options.event);
    const request = requestOfEvent(entry);
    if (request !== undefined) return request;
    throw new RaypherError('request/invalid', `Entry ${entry.seq} (${entry.type}) is not about a request.`, {
      hint: '`raypher logs` shows the entries; those with a verdict can be explained.',
    });
  }
  const written = requestOf(options);
  if (written !== undefined) return toRequest(written, snapshot);
  throw new RaypherError('request/invalid', 'It is not said what is to be explained.', {
    hint: 'Name an action with --host, --file, --command, --tool, --package or --finding, or give --request or --event.',
  });
}

function routeLines(route: ModelRoute | undefined): string[] {
  if (route === undefined) return [];
  const does = route.enforced ? 'The call goes to' : 'Only recorded: the call would go to';
  return [
    '',
    `${does} ${route.model}, which is decided anew`,
    ...route.steps.map(
      ({ from, to, layer, rule, reason }) => `  ${from} → ${to} by ${rule} of the ${layer} layer: ${reason}`,
    ),
  ];
}

function parseEvent(text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < 1 || !Number.isSafeInteger(number)) {
    throw new RaypherError('request/invalid', `${text} is not the number of an entry.`);
  }
  return number;
}

import { Command } from 'commander';
import { ServiceStatus } from '../service/service-status.ts';
import { storeKeyLine } from '../store/store-key.ts';
import { askService } from './control-client.ts';
import { keyPlace, relative, standing } from './enrolled-identity.ts';
import { type GlobalOptions, resolve, withGlobalOptions, withJson } from './global-options.ts';
import { count, print, table } from './output.ts';

export const statusCommand = withJson(withGlobalOptions(new Command('status')))
  .addHelpText(
    'after',
    `
Examples:
  raypher status
  raypher status --json | jq .link.state

Exit codes: 0 running, 3 not permitted, 7 not running.`,
  )
  .action(async (options: GlobalOptions) => {
    const { paths } = resolve(options);
    const status = ServiceStatus.parse(await askService(paths.control, { verb: 'status' }));
    print(status, options.json === true, () => describe(status));
  });

function describe(status: ServiceStatus): string[] {
  const { membership, link, policy, freeze, proxy, ledger, record, inventory, names, watch } = status;
  const member =
    membership === null
      ? 'not enrolled: everything is recorded, nothing is blocked'
      : `${membership.organisation} as device ${membership.device}`;
  return [
    ...table(
      ['Raypher', status.version],
      [
        ['member of', member],
        ...identity(membership),
        ['control plane', link === null ? 'none' : connection(link)],
        ...(link?.blocked ?? []).map(blockedLine),
        [
          'policy',
          policy.revision === 0 ? `none (${policy.mode})` : `revision ${policy.revision} (${policy.mode})`,
        ],
        [
          'frozen',
          `${count(freeze.processes, 'process', 'processes')} under ${count(freeze.active.length, 'freeze')}`,
        ],
        ['proxy', proxy.port === 0 ? 'not running' : `http://127.0.0.1:${proxy.port}`],
        ['AI agents', String(inventory.aiAgents)],
        ...(watch === null ? [] : [['processes', watchLine(watch)] satisfies [string, string]]),
        ...(names === null || names.looked + names.unrecognised === 0
          ? []
          : [['names', namesLine(names)] satisfies [string, string]]),
        ['ledger', `${ledger.seq} entries, ${ledger.queued} not yet at the control plane`],
        ['entries here', `encrypted; ${storeKeyLine(ledger.key)}`],
        ...(record === null ? [] : [['record', recordLine(record)] satisfies [string, string]]),
      ],
    ),
    '',
    ...table(
      ['CAPABILITY', 'STATE', 'EVIDENCE'],
      status.posture.map(({ capability, state, reason }) => [capability, state, reason]),
    ),
    ...status.parts.flatMap((part) =>
      part.state === 'running' ? [] : [`${part.name} is ${part.state}${reason(part.reason)}`],
    ),
  ];
}

const CARRIERS: Record<NonNullable<ServiceStatus['link']>['transport'], string> = {
  grpc: 'gRPC',
  websocket: 'WebSocket',
  'long-poll': 'long polling',
};

function connection({ state, since, reason: why, transport }: NonNullable<ServiceStatus['link']>): string {
  return `${state}${state === 'stopped' ? '' : ` over ${CARRIERS[transport]}`} since ${since}${reason(why)}`;
}

function blockedLine({
  transport,
  reason,
}: NonNullable<ServiceStatus['link']>['blocked'][number]): [string, string] {
  return ['', `${CARRIERS[transport]} blocked: ${reason}`];
}

function recordLine({ size, keptAt, contradiction }: NonNullable<ServiceStatus['record']>): string {
  const kept = `${count(size, 'entry', 'entries')} of the organisation's log, signed and seen ${relative(keptAt)}`;
  return contradiction === null
    ? kept
    : `CONTRADICTED: ${contradiction.detail} Kept: ${kept}. Take \`raypher checkpoint\` to whoever audits it`;
}

function watchLine({ by, reason }: NonNullable<ServiceStatus['watch']>): string {
  return by === 'events' ? `watched by events: ${reason}` : `looked at by the clock. ${reason}`;
}

function namesLine({ looked, unrecognised }: NonNullable<ServiceStatus['names']>): string {
  const parts = `looked for in ${count(looked, 'part')} of messages`;
  return unrecognised === 0 ? parts : `${parts}, not in ${unrecognised} more: no time, or a failure`;
}

function identity(membership: ServiceStatus['membership']): [string, string][] {
  if (membership === null) return [];
  const { identityClass, key, keyId, certificateValidFrom, certificateExpiresAt, renewAfter } = membership;
  const hint = standing(membership.status);
  return [
    ['identity', `${identityClass}, key ${keyId} ${keyPlace(key)}`],
    [
      'certificate',
      `valid since ${relative(certificateValidFrom)}, ends ${relative(certificateExpiresAt)}, next renewal ${relative(renewAfter)}`,
    ],
    ...(hint === '' ? [] : [[membership.status, hint] satisfies [string, string]]),
  ];
}

function reason(text: string): string {
  return text === '' ? '' : ` (${text})`;
}

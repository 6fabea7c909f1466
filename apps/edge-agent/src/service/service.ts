import { hostname } from 'node:os';
import type { Logger } from 'pino';
import { ApprovalDesk } from '../approvals/approval-desk.ts';
import { ApprovalStore } from '../approvals/approval-store.ts';
import { bootClock } from '../approvals/boot-clock.ts';
import { PolicyPrices } from '../budgets/policy-prices.ts';
import { Allowance } from '../callers/allowance.ts';
import { authoriseFrom } from '../callers/authorise.ts';
import { CallerFinder } from '../callers/caller-finder.ts';
import { CONFIG_FILES, type Config } from '../config/config.ts';
import { linkProxy } from '../config/link-proxy.ts';
import { LiveConnections } from '../connections/live-connections.ts';
import { Inventory } from '../discovery/inventory.ts';
import type { WatchWay } from '../discovery/process-feed.ts';
import { GatePart } from '../gate/gate-part.ts';
import { Adoption } from '../guard/adoption.ts';
import { endEarlierConnections } from '../guard/end-earlier-connections.ts';
import { GuardPart } from '../guard/guard-part.ts';
import { GUARD_LOCK, kernelTraces, openGuard } from '../guard/open-guard.ts';
import { EDGE_AGENT, type EventDraft } from '../ledger/event-draft.ts';
import { DataGuard } from '../proxy/data-guard.ts';
import { openFindingKey } from '../proxy/finding-key.ts';
import { PolicyEnforcer } from '../proxy/policy-enforcer.ts';
import { Names } from '../recogniser/names.ts';
import { openRecogniser } from '../recogniser/open-recogniser.ts';
import { recogniserPosture } from '../recogniser/posture.ts';
import { probeCgroups } from '../response/cgroup.ts';
import { Freezer } from '../response/freeze.ts';
import { Protection } from '../response/protected.ts';
import { AdoptedAgents } from '../store/adopted-agents.ts';
import { AiAgentSightings } from '../store/ai-agents.ts';
import { AllowList } from '../store/allow-list.ts';
import { FrozenTrees } from '../store/frozen-trees.ts';
import { LocalFreezes } from '../store/local-freezes.ts';
import { AGENT_VERSION } from '../version.ts';
import { probeCaller } from './caller-canary.ts';
import { callersFrom } from './callers.ts';
import { controlActions } from './control-actions.ts';
import { ControlPlane } from './control-plane.ts';
import { startControlServer } from './control-server.ts';
import { probeFreeze } from './freeze-canary.ts';
import { FreezeEnforcer } from './freeze-enforcer.ts';
import { launcherPosture } from './launcher-posture.ts';
import { followLocalPolicy, localPolicyRefused } from './local-policy.ts';
import { acquireLock } from './lock.ts';
import { notePosture } from './note-posture.ts';
import { closeStore, openAgent } from './open-agent.ts';
import { interceptionStatus, openInterception } from './open-interception.ts';
import { openPanic } from './open-panic.ts';
import { openVault } from './open-vault.ts';
import { agentPaths } from './paths.ts';
import { type Finding, PostureBoard } from './posture-board.ts';
import { ProcessKiller } from './process-killer.ts';
import { ProxyPart } from './proxy-part.ts';
import { deviceReport, serviceStatus } from './report.ts';
import { SpendingPart } from './spending-part.ts';
import { type Part, type PartHealth, SupervisedPart } from './supervisor.ts';
import { startWatch } from './watch.ts';

export interface RunningService {
  /** Port of the proxy; 0 while it is not running. */
  proxyPort: () => number;
  /** How its parts are, for whoever watches over the service. */
  parts: () => PartHealth[];
  /** Takes over what can change while running: log level, mapped addresses, the local policy's content. */
  reload: (config: Config) => void;
  stop: () => Promise<void>;
}

const HOUR_MS = 3_600_000;
/** What is kept beside entries goes after 30 days even when it could not be sent. */
const KEEP_PRIVATE_MS = 30 * 24 * 3_600_000;
const PRUNE_EVERY_MS = 600_000;

/**
 * Starts the agent: what was in force before is in force again before anything listens or connects.
 *
 * @throws RaypherError `service/already-running`, `store/corrupt` (of the identity), `config/invalid`
 */
export async function startService(config: Config, log: Logger): Promise<RunningService> {
  const paths = agentPaths(config.dataDir);
  const release = acquireLock(paths.lock);
  try {
    return await compose(config, log, release);
  } catch (error) {
    release();
    throw error;
  }
}

async function compose(config: Config, log: Logger, release: () => void): Promise<RunningService> {
  const paths = agentPaths(config.dataDir);
  const startedAt = new Date();
  const agent = await openAgent(paths, config);
  const { ledger, membership } = agent;
  const record = (event: EventDraft): void => ledger.note(event);
  const stopMirroring = ledger.onRecorded((entries) => {
    for (const { type, severity, action, target, data } of entries) {
      if (type === 'network.request' || type === 'network.tunnel' || severity === 'info') continue;
      log.info({ type, severity, target, code: data.code, reason: data.reason }, action);
    }
  });

  const sightings = new AiAgentSightings(agent.db);
  const firstSeen = sightings.firstSeen();
  const inventory = new Inventory({
    device: membership?.enrolment.device ?? hostname(),
    firstSeen: (id) => firstSeen.get(id),
  });
  const cgroups = probeCgroups();
  const usable = cgroups.available ? cgroups.cgroups : undefined;
  const protection = new Protection({ isOwn: (pid) => inventory.isOwn(pid) });
  const data = new DataGuard(openFindingKey(paths.findingKey));
  const prices = new PolicyPrices();
  /** The mode of the policy when the guard was last proven. */
  let provenIn: PolicyEnforcer['mode'] | undefined;
  const policy = new PolicyEnforcer(
    membership?.keys.identityClass,
    () => {
      data.use(policy.lookedFor);
      void posture.probe('dlp.recogniser');
      approvals.policyChanged();
      gate.policyChanged();
      guard.policyChanged();
      if (policy.mode !== provenIn) proveGuard();
      proveProxy();
      void posture.probe('gate');
    },
    prices,
  );
  const spending = new SpendingPart({
    db: agent.buffered.db,
    isMember: membership !== undefined,
    revision: () => policy.current()?.revision ?? 0,
    limits: () => policy.limits(),
    send: (report) => controlPlane?.uplink.reportBudgets(report) ?? false,
    record,
    failed: (error) => log.error({ error: String(error) }, 'what was spent could not be written down'),
  });
  const clock = bootClock();
  const approvals: ApprovalDesk = new ApprovalDesk({
    store: new ApprovalStore(agent.db, clock),
    clock,
    record: (event) => ledger.record(event),
    policy: () => policy.fingerprint,
  });
  const freezer = new Freezer({
    inventory,
    store: new FrozenTrees(agent.db, (error) =>
      log.error({ error: String(error) }, 'the store takes no changes'),
    ),
    protection,
    cgroups: usable,
    team: () => freeze.team,
  });
  const freeze: FreezeEnforcer = new FreezeEnforcer(freezer, new LocalFreezes(agent.db), record);
  const killer = new ProcessKiller(protection, usable, record);
  const panic = openPanic({
    agent,
    path: paths.panics,
    inventory,
    protection,
    cgroups: usable,
    freeze,
    policy,
    connections: () => connections.list(),
    posture: () => posture.describe(),
  });
  const callerFinder = new CallerFinder({
    preferred: () => inventory.current.agents.flatMap((found) => found.processes.map(({ pid }) => pid)),
  });
  const connections = new LiveConnections();
  const allowList = new AllowList(agent.db);
  const authorise = authoriseFrom({ programs: () => allowList.list() });
  const secured = await openVault(agent, paths, config.vaultPcrs, record, (error) => {
    if (error === undefined) controlPlane?.uplink.reconnect('the vault has another key');
    else log.error({ error: String(error) }, 'the key of the vault could not be signed');
  });
  const fault = secured?.vault.fault;
  if (fault !== undefined)
    log.error({ code: fault.code, reason: fault.message }, 'the vault cannot be opened');
  const interception = await openInterception(secured?.vault, paths, record);
  if ('fault' in interception && interception.fault !== undefined) {
    const { code, message } = interception.fault;
    log.error({ code, reason: message }, 'tunnels cannot be intercepted');
  }
  let recogniserChanged = (): void => {};
  const recogniser = await openRecogniser(config, (reason) => {
    if (reason !== undefined) log.warn({ reason }, 'names are looked for by the rules alone');
    recogniserChanged();
  });
  const names = recogniser.source && new Names(recogniser.source);
  const proxy = new ProxyPart({
    config,
    policy,
    interception,
    parts: {
      identify: callersFrom(inventory, callerFinder),
      authorise,
      keys: secured?.vault,
      data,
      names,
      prices,
      spending: spending.spending,
      connections,
      approvals,
      record,
      modelSeen: (process, model) => {
        if (!inventory.isOwn(process.pid)) inventory.recordModel(process, model);
      },
    },
    log,
    started: () => proveProxy(),
  });

  const gate: GatePart = new GatePart({
    config,
    policy,
    inventory,
    approvals,
    record,
    log,
    started: () => void posture.probe('gate'),
  });

  const guard: GuardPart = new GuardPart({
    ...openGuard({
      config,
      configFiles: CONFIG_FILES,
      cgroups: usable,
      proxy,
      policy,
      inventory,
      finder: callerFinder,
      failed: (error) => log.error({ error: String(error) }, 'a connection could not be decided'),
    }),
    isOff: config.guardMode === 'off',
    traces: kernelTraces(paths.inKernel),
    lockFile: GUARD_LOCK,
    acting: (agent) => policy.actingAs(agent),
    inventory,
    cgroups: usable,
    record,
    log,
    changed: () => proveGuard(),
  });

  const posture: PostureBoard = new PostureBoard(
    new Map<string, () => Promise<Finding>>([
      ['network.proxy', () => proxy.posture()],
      ['gate', () => gate.posture()],
      ['network.interception', () => proxy.interceptionPosture()],
      ['dlp.recogniser', () => recogniserPosture(recogniser, names, policy)],
      ['freeze.cgroup', probeFreeze],
      ['network.caller', () => probeCaller(callerFinder)],
      ...guard.probes(),
      ['launcher.files', () => launcherPosture(config)],
    ]),
    (change) => {
      notePosture(change, record);
      controlPlane?.uplink.beat();
    },
  );
  recogniserChanged = () => void posture.probe('dlp.recogniser');
  const proveProxy = (): void => {
    void posture.probe('network.proxy');
    void posture.probe('network.interception');
  };
  const adoption = new Adoption({
    cgroups: usable,
    store: new AdoptedAgents(agent.db, (error) =>
      log.error({ error: String(error) }, 'the store takes no changes'),
    ),
    protection,
    freezer,
    record,
    govern: async (group, members) => {
      await guard.govern(group);
      if (policy.mode !== 'enforce' || !(guard.uses('cgroup') || guard.uses('nftables'))) return;
      endEarlierConnections([...(usable?.open(group)?.occupants(members) ?? [])], group, record);
    },
  });
  let strays: Promise<void> | undefined;
  const adopts = (): boolean => config.guardAdopt === 'on' && guard.isWorking;
  const proveGuard = (): void => {
    provenIn = policy.mode;
    for (const [capability] of guard.probes()) void posture.probe(capability);
  };
  const report = deviceReport({
    agent,
    policy,
    freeze,
    inventory,
    posture,
    connections: () => connections.size,
    vaultKey: () => secured?.announced(),
    logSeen: () => controlPlane?.follower.kept,
  });
  const controlPlane =
    membership === undefined
      ? undefined
      : new ControlPlane({
          agent,
          membership,
          paths,
          policy,
          freeze,
          inventory,
          killer,
          panic,
          connections,
          approvals,
          vault: secured?.vault,
          leases: spending.leases,
          report,
          proxy: linkProxy(config),
          log,
        });

  approvals.resume();

  // In force before anything listens or connects. A first look at the processes tells the freezer what to hold.
  await inventory.refresh();
  if (controlPlane === undefined) await freeze.resume();
  else await controlPlane.restore();
  await panic.resume();

  await adoption.resume();

  const localPolicy =
    config.policyLocalFile === undefined
      ? undefined
      : followLocalPolicy(config.policyLocalFile, policy, {
          applied: () => log.info('the local policy is in force'),
          refused: (error) => record(localPolicyRefused(config.policyLocalFile ?? '', error)),
        });

  let watch: WatchWay | null = null;
  const parts: Part[] = [
    proxy,
    gate,
    guard,
    {
      name: 'watch',
      start: async (fail) =>
        startWatch(
          {
            inventory,
            freeze,
            sightings,
            record,
            publish: (message) => controlPlane?.uplink.publishInventory(message),
            intervalMs: config.inventoryIntervalMs,
            adopt: async (agents, options) => {
              if (!adopts()) return;
              try {
                strays ??= adoption.dissolveStrays();
                await strays;
                await adoption.sweep(agents, options);
              } catch (error) {
                log.error({ error: String(error) }, 'an AI agent could not be adopted');
              }
            },
            watching: (way) => {
              watch = way;
              if (way.by === 'polling')
                log.warn({ reason: way.reason }, 'processes are looked at by the clock');
            },
          },
          fail,
        ),
    },
    {
      name: 'control socket',
      start: () =>
        startControlServer(
          paths.control,
          controlActions({
            status: () =>
              serviceStatus({
                agent,
                controlPlane,
                policy,
                freeze,
                inventory,
                posture,
                startedAt,
                proxy: { port: proxy.port, connections: proxy.connections },
                names: names?.counts ?? null,
                watch,
                interception: proxy.intercepts ? interceptionStatus(interception, paths.trustBundle) : null,
                parts: supervised.map(({ health }) => health),
              }),
            inventory,
            freeze,
            killer,
            panic,
            allowance: new Allowance(allowList, record),
            ledger,
            log: agent.log,
            vault: secured?.vault,
            approvals,
            connections,
            record,
            isEnrolled: membership !== undefined,
            budgets: () => spending.status(),
            policy,
            guardPolicy: async (group) => ({
              ...(await guard.prepare(group)),
              ownPaths: [config.dataDir],
              readablePaths: [paths.trustBundle],
            }),
          }),
        ),
    },
  ];
  const supervised = parts.map(
    (part) =>
      new SupervisedPart(part, ({ name, state, reason }) => {
        if (state === 'restarting')
          log.error({ part: name, reason }, 'a part failed and will be started again');
      }),
  );
  for (const part of supervised) await part.start();
  // Not where a guard merely does not start: rules that an earlier agent left in the kernel still hold in there.
  if (config.guardMode === 'off' || config.guardAdopt === 'off') {
    await adoption.releaseAll('it is turned off in the configuration');
  }
  await posture.probeAll();
  posture.start();
  record(lifecycle('agent.started', { pid: process.pid, version: AGENT_VERSION }));
  controlPlane?.start();
  const pruning = setInterval(() => {
    try {
      agent.log.prune(Date.now() - config.ledgerKeepHours * HOUR_MS);
      agent.log.erasePrivate(Date.now() - KEEP_PRIVATE_MS);
    } catch (error) {
      log.error({ error: String(error) }, 'old entries could not be removed');
    }
  }, PRUNE_EVERY_MS);
  pruning.unref();

  return {
    proxyPort: () => proxy.port,
    parts: () => supervised.map(({ health }) => health),
    reload: (fresh) => {
      log.level = fresh.logLevel;
      proxy.reload(fresh);
      proveProxy();
      localPolicy?.reload();
      const fixed = [
        'dataDir',
        'proxyPort',
        'proxyBodyLimitBytes',
        'dlpRecogniser',
        'dlpPresidioUrl',
        'dlpPresidioTimeoutMs',
        'dlpOnnxModel',
        'dlpBudgetMs',
        'inventoryIntervalMs',
        'policyLocalFile',
        'gateSocket',
        'gateGroup',
        'linkProxy',
        'ledgerKeepHours',
        'guardMode',
        'guardRedirect',
        'guardAdopt',
      ] as const;
      const needRestart = fixed.filter((key) => fresh[key] !== config[key]);
      log.info({ needRestart }, 'configuration read again');
    },
    stop: async () => {
      clearInterval(pruning);
      localPolicy?.stop();
      posture.stop();
      await approvals.close();
      for (const part of supervised.toReversed()) await part.stop();
      record(lifecycle('agent.stopped', { pid: process.pid }));
      await ledger.settled();
      await controlPlane?.stop();
      spending.stop();
      stopMirroring();
      callerFinder.close();
      secured?.vault.close();
      await closeStore(agent);
      membership?.keys.close();
      release();
    },
  };
}

function lifecycle(type: 'agent.started' | 'agent.stopped', data: EventDraft['data']): EventDraft {
  return {
    type,
    severity: 'info',
    actor: EDGE_AGENT,
    action: type === 'agent.started' ? 'start' : 'stop',
    target: 'edge agent',
    data,
  };
}

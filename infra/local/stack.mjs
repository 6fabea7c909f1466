import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, startDaemon } from '@raypher/testkit';
import { FriendlyError } from './friendly-error.mjs';
import { layout, ROOT } from './paths.mjs';
import { dataServices, postgresFolder, prepareData } from './stack/data-services.mjs';
import { ensureAdministrator } from './stack/first-administrator.mjs';
import { createEnrolmentToken, enrolThisMachine } from './stack/one-shots.mjs';
import { balancerOf, baseEnvironment, oneOfManyLinks, PROGRAMS, scriptOf } from './stack/programs.mjs';
import { supervise } from './stack/supervise.mjs';
import { takeLock } from './state/lock.mjs';
import { nextFree, USUAL_PORTS } from './state/ports.mjs';
import { privateFolder } from './state/private-files.mjs';
import { loadSecrets } from './state/secrets.mjs';
import { loadSettings, saveSettings } from './state/settings.mjs';

/**
 * @typedef {import('./state/ports.mjs').Ports} Ports
 * @typedef {import('./stack/supervise.mjs').Supervised} Supervised
 * @typedef {import('./stack/supervise.mjs').SupervisionEvent} SupervisionEvent
 * @typedef {import('./stack/one-shots.mjs').Administrator} Administrator
 * @typedef {import('./stack/programs.mjs').LinkProcess} LinkProcess
 * @typedef {'postgres' | 'redis' | 'balancer' | import('./stack/programs.mjs').LinkName
 *   | import('./stack/programs.mjs').ProgramName} ProcessName
 *
 * @typedef {object} StackOptions
 * @property {string} [dataDir] - a temporary one, removed by `stop`, when left out.
 * @property {Ports | ((remembered: Partial<Ports>) => Promise<Ports>)} [ports] - free ones when left out.
 * @property {Administrator} [administrator] - generated when left out.
 * @property {boolean} [resetPassword] - gives the first administrator a new password.
 * @property {boolean} [agent] - false leaves this machine alone. Default: true.
 * @property {boolean} [web] - false leaves the dashboard out. Default: true.
 * @property {number} [demo] - so many simulated devices. Default: none.
 * @property {number} [ingestors] - so many processes of the device link, behind a balancer where there are several.
 *   Default: 1.
 * @property {boolean} [durable] - false trades the data's safety for speed. Default: true for a given `dataDir`.
 * @property {string} [listenHost] - where devices are served. Default: 127.0.0.1.
 * @property {string[]} [hosts] - more names and addresses for the server certificate.
 * @property {Partial<Record<ProcessName, Record<string, string>>>} [env] - more environment for a program.
 * @property {<T>(title: string, work: () => Promise<T>) => Promise<T>} [step] - wraps every step, for progress.
 * @property {(text: string) => void} [note] - told what the person should know.
 * @property {(event: SupervisionEvent) => void} [onEvent]
 * @property {AbortSignal} [signal] - gives up starting and stops what was started.
 *
 * @typedef {object} Stack
 * @property {string} dataDir
 * @property {Ports} ports
 * @property {{ web: string, api: string, enrolment: string, proxy: string }} urls
 * @property {Administrator} administrator
 * @property {boolean} passwordIsNew - the password was set now, or was set and never shown; otherwise it is not known.
 * @property {() => Promise<void>} forgetPassword - call it when the person has seen the password.
 * @property {Partial<Record<ProcessName, Supervised>>} processes
 * @property {LinkProcess[]} links - the processes of the device link and their ports.
 * @property {(name: ProcessName) => Supervised} process - throws when it is not part of this stack.
 * @property {() => Promise<void>} stop - what depends on something stops first.
 * @property {() => void} killAll - at once, without waiting.
 */

/**
 * Starts the whole product on this machine: Postgres, Redis, API, device link, dashboard and edge agent, each in a
 * process of its own that is restarted when it dies. Everything must be built.
 *
 * @param {StackOptions} [options]
 * @returns {Promise<Stack>} once all of them are ready; if one does not come up, those before it are stopped again.
 *
 * @example
 * const stack = await startStack({ administrator: { organisation: 'Acme', email, password } });
 * stack.process('link').kill('SIGKILL');
 * await stack.process('link').untilUp();
 * await stack.stop();
 */
export async function startStack(options = {}) {
  const temporary = options.dataDir === undefined;
  const paths = layout(options.dataDir ?? (await mkdtemp(join(tmpdir(), 'raypher-stack-'))));
  const { signal } = options;
  const showStep = options.step ?? ((_, work) => work());
  /** @type {NonNullable<StackOptions['step']>} */
  const step = (title, work) => {
    signal?.throwIfAborted();
    return showStep(title, work);
  };
  /** @type {Partial<Record<ProcessName, Supervised>>} */
  const processes = {};
  /** @type {LinkProcess[]} */
  let links = [];
  /** @type {(() => void) | undefined} */
  let unlock;

  const stop = async () => {
    for (const name of STOP_FIRST) await processes[name]?.stop();
    await Promise.all(links.map(({ name }) => processes[name]?.stop()));
    for (const name of STOP_LAST) await processes[name]?.stop();
    unlock?.();
    if (!temporary) return;
    await rm(await postgresFolder(paths), { recursive: true, force: true });
    await rm(paths.root, { recursive: true, force: true });
  };

  try {
    await prepareFolders(paths);
    unlock = takeLock(paths.lock);
    return await compose();
  } catch (error) {
    await stop();
    throw error;
  }

  /** @returns {Promise<Stack>} */
  async function compose() {
    const settings = await loadSettings(paths.settings);
    const ports =
      typeof options.ports === 'function'
        ? await options.ports(settings.ports)
        : (options.ports ?? (await allFree()));
    const secrets = await loadSecrets(paths.secrets);
    const onEvent = options.onEvent ?? (() => {});
    const servers = dataServices({ paths, ports, secrets, durable: options.durable ?? !temporary, signal });

    await step('Database and Redis', () =>
      together(
        /** @type {const} */ (['postgres', 'redis']).map(async (name) => {
          processes[name] = await supervise({ name, ...servers[name], onEvent });
        }),
      ),
    );
    const data = await step('Schema and roles', () => prepareData({ paths, ports, secrets }));
    await saveSettings(paths.settings, { ...settings, ports });

    const webOrigin = `http://localhost:${ports.web}`;
    const facts = {
      paths,
      ports,
      secrets,
      hosts: ['localhost', '127.0.0.1', '::1', hostname(), ...(options.hosts ?? [])],
      listenHost: options.listenHost ?? '127.0.0.1',
      webOrigin,
      demo: options.demo ?? 0,
      demoTokenFile: join(paths.secrets, 'demo-enrolment-token'),
      redisUrlFile: data.redisUrlFile,
      databaseUrlFiles: data.databaseUrlFiles,
    };

    /**
     * @param {Exclude<ProcessName, 'postgres' | 'redis'>} name
     * @param {import('./stack/programs.mjs').Program} program
     */
    const startAs = async (name, program) => {
      const { ready } = program;
      const logFile = join(paths.logs, `${name}.log`);
      const launch = () =>
        startDaemon({
          command: process.execPath,
          args: [scriptOf(program), ...program.args(facts)],
          env: {
            ...baseEnvironment(),
            ...program.env(facts),
            ...options.env?.[name.startsWith('link-') ? 'link' : name],
          },
          cwd: ROOT,
          ready: ready instanceof RegExp ? ready : () => ready(facts),
          stopSignal: 'SIGTERM',
          logFile,
          signal,
        });
      processes[name] = await supervise({ name, logFile, launch, onEvent });
    };
    /** @param {import('./stack/programs.mjs').ProgramName} name */
    const startProgram = (name) => startAs(name, PROGRAMS[name]);
    /** Every process of the link gets what is set for the link. @param {LinkProcess} one */
    const startLink = (one) =>
      links.length === 1 ? startProgram('link') : startAs(one.name, oneOfManyLinks(one));
    links = await linkProcesses(options.ingestors ?? 1, ports);

    const first = await step('Organisation and administrator', () =>
      ensureAdministrator(facts, {
        wanted: options.administrator,
        knownAs: data.isNew ? undefined : settings.administrator,
        reset: options.resetPassword ?? false,
        signal,
      }),
    );
    settings.administrator = first.administrator.email;
    await saveSettings(paths.settings, { ...settings, ports });

    await step(options.web === false ? 'API and device link' : 'API, device link and dashboard', () =>
      together([
        startProgram('api'),
        ...links.map(startLink),
        ...(options.web === false ? [] : [startProgram('web')]),
      ]),
    );
    if (links.length > 1) await step('Balancer', () => startAs('balancer', balancerOf(links)));
    if (options.agent !== false) {
      if (!settings.enrolled) {
        await step('Enrolling this machine', () =>
          enrolThisMachine(facts, { env: options.env?.agent, note: options.note, signal }),
        );
        await saveSettings(paths.settings, { ...settings, ports, enrolled: true });
      }
      await step('Edge agent', () => startProgram('agent'));
    }
    if (facts.demo > 0) {
      await step('Simulated devices', async () => {
        await createEnrolmentToken(facts, {
          file: facts.demoTokenFile,
          uses: facts.demo,
          name: 'Simulated devices',
          signal,
        });
        await startProgram('demo');
      });
    }

    return {
      dataDir: paths.root,
      ports,
      urls: {
        web: webOrigin,
        api: `http://127.0.0.1:${ports.http}`,
        enrolment: `https://127.0.0.1:${ports.tls}`,
        proxy: `http://127.0.0.1:${ports.proxy}`,
      },
      ...first,
      processes,
      links,
      process: (name) => {
        const supervised = processes[name];
        if (supervised === undefined) throw new Error(`This stack runs without ${name}.`);
        return supervised;
      },
      stop,
      killAll: () => {
        for (const supervised of Object.values(processes)) supervised?.kill('SIGKILL');
      },
    };
  }
}

/**
 * Waits for all of them also when one fails, so that whatever did start is known and can be stopped.
 *
 * @param {Promise<void>[]} starts
 */
async function together(starts) {
  for (const result of await Promise.allSettled(starts))
    if (result.status === 'rejected') throw result.reason;
}

/** What depends on something stops before it: these before the processes of the link, and those after. */
const STOP_FIRST = /** @type {const} */ (['demo', 'agent', 'web', 'balancer']);
const STOP_LAST = /** @type {const} */ (['api', 'redis', 'postgres']);

/**
 * One process on the port that devices know, or several on ports of their own.
 *
 * @param {number} ingestors
 * @param {Ports} ports
 * @returns {Promise<LinkProcess[]>}
 */
async function linkProcesses(ingestors, ports) {
  if (ingestors === 1) return [{ name: 'link', link: ports.link, http: ports.linkHttp }];
  const taken = new Set(Object.values(ports));
  const take = async () => {
    const port = await nextFree(ports.link + 1, taken);
    taken.add(port);
    return port;
  };
  /** @type {LinkProcess[]} */
  const links = [];
  for (let number = 1; number <= ingestors; number += 1) {
    links.push({ name: number === 1 ? 'link' : `link-${number}`, link: await take(), http: await take() });
  }
  return links;
}

/** @param {import('./paths.mjs').Layout} paths */
async function prepareFolders(paths) {
  try {
    // The database runs under an account of its own when we are root: it must pass through, not look.
    await mkdir(paths.root, { recursive: true });
    await chmod(paths.root, 0o711);
    for (const folder of [paths.secrets, paths.pki, paths.logs]) await privateFolder(folder);
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error;
    throw new FriendlyError(
      `The data folder ${paths.root} cannot be used (${error.code}).`,
      'Choose one that you may write to: npm start -- --data-dir DIR',
      3,
    );
  }
}

/** @returns {Promise<Ports>} */
async function allFree() {
  const ports = { ...USUAL_PORTS };
  const taken = new Set();
  for (const name of /** @type {(keyof Ports)[]} */ (Object.keys(ports))) {
    do ports[name] = await freePort();
    while (taken.has(ports[name]));
    taken.add(ports[name]);
  }
  return ports;
}

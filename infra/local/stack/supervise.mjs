/**
 * @typedef {import('@raypher/testkit').Daemon} Daemon
 *
 * @typedef {object} Supervised
 * @property {string} name
 * @property {string} logFile
 * @property {number | undefined} pid - of the running process; `undefined` while there is none.
 * @property {(signal?: NodeJS.Signals) => void} kill - ends the process behind the supervisor's back: it comes again.
 * @property {() => Promise<void>} untilUp - resolves when it is (again) ready.
 * @property {() => Promise<void>} restart
 * @property {() => Promise<void>} start - after `stop`.
 * @property {() => Promise<void>} stop
 *
 * @typedef {{ type: 'died', name: string, exit: import('@raypher/testkit').DaemonExit, againInMs: number }
 *   | { type: 'restarted', name: string, pid: number }
 *   | { type: 'not-restarted', name: string, error: Error, againInMs: number }} SupervisionEvent
 */

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 15_000;
/** Somebody who stayed up this long starts from the shortest pause again. */
const STABLE_AFTER_MS = 30_000;

/**
 * Starts a process and starts it again when it dies, waiting longer after every death.
 *
 * @param {object} options
 * @param {string} options.name
 * @param {string} options.logFile
 * @param {() => Promise<Daemon>} options.launch - resolves when the process is ready.
 * @param {(event: SupervisionEvent) => void} options.onEvent
 * @returns {Promise<Supervised>} once it is ready the first time; a failure of the first start is the caller's.
 */
export async function supervise({ name, logFile, launch, onEvent }) {
  /** @type {Daemon | undefined} */
  let daemon;
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  let wanted = true;
  let pause = FIRST_PAUSE_MS;
  /** @type {Promise<void>} The attempt under way, so that `stop` does not leave a process behind. */
  let attempt = Promise.resolve();
  /** @type {(() => void)[]} */
  let waiting = [];

  /** @param {Daemon} started */
  const adopt = (started) => {
    const since = Date.now();
    daemon = started;
    for (const resolve of waiting) resolve();
    waiting = [];
    started.exited.then((exit) => {
      if (daemon !== started) return;
      daemon = undefined;
      if (!wanted) return;
      if (Date.now() - since > STABLE_AFTER_MS) pause = FIRST_PAUSE_MS;
      onEvent({ type: 'died', name, exit, againInMs: pause });
      schedule();
    });
  };

  const schedule = () => {
    timer = setTimeout(() => {
      attempt = again();
    }, pause);
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
  };

  const again = async () => {
    try {
      const started = await launch();
      adopt(started);
      onEvent({ type: 'restarted', name, pid: started.pid });
    } catch (cause) {
      if (!wanted) return;
      const error = cause instanceof Error ? cause : new Error(String(cause));
      onEvent({ type: 'not-restarted', name, error, againInMs: pause });
      schedule();
    }
  };

  const start = async () => {
    if (daemon !== undefined) return;
    wanted = true;
    pause = FIRST_PAUSE_MS;
    adopt(await launch());
  };

  const stop = async () => {
    wanted = false;
    clearTimeout(timer);
    await attempt;
    await daemon?.stop();
    daemon = undefined;
  };

  await start();
  return {
    name,
    logFile,
    get pid() {
      return daemon?.pid;
    },
    kill: (signal = 'SIGKILL') => daemon?.kill(signal),
    untilUp: () =>
      daemon === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(),
    restart: async () => {
      await stop();
      await start();
    },
    start,
    stop,
  };
}

import { relative, resolve } from 'node:path';
import { seconds } from './progress.mjs';
import { startStack } from './stack.mjs';
import { choosePorts } from './state/ports.mjs';

/**
 * Starts everything, says where it is, and stops it in reverse order on Ctrl-C. A second Ctrl-C does not wait.
 *
 * @param {ReturnType<typeof import('./arguments.mjs').parseStartArguments>} options
 * @param {import('./progress.mjs').Progress} progress
 */
export async function runUntilStopped(options, progress) {
  const began = performance.now();
  const dataDir = resolve(options.dataDir);
  const interruption = watchInterruption();
  /** @type {import('./stack.mjs').Stack} */
  let stack;
  try {
    stack = await startStack({
      dataDir,
      agent: options.agent,
      demo: options.demo,
      ingestors: options.ingestors,
      resetPassword: options.resetPassword,
      listenHost: options.listenHost,
      hosts: ['127.0.0.1', '0.0.0.0', '::'].includes(options.listenHost) ? [] : [options.listenHost],
      ports: (remembered) =>
        choosePorts({
          remembered,
          fixed: options.port === undefined ? {} : { web: options.port },
          note: (text) => progress.note(text),
        }),
      step: (title, work) => progress.step(title, work),
      note: (text) => progress.note(text),
      onEvent: (event) => reportSupervision(event),
      signal: interruption.signal,
    });
  } catch (error) {
    if (!interruption.signal.aborted) throw error;
    console.log('\nStopped before everything was up.');
    process.exit(130);
  }
  console.log(welcome(stack, options, performance.now() - began));
  if (stack.passwordIsNew) await stack.forgetPassword();

  await interruption.first;
  console.log('\nStopping …');
  const stopping = performance.now();
  interruption.onSecond(() => {
    stack.killAll();
    process.exit(130);
  });
  await stack.stop();
  console.log(`Stopped in ${seconds(performance.now() - stopping)}. The data is kept in ${shown(dataDir)}.`);
  process.exit(0);
}

function watchInterruption() {
  const controller = new AbortController();
  /** @type {() => void} */
  let second = () => {};
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.on(signal, () => {
      if (controller.signal.aborted) second();
      else controller.abort();
    });
  }
  /** @type {Promise<void>} */
  const first = new Promise((resolve) => controller.signal.addEventListener('abort', () => resolve()));
  return {
    signal: controller.signal,
    first,
    /** @param {() => void} action */
    onSecond: (action) => {
      second = action;
    },
  };
}

/** @param {import('./stack/supervise.mjs').SupervisionEvent} event */
function reportSupervision(event) {
  const time = new Date().toLocaleTimeString('en-GB');
  if (event.type === 'died') {
    const how = event.exit.signal ?? `code ${event.exit.code}`;
    console.log(`  ${time}  ${event.name} ended (${how}); starting it again in ${seconds(event.againInMs)}`);
  } else if (event.type === 'restarted') {
    console.log(`  ${time}  ${event.name} is back (process ${event.pid})`);
  } else {
    console.log(
      `  ${time}  ${event.name} did not come back; trying again in ${seconds(event.againInMs)}\n${event.error.message}`,
    );
  }
}

/**
 * @param {import('./stack.mjs').Stack} stack
 * @param {ReturnType<typeof import('./arguments.mjs').parseStartArguments>} options
 * @param {number} milliseconds
 */
function welcome({ urls, administrator, passwordIsNew, dataDir, ports, links }, options, milliseconds) {
  const credentials = passwordIsNew
    ? [
        `  sign in as   ${administrator.email}`,
        `  password     ${administrator.password}   (shown only now: keep it)`,
      ]
    : [
        `  sign in as   ${administrator.email}   (the password was shown at the first start)`,
        '  forgot it?   npm start -- --reset-password',
      ];
  const tryNext = options.agent
    ? [
        '  Let an AI agent of yours go through Raypher:',
        `    OPENAI_BASE_URL=http://127.0.0.1:${ports.proxy}/v1 ANTHROPIC_BASE_URL=http://127.0.0.1:${ports.proxy} your-agent`,
        '  Then open the dashboard, change a rule under Policies and choose Deploy Global.',
      ]
    : ['  Open the dashboard and add a device under Devices.'];
  return [
    '',
    `Raypher is ready after ${seconds(milliseconds)}.`,
    '',
    `  dashboard    ${urls.web}`,
    ...credentials,
    `  data, logs   ${shown(dataDir)}`,
    ...(links.length === 1
      ? []
      : [
          `  device link  port ${ports.link}, spread over ${links.map(({ name, link }) => `${name} (${link})`).join(', ')}`,
        ]),
    '',
    ...tryNext,
    '',
    'Ctrl-C stops everything.',
  ].join('\n');
}

/** @param {string} path */
function shown(path) {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') ? path : short || '.';
}

import { parseArgs } from 'node:util';
import { FriendlyError } from './friendly-error.mjs';

export const START_HELP = `Starts Raypher on this machine: control plane, dashboard and edge agent.

  npm start [-- options]

  --data-dir DIR   where everything is kept            (default: .raypher)
  --port N         the dashboard's port                (default: 4300, or the next free one)
  --listen HOST    where other devices reach us        (default: 127.0.0.1, this machine only)
  --ingestors N    so many processes take device connections, behind one port (default: 1)
  --no-agent       do not enrol this machine
  --demo N         also run N simulated devices
  --reset-password give the first administrator a new password and show it
  --yes            install missing programs without asking
  --help           this text

Examples
  npm start
  npm start -- --port 8080 --no-agent
  npm start -- --data-dir /srv/raypher --listen 0.0.0.0`;

/**
 * @param {string[]} args
 */
export function parseStartArguments(args) {
  let values;
  try {
    ({ values } = parseArgs({
      args,
      options: {
        'data-dir': { type: 'string', default: '.raypher' },
        port: { type: 'string' },
        listen: { type: 'string', default: '127.0.0.1' },
        'no-agent': { type: 'boolean', default: false },
        demo: { type: 'string' },
        ingestors: { type: 'string' },
        'reset-password': { type: 'boolean', default: false },
        yes: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }));
  } catch (error) {
    throw new FriendlyError(
      error instanceof Error ? error.message : String(error),
      'See: npm start -- --help',
      2,
    );
  }
  return {
    dataDir: values['data-dir'],
    port: values.port === undefined ? undefined : wholeNumber('--port', values.port, 65_535),
    demo: values.demo === undefined ? 0 : wholeNumber('--demo', values.demo, 100_000),
    ingestors: values.ingestors === undefined ? 1 : wholeNumber('--ingestors', values.ingestors, 16),
    listenHost: values.listen,
    agent: !values['no-agent'],
    resetPassword: values['reset-password'],
    yes: values.yes,
    help: values.help,
  };
}

/**
 * @param {string} option
 * @param {string} text
 * @param {number} most
 */
function wholeNumber(option, text, most) {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > most) {
    throw new FriendlyError(`${option} ${text} is not possible.`, `Use a whole number from 1 to ${most}.`, 2);
  }
  return value;
}

import { Command } from 'commander';
import pino from 'pino';
import { hardenProcess } from '../native/harden-process.ts';
import { Notifier, takeNotifyTarget } from '../service/notify.ts';
import { type GlobalOptions, parsePort, resolve, withGlobalOptions } from './global-options.ts';

export const serviceCommand = withGlobalOptions(new Command('service'))
  .option('--proxy-port <port>', 'port of the proxy on 127.0.0.1 (default: 8888)', parsePort)
  .addHelpText(
    'after',
    `
Without an enrolment it records and blocks nothing; enrol first with \`raypher enroll\`. Only one service
runs on a data folder. Its log, JSON lines on stdout, never holds keys, prompts or queries.

Signals: SIGTERM and SIGINT stop it cleanly, SIGHUP reads the configuration and
the local policy again. Under systemd it says when it is ready, reloading and stopping, and pings its watchdog.

Examples:
  raypher service
  raypher service --proxy-port 8899 --data-dir /srv/raypher

Exit codes: 0 stopped, 2 configuration, 3 not permitted, 5 already running, 8 store or identity damaged.`,
  )
  .action(async (options: GlobalOptions) => {
    const target = takeNotifyTarget(process.env);
    const { config } = resolve(options);
    const log = pino({ level: config.logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime });
    for (const reason of hardenProcess()) log.warn({ reason }, 'keys in memory are less protected');
    // Only now: whoever reads help or mistypes a command shall not wait for all that the service is made of.
    const { startService } = await import('../service/service.ts');
    const service = await startService(config, log);
    const notifier =
      target === undefined
        ? undefined
        : new Notifier(target, {
            parts: service.parts,
            failed: (error) => log.error({ error: String(error) }, 'the service manager cannot be told'),
          });
    const { promise: told, resolve: tell } = Promise.withResolvers<string>();
    process.once('SIGTERM', () => tell('SIGTERM'));
    process.once('SIGINT', () => tell('SIGINT'));
    process.on('SIGHUP', () => {
      notifier?.reloading();
      try {
        service.reload(resolve(options).config);
      } catch (error) {
        log.error({ error: String(error) }, 'the configuration was refused; the last one stays');
      }
      // Ready again also after a refusal: what was in force still is.
      notifier?.reloaded();
    });
    notifier?.ready();
    const signal = await told;
    notifier?.stopping();
    log.info({ signal }, 'stopping');
    await service.stop();
    log.info('stopped');
  });

import { userInfo } from 'node:os';
import { type Command, InvalidArgumentError } from 'commander';
import type { Config } from '../config/config.ts';
import { loadConfig } from '../config/load-config.ts';
import { type AgentPaths, agentPaths } from '../service/paths.ts';

/** Options that every command understands. */
export function withGlobalOptions(command: Command): Command {
  return command
    .option('--data-dir <dir>', 'where the agent keeps its store and identity')
    .option('--config <file>', 'a configuration file, read after the system and user files');
}

/** Adds `--json`, for commands that print. */
export function withJson(command: Command): Command {
  return command.option('--json', 'print JSON for programs', false);
}

export interface GlobalOptions {
  dataDir?: string;
  config?: string;
  proxyPort?: number;
  json?: boolean;
}

export function resolve(options: GlobalOptions): { config: Config; paths: AgentPaths } {
  const config = loadConfig(options);
  return { config, paths: agentPaths(config.dataDir) };
}

/** For `--proxy-port` and the like. */
export function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65535) throw new InvalidArgumentError('A port is a number up to 65535.');
  return port;
}

/** For pids. */
export function parsePid(text: string): number {
  const pid = Number(text);
  if (!/^\d+$/.test(text) || pid < 1 || pid > 2 ** 22)
    throw new InvalidArgumentError('A pid is a positive number.');
  return pid;
}

/** Who gives an order at this machine, as the ledger will name them. */
export function operator(): string {
  const { username } = userInfo();
  const sudo = process.env.SUDO_USER;
  return sudo === undefined || sudo === '' ? username : `${sudo} (as ${username})`;
}

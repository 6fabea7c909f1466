import { basename, join } from 'node:path';
import { RaypherError } from '@raypher/shared';
import { Command, InvalidArgumentError } from 'commander';
import { runMcpProxy } from '../gate/mcp/run-mcp-proxy.ts';
import { ToolGate } from '../gate/mcp/tool-gate.ts';
import { ToolMemory } from '../gate/mcp/tool-memory.ts';
import { openGate } from '../gate/open-gate.ts';
import { type GlobalOptions, resolve, withGlobalOptions } from './global-options.ts';

interface McpProxyCommandOptions extends GlobalOptions {
  name?: string;
  wait: number;
}

const NAME = /^[\w.@-]{1,64}$/;

export const mcpProxyCommand = withGlobalOptions(new Command('mcp-proxy'))
  .argument('<command>', 'the server, as the MCP client would start it')
  .argument('[args...]', 'its arguments')
  .option('--name <name>', 'what policies call this server (default: the name of the command)', parseName)
  .option('--wait <seconds>', 'how long a person may think about what policy wants asked', parseWait, 300)
  .passThroughOptions()
  .addHelpText(
    'after',
    `
Put it before the command of a server in the configuration of an MCP client:

  before  { "command": "npx", "args": ["-y", "@scope/server", "/srv"] }
  after   { "command": "raypher", "args": ["mcp-proxy", "--name", "files", "--", "npx", "-y", "@scope/server", "/srv"] }

Messages pass byte for byte. A call of a tool is decided first (policy section \`tools\`, with servers and tools); what
is denied is answered as an error of the tool, with a text that tells the AI agent to stop. Arguments and results are
looked through for data that policies name (section \`dlp\`), and changed only where policy says redact. A tool that
describes itself in another way than when it was first seen is recorded.

The exit code is that of the server, 128+N after signal N, 127 when it was not found, 1 after a message of more than
16 MiB.`,
  )
  .action(async (command: string, args: string[], options: McpProxyCommandOptions) => {
    const { config } = resolve(options);
    const server = options.name ?? nameOf(command);
    process.exitCode = await runMcpProxy({
      command,
      args,
      gate: new ToolGate({ server, open: () => openGate(config), waitMs: options.wait * 1000 }),
      memory: new ToolMemory(join(config.dataDir, 'mcp', `${server}.json`)),
      input: process.stdin,
      output: process.stdout,
    });
    // A client that keeps its end open must not keep this open.
    process.stdin.destroy();
  });

function nameOf(command: string): string {
  const name = basename(command);
  if (NAME.test(name)) return name;
  throw new RaypherError('request/invalid', `${name} cannot be the name of a server.`, {
    hint: 'Give it one with --name.',
  });
}

function parseName(given: string): string {
  if (NAME.test(given)) return given;
  throw new InvalidArgumentError('Up to 64 letters, digits, dots, dashes, underscores and @.');
}

function parseWait(given: string): number {
  const seconds = Number(given);
  if (/^\d+$/.test(given) && seconds <= 600) return seconds;
  throw new InvalidArgumentError('A whole number of seconds up to 600.');
}

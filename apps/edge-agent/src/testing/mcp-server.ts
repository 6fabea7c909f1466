/** A real MCP server for tests. SECRET: what one of its tools answers; DESCRIPTION: how another describes itself. */
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';

const server = new Server({ name: 'test', version: '1.0.0' }, { capabilities: { tools: {} } });
const inputSchema = { type: 'object' as const, properties: { text: { type: 'string' } } };

server.setRequestHandler(ListToolsRequestSchema, () => ({
  tools: [
    { name: 'echo', description: process.env.DESCRIPTION ?? 'Says it again.', inputSchema },
    { name: 'drop_table', description: 'Drops a table.', inputSchema },
    { name: 'read_secret', description: 'Reads a secret.', inputSchema },
  ],
}));
server.setRequestHandler(CallToolRequestSchema, ({ params: { name, arguments: given = {} } }) => {
  const answer = name === 'read_secret' ? (process.env.SECRET ?? '') : String(given.text ?? '');
  return { content: [{ type: 'text', text: `${name}: ${answer}` }] };
});

await server.connect(new StdioServerTransport());

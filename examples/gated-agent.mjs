// A small AI agent that asks the action gate before each tool runs.
//
//   node examples/gated-agent.mjs notes.txt
//
// RAYPHER_GATE says where the gate's socket is (`gate.sock` in the data folder of the service).
import { readFile, realpath } from 'node:fs/promises';
import { connectGate } from '@raypher/gate/client';
import OpenAI from 'openai';

const MODEL = process.env.OPENAI_MODEL ?? 'gpt-4o-mini';
const MAX_STEPS = 10;
/** Milliseconds that a person has, where policy wants one asked. */
const WAIT_MS = 120_000;

const gate = await connectGate(process.env.RAYPHER_GATE ?? '/run/raypher/gate.sock');

/** What is about to happen, as policies see it; then, if it may, the thing itself. */
const TOOLS = {
  read_file: {
    description: 'Reads a text file.',
    parameters: { type: 'object', properties: { path: { type: 'string' } }, required: ['path'] },
    action: async ({ path }) => ({ v: 1, action: 'file.read', target: await realpath(path) }),
    run: ({ path }) => readFile(path, 'utf8'),
  },
};

async function useTool({ function: { name, arguments: given } }) {
  try {
    const tool = TOOLS[name];
    if (tool === undefined) throw new Error(`there is no tool ${name}`);
    const input = JSON.parse(given || '{}');
    const { verdict, message } = await gate.check(await tool.action(input), { waitMs: WAIT_MS });
    // The message tells the model to stop and not to look for another way.
    return verdict === 'ALLOW' ? await tool.run(input) : message;
  } catch (error) {
    // Without an answer of the gate nothing happens.
    return `It was not done: ${error.message}`;
  }
}

const client = new OpenAI();
const tools = Object.entries(TOOLS).map(([name, { description, parameters }]) => ({
  type: 'function',
  function: { name, description, parameters },
}));
const messages = [{ role: 'user', content: process.argv[2] ?? 'README.md' }];
for (let step = 0; step < MAX_STEPS; step++) {
  const { choices } = await client.chat.completions.create({ model: MODEL, messages, tools });
  const { message } = choices[0];
  messages.push(message);
  if (!message.tool_calls?.length) {
    console.log(message.content);
    break;
  }
  for (const call of message.tool_calls) {
    messages.push({ role: 'tool', tool_call_id: call.id, content: await useTool(call) });
  }
}
gate.close();

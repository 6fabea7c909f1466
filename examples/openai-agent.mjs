// A small AI agent on OpenAI's client: it answers a question about a folder by using two tools.
//
//   raypher run -- node examples/openai-agent.mjs "Which file here is the largest?"
//
// OPENAI_BASE_URL decides where it talks to; `raypher run` sets it to the local proxy.
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import OpenAI from 'openai';

const ROOT = process.cwd();
const MODEL = process.env.OPENAI_MODEL ?? 'gpt-4o-mini';
/** A model that keeps asking for tools is stopped here. */
const MAX_STEPS = 10;
const MAX_FILE_CHARACTERS = 20_000;

/** Stays below the folder it was started in. */
function inside(path) {
  const full = resolve(ROOT, path);
  if (relative(ROOT, full).startsWith('..')) throw new Error(`${path} is outside of ${ROOT}`);
  return full;
}

const TOOLS = {
  list_folder: {
    description: 'Lists the files of a folder with their sizes in bytes.',
    parameters: { type: 'object', properties: { path: { type: 'string' } }, required: ['path'] },
    async run({ path }) {
      const folder = inside(path);
      const names = await readdir(folder);
      return Promise.all(names.map(async (name) => ({ name, bytes: (await stat(join(folder, name))).size })));
    },
  },
  read_file: {
    description: 'Reads a text file.',
    parameters: { type: 'object', properties: { path: { type: 'string' } }, required: ['path'] },
    async run({ path }) {
      return (await readFile(inside(path), 'utf8')).slice(0, MAX_FILE_CHARACTERS);
    },
  },
};

/** What a tool returns, or what went wrong, as the model reads it. */
async function useTool(call) {
  try {
    const tool = TOOLS[call.function.name];
    if (tool === undefined) throw new Error(`there is no tool ${call.function.name}`);
    return JSON.stringify(await tool.run(JSON.parse(call.function.arguments || '{}')));
  } catch (error) {
    return JSON.stringify({ error: error.message });
  }
}

async function answer(question) {
  const client = new OpenAI();
  const tools = Object.entries(TOOLS).map(([name, { description, parameters }]) => ({
    type: 'function',
    function: { name, description, parameters },
  }));
  const messages = [
    { role: 'system', content: 'Answer questions about the current folder. Use tools instead of guessing.' },
    { role: 'user', content: question },
  ];
  for (let step = 0; step < MAX_STEPS; step++) {
    const { choices } = await client.chat.completions.create({ model: MODEL, messages, tools });
    const message = choices[0].message;
    messages.push(message);
    if (!message.tool_calls?.length) return message.content;
    for (const call of message.tool_calls) {
      console.error(`→ ${call.function.name} ${call.function.arguments}`);
      messages.push({ role: 'tool', tool_call_id: call.id, content: await useTool(call) });
    }
  }
  throw new Error(`no answer after ${MAX_STEPS} steps`);
}

try {
  console.log(await answer(process.argv.slice(2).join(' ') || 'What is in this folder?'));
} catch (error) {
  if (error instanceof OpenAI.PermissionDeniedError) console.error(`Not allowed: ${error.message}`);
  else console.error(error.message);
  process.exitCode = 1;
}

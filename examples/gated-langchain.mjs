// A LangChain tool that asks the action gate before it runs.
//
//   node examples/gated-langchain.mjs "drop the table users"
import { tool } from '@langchain/core/tools';
import { convertToOpenAITool } from '@langchain/core/utils/function_calling';
import { connectGate } from '@raypher/gate/client';
import OpenAI from 'openai';
import { z } from 'zod';

const MAX_STEPS = 10;
const gate = await connectGate(process.env.RAYPHER_GATE ?? '/run/raypher/gate.sock');

/** The same tool, behind the gate. Policies see it as `tool.call`, with its name and its arguments. */
function gated(inner) {
  return tool(
    async (input) => {
      const request = { v: 1, action: 'tool.call', target: inner.name, arguments: input };
      const { verdict, message } = await gate.check(request, { waitMs: 120_000 });
      return verdict === 'ALLOW' ? inner.invoke(input) : message;
    },
    { name: inner.name, description: inner.description, schema: inner.schema },
  );
}

const query = tool(async ({ sql }) => `ran: ${sql}`, {
  name: 'query',
  description: 'Runs a statement on the database.',
  schema: z.object({ sql: z.string() }),
});
const tools = new Map([gated(query)].map((one) => [one.name, one]));

const client = new OpenAI();
const messages = [{ role: 'user', content: process.argv[2] ?? 'select 1' }];
for (let step = 0; step < MAX_STEPS; step++) {
  const { choices } = await client.chat.completions.create({
    model: process.env.OPENAI_MODEL ?? 'gpt-4o-mini',
    messages,
    tools: [...tools.values()].map((one) => convertToOpenAITool(one)),
  });
  const { message } = choices[0];
  messages.push(message);
  if (!message.tool_calls?.length) {
    console.log(message.content);
    break;
  }
  for (const { id, function: called } of message.tool_calls) {
    const content = await tools.get(called.name).invoke(JSON.parse(called.arguments));
    messages.push({ role: 'tool', tool_call_id: id, content });
  }
}
gate.close();

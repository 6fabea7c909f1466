// A small AI agent on Anthropic's client: it streams its answer and uses a tool to do arithmetic.
//
//   raypher run -- node examples/anthropic-agent.mjs "What is 17 % of 4,230?"
//
// ANTHROPIC_BASE_URL decides where it talks to; `raypher run` sets it to the local proxy.
import Anthropic from '@anthropic-ai/sdk';

const MODEL = process.env.ANTHROPIC_MODEL ?? 'claude-opus-4-8';
/** A model that keeps asking for tools is stopped here. */
const MAX_STEPS = 10;

const OPERATIONS = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  divide: (a, b) => a / b,
};

const CALCULATOR = {
  name: 'calculate',
  description: 'Does one step of arithmetic exactly.',
  input_schema: {
    type: 'object',
    properties: {
      operation: { type: 'string', enum: Object.keys(OPERATIONS) },
      a: { type: 'number' },
      b: { type: 'number' },
    },
    required: ['operation', 'a', 'b'],
  },
};

/** The answer to one use of the tool, as the model reads it. */
function useTool({ id, input }) {
  const operation = OPERATIONS[input.operation];
  const isKnown = operation !== undefined && Number.isFinite(input.a) && Number.isFinite(input.b);
  return {
    type: 'tool_result',
    tool_use_id: id,
    is_error: !isKnown,
    content: isKnown ? String(operation(input.a, input.b)) : 'operation, a and b are needed',
  };
}

async function answer(question) {
  const client = new Anthropic();
  const messages = [{ role: 'user', content: question }];
  for (let step = 0; step < MAX_STEPS; step++) {
    const stream = client.messages.stream({ model: MODEL, max_tokens: 1024, tools: [CALCULATOR], messages });
    stream.on('text', (text) => process.stdout.write(text));
    const message = await stream.finalMessage();
    messages.push({ role: 'assistant', content: message.content });
    const uses = message.content.filter((part) => part.type === 'tool_use');
    if (uses.length === 0) return;
    for (const { name, input } of uses) console.error(`→ ${name} ${JSON.stringify(input)}`);
    messages.push({ role: 'user', content: uses.map(useTool) });
  }
  throw new Error(`no answer after ${MAX_STEPS} steps`);
}

try {
  await answer(process.argv.slice(2).join(' ') || 'What is 17 % of 4,230?');
  process.stdout.write('\n');
} catch (error) {
  if (error instanceof Anthropic.PermissionDeniedError) console.error(`Not allowed: ${error.message}`);
  else console.error(error.message);
  process.exitCode = 1;
}

// Stands for an AI agent that works on its own for a long time: it thinks (a little arithmetic), asks a model
// now and then, and prints a line every second. Freeze it and the lines stop; thaw it and they go on.
//
//   node examples/langchain-agent/agent.mjs
//   raypher freeze --library langchain
//   raypher thaw
//
// It uses nothing of langchain. What makes it a langchain agent is its package.json, as for any project that
// declares the library; so there is nothing to install.
import { setTimeout as wait } from 'node:timers/promises';

const BASE_URL = process.env.OPENAI_BASE_URL;
const MODEL = process.env.OPENAI_MODEL ?? 'gpt-4o-mini';
const ASK_EVERY_STEPS = 30;
const STEP_MS = 1000;

/** About two milliseconds of work, so that its CPU time shows whether it runs. */
function think(step) {
  let value = step;
  for (let i = 0; i < 500_000; i++) value = (value * 48_271) % 2_147_483_647;
  return value;
}

/** One call to the model, when there is one to call. */
async function ask(step) {
  if (BASE_URL === undefined) return 'no model to ask';
  try {
    const response = await fetch(`${BASE_URL}/chat/completions`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${process.env.OPENAI_API_KEY ?? ''}`,
      },
      body: JSON.stringify({
        model: MODEL,
        messages: [{ role: 'user', content: `Step ${step}: what next?` }],
      }),
    });
    await response.text();
    return `the model answered ${response.status}`;
  } catch (error) {
    return `the model cannot be reached: ${error.message}`;
  }
}

for (let step = 1; ; step++) {
  const note = step % ASK_EVERY_STEPS === 1 ? ` (${await ask(step)})` : '';
  console.log(`step ${step}: ${think(step)}${note}`);
  await wait(STEP_MS);
}

// An AI agent that asks its model once, with the official OpenAI client, and prints what it got as one JSON line.
import OpenAI from 'openai';

const client = new OpenAI({ maxRetries: 0, timeout: 60_000 });
const answer = await client.chat.completions
  .create({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: process.env.PROMPT ?? 'Say hello.' }] })
  .then(
    ({ choices }) => ({ ok: true, text: choices[0]?.message.content }),
    (error) => ({ ok: false, error: error.constructor.name, status: error.status, message: error.message }),
  );
process.stdout.write(`${JSON.stringify(answer)}\n`);

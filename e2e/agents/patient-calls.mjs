// An AI agent that waits for as long as a person needs, with the official OpenAI client, and prints one JSON line per
// call. What it calls comes from OPENAI_BASE_URL; arguments: the model, and how many calls, one after another.
import OpenAI from 'openai';

const [model = 'gpt-4o-mini', calls = '1'] = process.argv.slice(2);
const client = new OpenAI({ maxRetries: 0, timeout: 600_000 });

for (let call = 0; call < Number(calls); call++) {
  const at = Date.now();
  const line = await client.chat.completions
    .create({ model, messages: [{ role: 'user', content: 'Say hello.' }] })
    .then(
      ({ choices }) => ({ ok: true, text: choices[0]?.message.content }),
      (error) => ({
        ok: false,
        error: error.constructor.name,
        status: error.status,
        code: error.code,
        message: error.message,
      }),
    );
  process.stdout.write(`${JSON.stringify({ at, ...line, answeredAt: Date.now() })}\n`);
}

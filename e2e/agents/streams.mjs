// An AI agent that streams answers, several at a time, with the official OpenAI client, and prints one JSON line when each
// has begun and when it has ended. Arguments: how many. What it asks comes from PROMPT.
import OpenAI from 'openai';

const client = new OpenAI({ maxRetries: 0, timeout: 120_000 });
const print = (line) => process.stdout.write(`${JSON.stringify({ at: Date.now(), ...line })}\n`);

async function stream() {
  let text = '';
  try {
    const answer = await client.chat.completions.create({
      model: 'gpt-4o',
      stream: true,
      messages: [{ role: 'user', content: process.env.PROMPT ?? 'Say hello.' }],
    });
    for await (const { choices } of answer) {
      if (text === '') print({ ok: true, text: 'begun' });
      text += choices[0]?.delta.content ?? '';
    }
    print({ ok: true, text });
  } catch (error) {
    print({ ok: false, error: error.constructor.name, code: error.code, message: error.message });
  }
}

await Promise.all(Array.from({ length: Number(process.argv[2] ?? 1) }, stream));

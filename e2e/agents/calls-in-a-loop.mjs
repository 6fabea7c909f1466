// An AI agent that asks its model again and again, with the official OpenAI client, and prints one JSON line per
// call. What it calls comes from OPENAI_BASE_URL; arguments: the model, and milliseconds between calls.
import OpenAI from 'openai';

const [model = 'gpt-4o-mini', pause = '50'] = process.argv.slice(2);
const client = new OpenAI({
  apiKey: process.env.OPENAI_API_KEY ?? 'not-a-key',
  maxRetries: 0,
  timeout: 30_000,
});

for (;;) {
  const at = Date.now();
  try {
    const stream = await client.chat.completions.create({
      model,
      stream: true,
      messages: [{ role: 'user', content: 'Say hello.' }],
    });
    let text = '';
    for await (const chunk of stream) text += chunk.choices[0]?.delta?.content ?? '';
    print({ at, ok: true, text });
  } catch (error) {
    print({
      at,
      ok: false,
      error: error.constructor.name,
      status: error.status,
      code: error.code,
      message: error.message,
    });
  }
  await new Promise((resolve) => setTimeout(resolve, Number(pause)));
}

function print(line) {
  process.stdout.write(`${JSON.stringify({ ...line, answeredAt: Date.now() })}\n`);
}

// An AI agent that asks Claude once, with the official Anthropic client, and prints what came of it as JSON.
import Anthropic from '@anthropic-ai/sdk';

const client = new Anthropic({
  apiKey: process.env.ANTHROPIC_API_KEY ?? 'not-a-key',
  maxRetries: 0,
  timeout: 60_000,
});
try {
  const message = await client.messages.create({
    model: 'claude-sonnet-4-5',
    max_tokens: 64,
    messages: [{ role: 'user', content: 'Say hello.' }],
  });
  console.log(JSON.stringify({ ok: true, stop: message.stop_reason }));
} catch (error) {
  console.log(
    JSON.stringify({ ok: false, error: error.constructor.name, status: error.status, body: error.error }),
  );
}

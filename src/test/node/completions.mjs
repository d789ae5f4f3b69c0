// Asks a server by OpenAI's own client, and prints what it answers as JSON: node completions.mjs URL KEY PROMPT
import OpenAI from "openai";

const [baseURL, apiKey, prompt] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const [model] = (await client.models.list()).data;
const request = { model: model.id, prompt, max_tokens: 40, temperature: 0.8, seed: 7, logprobs: 2 };

const whole = await client.completions.create(request);
let streamed = "";
let usage = null;
const stream = await client.completions.create({ ...request, stream: true, stream_options: { include_usage: true } });
for await (const part of stream) {
  streamed += part.choices[0]?.text ?? "";
  usage = part.usage ?? usage;
}
const error = await client.completions.create({ ...request, best_of: 2 }).catch((e) => e);
const wrongKey = await new OpenAI({ baseURL, apiKey: "wrong", maxRetries: 0 }).models.list().catch((e) => e);

// A stream that is not read to its end closes its connection.
const abandoned = await client.completions.create({ ...request, max_tokens: 20000, stream: true });
for await (const part of abandoned) {
  if (part.choices.length > 0) break;
}
console.log(
  JSON.stringify({
    model: model.id,
    text: whole.choices[0].text,
    tokens: whole.choices[0].logprobs.tokens.join(""),
    usage: whole.usage,
    streamed,
    streamedUsage: usage,
    error: { status: error.status, param: error.param, message: error.error?.message },
    wrongKey: wrongKey.status,
  }),
);

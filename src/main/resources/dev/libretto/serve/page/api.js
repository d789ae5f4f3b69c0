// Talks to the server.

const KEY = 'libretto-key';

/** A failure in words for the user. */
export class Problem extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

const kept = new Map();

/** Keeps a text until the tab is closed; if the browser keeps nothing, until the page is left. */
export function keep(name, text) {
  kept.set(name, text);
  try {
    sessionStorage.setItem(name, text);
  } catch {
    // Storage is blocked or full.
  }
}

/** Returns a text that was kept; null if there is none. */
export function recall(name) {
  if (kept.has(name)) return kept.get(name);
  try {
    return sessionStorage.getItem(name);
  } catch {
    return null;
  }
}

export function setKey(key) {
  keep(KEY, key);
}

function headers(more) {
  const key = recall(KEY);
  return key ? {...more, Authorization: 'Bearer ' + key} : more;
}

/** What the API's messages say to programs, and what the page says instead. */
const WORDS = [
  [/^prompt: /, ''],
  [/^prompt /, 'the text '],
  [/^stop /, 'the text to stop at '],
  [', or add "unknown": "skip"', ''],
  ['max_tokens × n × prompts', 'length × continuations'],
  ['n × prompts', 'the number of continuations'],
  [/; send it as "Authorization.*/, ''],
  [/; try again later.*/, ''],
];

function sentence(message) {
  const said = WORDS.reduce((text, [words, others]) => text.replace(words, others), message);
  return said[0].toUpperCase() + said.slice(1);
}

async function failure(response) {
  let message = `the server answered with status ${response.status}`;
  try {
    message = (await response.json()).error.message || message;
  } catch {
    // Not the server's own error, such as that of a proxy.
  }
  let end = '.';
  if (response.status === 429) {
    const seconds = response.headers.get('Retry-After');
    end = seconds ? `; try again in ${seconds} s.` : '; try again soon.';
  }
  return new Problem(sentence(message) + end, response.status);
}

async function request(path, options) {
  let response;
  try {
    response = await fetch(path, {...options, headers: headers(options.headers)});
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Problem('The server cannot be reached. Is “libretto serve” still running?', 0);
  }
  if (!response.ok && response.status !== 304) throw await failure(response);
  return response;
}

/** Returns the response to a GET; with status 304 if its ETag is still the known one. */
export function get(path, etag) {
  return request(path, {headers: etag ? {'If-None-Match': etag} : {}, cache: 'no-store'});
}

export function post(path, body, signal) {
  return request(path, {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(body), signal});
}

/** Yields the JSON of each server-sent event until [DONE]. */
export async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = '';
  try {
    while (true) {
      const {done, value} = await reader.read();
      if (done) throw new Problem('The server closed the connection before the text was complete.', 0);
      buffer += value;
      const blocks = buffer.split(/\r?\n\r?\n/);
      buffer = blocks.pop();
      for (const block of blocks) {
        const data = block.split(/\r?\n/).filter(line => line.startsWith('data:')).map(line => line.slice(5).trimStart()).join('\n');
        if (data === '[DONE]') return;
        if (!data) continue;
        const event = JSON.parse(data);
        if (event.error) throw new Problem(sentence(event.error.message) + '.', 500);
        yield event;
      }
    }
  } finally {
    // Closing the connection frees the rows of the model.
    reader.cancel().catch(() => {});
  }
}

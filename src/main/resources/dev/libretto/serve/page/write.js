// Write: a text that the model continues while the user watches.

import {events, keep, post, Problem, recall} from './api.js';
import {CharacterView, Detail, element, isComposing, legend, setLanguage, surpriseClass} from './view.js';

const DRAFT = 'libretto-draft';
const LIKELIEST = 5;
const MAX_UNDO = 200;
const MAX_SPOKEN = 1000;
const byId = id => document.getElementById(id);

/** Returns what is known about each character of a streamed choice. */
function scored(choice) {
  const {tokens, token_logprobs: own, top_logprobs: top} = choice.logprobs || {};
  if (!tokens) return Array.from(choice.text, character => ({character, bits: null, others: []}));
  return tokens.map((character, i) => ({
    character,
    bits: own[i] == null ? null : Math.max(0, -own[i] / Math.LN2),
    others: Object.entries(top?.[i] || {})
      .filter(([other]) => other !== character)
      .map(([other, p]) => [other, Math.exp(p)])
      .sort((a, b) => b[1] - a[1])
      .slice(0, LIKELIEST),
  })).filter(({character}) => character !== '');
}

/** The text, and what is known about the characters that a model wrote: marks with an offset `at`, in order. */
class Manuscript {
  constructor(text) {
    this.text = text;
    this.marks = [];
    this.undone = [];
    this.done = [];
  }

  /** Remembers the text, so that it can be restored. */
  remember() {
    this.done.push({text: this.text, marks: this.marks});
    if (this.done.length > MAX_UNDO) this.done.shift();
    this.undone = [];
  }

  restore(from, to) {
    if (!from.length) return false;
    to.push({text: this.text, marks: this.marks});
    Object.assign(this, from.pop());
    return true;
  }

  undo() {
    return this.restore(this.done, this.undone);
  }

  redo() {
    return this.restore(this.undone, this.done);
  }

  /** Keeps the marks of what the user left unchanged. */
  edit(text) {
    const old = this.text;
    const most = Math.min(old.length, text.length);
    let start = 0;
    while (start < most && old[start] === text[start]) start++;
    let end = 0;
    while (end < most - start && old[old.length - 1 - end] === text[text.length - 1 - end]) end++;
    const shift = text.length - old.length;
    this.marks = this.marks
      .filter(mark => mark.at + mark.character.length <= start || mark.at >= old.length - end)
      .map(mark => mark.at >= old.length - end && mark.at >= start ? {...mark, at: mark.at + shift} : mark);
    this.text = text;
  }

  append(characters) {
    this.marks = [...this.marks, ...place(characters, this.text.length)];
    this.text += characters.map(each => each.character).join('');
  }

  markAt(offset) {
    return this.marks.findIndex(mark => mark.at <= offset && offset < mark.at + mark.character.length);
  }
}

function place(characters, from) {
  let at = from;
  return characters.map(each => {
    const mark = {...each, at};
    at += each.character.length;
    return mark;
  });
}

export function startWrite(page) {
  const area = byId('text');
  const backdrop = byId('backdrop');
  const settings = byId('settings');
  const status = byId('write-status');
  const cards = byId('continuations');
  const [go, stop, undo, redo] = ['continue', 'stop', 'undo', 'redo'].map(byId);
  const detail = new Detail('Each character that the model writes is shaded by how surprising it was. Point at one, or move the cursor to it.');
  detail.root.append(legend('surprise'));
  byId('write-detail').append(detail.root);
  const manuscript = new Manuscript(recall(DRAFT) || '');
  let spans = [];
  let running = null;
  let typing = 0;

  function render() {
    const parts = [];
    spans = [];
    let at = 0;
    for (const mark of manuscript.marks) {
      if (mark.at > at) parts.push(manuscript.text.slice(at, mark.at));
      parts.push(spanOf(mark));
      at = mark.at + mark.character.length;
    }
    parts.push(manuscript.text.slice(at));
    backdrop.replaceChildren(...parts, '\u200b');
    // Setting it, even to the same text, could disturb an input method that composes a character.
    if (area.value !== manuscript.text) area.value = manuscript.text;
    setLanguage(area.parentElement, manuscript.text);
    updateButtons();
    keep(DRAFT, manuscript.text);
  }

  function spanOf(mark) {
    const span = element('span', {class: surpriseClass(mark.bits)}, mark.character);
    span.index = spans.length;
    spans.push(span);
    return span;
  }

  /** Adds to the end, without drawing all of the text again. */
  function append(characters) {
    const from = manuscript.marks.length;
    manuscript.append(characters);
    backdrop.lastChild.before(...manuscript.marks.slice(from).map(spanOf));
    area.value = manuscript.text;
  }

  function updateButtons() {
    go.disabled = running !== null;
    stop.disabled = running === null;
    undo.disabled = running !== null || manuscript.done.length === 0;
    redo.disabled = running !== null || manuscript.undone.length === 0;
    area.readOnly = running !== null;
  }

  function showMark(index, spoken) {
    spans.forEach(span => span.classList.remove('current'));
    if (index < 0) return;
    spans[index].classList.add('current');
    detail.show(manuscript.marks[index], spoken);
  }

  /** Begins a step of undo. */
  function remember() {
    manuscript.remember();
    typing = 0;
  }

  area.addEventListener('beforeinput', () => {
    // One step for what is typed without a pause.
    if (Date.now() - typing > 1000) remember();
    typing = Date.now();
  });
  area.addEventListener('input', () => {
    manuscript.edit(area.value);
    render();
  });
  area.addEventListener('keydown', event => {
    if (isComposing(event)) return;
    const control = event.ctrlKey || event.metaKey;
    if (control && event.key === 'Enter') start();
    else if (control && event.key.toLowerCase() === 'z') (event.shiftKey ? redo : undo).click();
    else if (control && event.key.toLowerCase() === 'y') redo.click();
    else return;
    event.preventDefault();
  });
  // The text area is over the coloured text, so the character is looked up by its place.
  area.addEventListener('pointermove', event => {
    const span = document.elementsFromPoint(event.clientX, event.clientY).find(node => node.parentElement === backdrop);
    showMark(span ? span.index : -1, false);
  });
  area.addEventListener('pointerleave', () => showMark(-1, false));
  const moved = () => showMark(manuscript.markAt(area.selectionStart), true);
  area.addEventListener('keyup', event => /^(Arrow|Home|End|Page)/.test(event.key) && moved());
  area.addEventListener('click', moved);

  undo.addEventListener('click', () => { manuscript.undo(); typing = 0; render(); area.focus(); });
  redo.addEventListener('click', () => { manuscript.redo(); typing = 0; render(); area.focus(); });
  go.addEventListener('click', start);
  stop.addEventListener('click', () => running?.abort());
  document.addEventListener('keydown', event => {
    if (event.key === 'Escape' && page.isShown('write') && !isComposing(event)) running?.abort();
  });
  const temperature = settings.elements.temperature;
  const showTemperature = () => {
    const value = Number(temperature.value);
    const name = value === 0 ? '0, always the likeliest' : value.toFixed(2);
    byId('temperature-value').textContent = name;
    temperature.setAttribute('aria-valuetext', name);
  };
  temperature.addEventListener('input', showTemperature);
  settings.addEventListener('submit', event => event.preventDefault());
  settings.addEventListener('keydown', event => {
    if (event.key === 'Enter' && !isComposing(event)) start();
  });

  function request() {
    const text = name => settings.elements.namedItem(name).value;
    const number = name => Number(text(name));
    const body = {
      model: page.model(),
      prompt: manuscript.text,
      max_tokens: number('length'),
      n: number('n'),
      temperature: number('temperature'),
      seed: text('seed') === '' ? Math.floor(Math.random() * 2 ** 31) : number('seed'),
      // One more, because the character itself may be among them.
      logprobs: LIKELIEST + 1,
      stream: true,
    };
    if (body.temperature > 0 && number('top_p') < 1) body.top_p = number('top_p');
    if (body.temperature > 0 && number('top_k') > 0) body.top_k = number('top_k');
    if (text('stop')) body.stop = text('stop').replaceAll('\\n', '\n').replaceAll('\\t', '\t');
    return body;
  }

  async function start() {
    if (running || !settings.reportValidity()) return;
    const body = request();
    running = new AbortController();
    page.report(null);
    cards.replaceChildren();
    const inPlace = body.n === 1;
    const views = inPlace ? [] : Array.from({length: body.n}, (_, i) => card(i, body));
    if (inPlace) remember();
    byId('text').closest('.editor').classList.toggle('writing', inPlace);
    const isFocused = document.activeElement === go;
    updateButtons();
    // A disabled button cannot keep the focus.
    if (isFocused) stop.focus();
    status.textContent = inPlace ? 'Writing' : `Writing ${body.n} continuations`;
    const began = performance.now();
    let count = 0;
    let outcome = 'Done';
    try {
      for await (const event of events(await post('v1/completions', body, running.signal))) {
        for (const choice of event.choices || []) {
          const characters = scored(choice);
          count += characters.length;
          if (inPlace) append(characters);
          else views[choice.index].append(characters, choice.finish_reason);
          if (choice.finish_reason === 'stop') outcome = 'Ended by itself';
        }
      }
    } catch (error) {
      outcome = error.name === 'AbortError' ? 'Stopped' : 'Failed';
      page.report(error);
    }
    const seconds = (performance.now() - began) / 1000;
    running = null;
    byId('text').closest('.editor').classList.remove('writing');
    views.forEach(view => view.finish());
    if (inPlace && count === 0) manuscript.done.pop();
    if (inPlace && count > 0) say(manuscript.text.slice(manuscript.done.at(-1).text.length));
    status.textContent = `${outcome}: ${count.toLocaleString('en')} characters in ${seconds.toFixed(1)} s, seed ${body.seed}`;
    render();
    if (inPlace) {
      area.focus({preventScroll: true});
      area.setSelectionRange(area.value.length, area.value.length);
    } else {
      views[0]?.focus();
    }
  }

  /** Has a screen reader read what was written, once it is complete. */
  function say(text) {
    const spoken = byId('written');
    setLanguage(spoken, text);
    spoken.textContent = text.slice(0, MAX_SPOKEN);
  }

  /** Shows one of several continuations. */
  function card(index, body) {
    const characters = [];
    const prompt = manuscript.text;
    const view = new CharacterView(`Continuation ${index + 1}`, (i, spoken) => detail.show(characters[i], spoken));
    const accept = element('button', {type: 'button', disabled: true, 'aria-label': `Use this: continuation ${index + 1}`}, 'Use this');
    const state = element('span', {}, `${index + 1} of ${body.n}`);
    accept.addEventListener('click', () => {
      if (manuscript.text !== prompt) {
        page.report(new Problem('The text was changed since, so this continuation no longer follows it. Continue it again.'));
        return;
      }
      remember();
      manuscript.append(characters);
      cards.replaceChildren();
      status.textContent = `Continuation ${index + 1} added`;
      render();
      area.focus();
      area.setSelectionRange(area.value.length, area.value.length);
    });
    cards.append(element('article', {class: 'paper continuation', 'aria-label': `Continuation ${index + 1}`},
      element('header', {}, state, accept), view.root));
    return {
      append(more, reason) {
        more.forEach(each => { characters.push(each); view.append(each.character, surpriseClass(each.bits)); });
        if (reason) state.textContent = `${index + 1} of ${body.n}${reason === 'stop' ? ', ended by itself' : ''}`;
        setLanguage(view.root, characters.slice(0, 50).map(each => each.character).join(''));
      },
      finish() {
        accept.disabled = characters.length === 0;
      },
      focus() {
        accept.focus({preventScroll: true});
      },
    };
  }

  showTemperature();
  render();
}

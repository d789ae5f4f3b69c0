// Shows a text character by character. The page and exported files use it, so it imports nothing.

/** The most surprising level: a character of a probability of 1/1024 or less. */
const MOST_BITS = 10;
const ACTIVATION_LEVELS = 8;
const ROWS_PER_PAGE = 200;

/** Creates an element; text is always inserted as text, never as HTML. */
export function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === 'class') node.className = value;
    else if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
    else if (value === true) node.setAttribute(key, '');
    else if (value !== false && value != null) node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}

/** Whether a key belongs to an input method, such as one for Chinese. Safari ends a composition before the key that ends it. */
export function isComposing(event) {
  return event.isComposing || event.keyCode === 229;
}

/** Sets the language of a text, by which the browser chooses its glyphs and a screen reader its voice. */
export function setLanguage(node, text) {
  const sample = text.slice(0, 2000);
  if (/[\u3040-\u30ff]/.test(sample)) node.lang = 'ja';
  else if (/[\uac00-\ud7af]/.test(sample)) node.lang = 'ko';
  else if (/[\u4e00-\u9fff]/.test(sample)) node.lang = 'zh';
  else node.removeAttribute('lang');
}

const NAMES = {'': 'end of the text', '\n': '↵ line end', '\r': 'carriage return', '\t': '⇥ tab', ' ': '␣ space', '\u3000': 'ideographic space'};

/** Returns how a character is called where it stands alone. */
export function nameOf(character) {
  if (character in NAMES) return NAMES[character];
  return /[\p{C}\p{Z}]/u.test(character) ? codePoint(character) : character;
}

function codePoint(character) {
  return 'U+' + character.codePointAt(0).toString(16).toUpperCase().padStart(4, '0');
}

export function percent(probability) {
  const value = 100 * probability;
  if (value >= 99.95) return value === 100 ? '100%' : '>99.9%';
  return value >= 10 ? value.toFixed(0) + '%' : value >= 0.1 ? value.toFixed(1) + '%' : '<0.1%';
}

export function surpriseClass(bits) {
  return bits == null ? '' : 's' + Math.max(0, Math.min(MOST_BITS, Math.round(bits)));
}

function activationClass(value) {
  const level = Math.min(ACTIVATION_LEVELS, Math.round(Math.abs(value) * ACTIVATION_LEVELS));
  return level === 0 ? '' : (value < 0 ? 'n' : 'p') + level;
}

/** The legend of one of the two colour scales. */
export function legend(kind) {
  const levels = kind === 'surprise'
    ? Array.from({length: MOST_BITS + 1}, (_, i) => 's' + i)
    : Array.from({length: 2 * ACTIVATION_LEVELS + 1}, (_, i) => i - ACTIVATION_LEVELS)
      .map(i => i === 0 ? 'zero' : (i < 0 ? 'n' : 'p') + Math.abs(i));
  const ends = kind === 'surprise' ? ['expected', 'surprising'] : ['−1', '+1'];
  const title = kind === 'surprise'
    ? 'One step is one bit: half as likely. The last is 10 bits or more, 0.1% or less.'
    : 'Blue is negative, red is positive, no colour is 0.';
  return element('div', {class: 'legend', title},
    element('span', {}, ends[0]),
    element('span', {class: 'swatches', 'aria-hidden': 'true'}, ...levels.map(level => element('i', {class: level}))),
    element('span', {}, ends[1]));
}

/** What is known about one character: its probability and the likeliest others in its place. */
export class Detail {
  constructor(hint) {
    this.hint = hint;
    this.body = element('div', {class: 'detail-body'});
    this.spoken = element('p', {class: 'visually-hidden', 'aria-live': 'polite'});
    this.root = element('section', {class: 'detail', 'aria-label': 'The character'}, this.body, this.spoken);
    this.clear();
  }

  clear() {
    this.body.replaceChildren(element('p', {class: 'hint'}, this.hint));
  }

  /** @param spoken whether a screen reader is told, once the user rests on the character */
  show({character, bits, others = [], note}, spoken) {
    const probability = bits == null ? null : 2 ** -bits;
    const facts = bits == null ? note || 'not predicted' : `${percent(probability)} likely, ${bits.toFixed(1)} bits`;
    const head = element('div', {class: 'detail-head'},
      element('span', {class: 'glyph ' + surpriseClass(bits)}, NAMES[character]?.slice(0, 1) || character || '∎'),
      element('span', {}, element('b', {}, character in NAMES ? nameOf(character) : codePoint(character)),
        element('br'), facts, ...(bits != null && note ? [element('br'), note] : [])));
    setLanguage(head, character);
    const rows = bits == null ? [] : [[character, probability, true], ...others.map(([other, p]) => [other, p, false])]
      .sort((a, b) => b[1] - a[1]);
    const list = element('ol', {class: 'others', 'aria-label': 'The likeliest characters here'}, ...rows.map(([other, p, own]) => {
      const bar = element('span', {class: 'meter', 'aria-hidden': 'true'}, element('i'));
      bar.firstChild.style.width = 100 * p + '%';
      return element('li', {class: own ? 'own' : ''}, element('span', {class: nameOf(other) === other ? 'other' : 'other named'}, nameOf(other)), bar,
        element('span', {class: 'number'}, percent(p)));
    }));
    setLanguage(list, rows.map(row => row[0]).join(''));
    this.body.replaceChildren(head, list);
    clearTimeout(this.timer);
    if (spoken) {
      const likeliest = others.slice(0, 3).map(([other, p]) => `${nameOf(other)} ${percent(p)}`).join(', ');
      this.timer = setTimeout(() => {
        this.spoken.textContent = `${nameOf(character)}: ${facts}${note && bits != null ? ', ' + note : ''}`
          + (likeliest ? `; others: ${likeliest}` : '');
      }, 500);
    }
  }
}

/** A text whose characters can be visited with the pointer and with the arrow keys. */
export class CharacterView {
  /** @param onVisit called with the index of a character, and whether the keyboard chose it */
  constructor(label, onVisit) {
    this.onVisit = onVisit;
    this.spans = [];
    this.current = -1;
    this.root = element('div', {
      class: 'characters', role: 'textbox', 'aria-readonly': 'true', 'aria-multiline': 'true', 'aria-label': label, tabindex: '0',
    });
    this.root.addEventListener('pointerover', event => this.pointed(event));
    this.root.addEventListener('click', event => this.pointed(event));
    this.root.addEventListener('keydown', event => this.key(event));
    this.root.addEventListener('focus', () => this.current < 0 && this.spans.length && this.visit(0, true));
    this.root.addEventListener('blur', () => this.spans[this.current]?.classList.remove('current'));
  }

  append(character, className) {
    const span = element('span', {class: className}, character);
    if (character === '\n') span.dataset.end = '↵';
    span.index = this.spans.length;
    this.spans.push(span);
    this.root.append(span);
  }

  setClass(index, className) {
    this.spans[index].className = className + (index === this.current ? ' current' : '');
  }

  pointed(event) {
    const index = event.target.index;
    if (index === undefined) return;
    if (event.type === 'click') this.visit(index, true);
    else this.onVisit(index, false);
  }

  visit(index, spoken) {
    this.spans[this.current]?.classList.remove('current');
    this.current = index;
    const span = this.spans[index];
    span.classList.add('current');
    span.scrollIntoView({block: 'nearest'});
    this.onVisit(index, spoken);
  }

  key(event) {
    const last = this.spans.length - 1;
    if (last < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const at = Math.max(0, this.current);
    const to = {
      ArrowLeft: () => at - 1,
      ArrowRight: () => at + 1,
      ArrowUp: () => this.lineFrom(at, -1),
      ArrowDown: () => this.lineFrom(at, 1),
      Home: () => 0,
      End: () => last,
    }[event.key];
    if (!to) return;
    event.preventDefault();
    this.visit(Math.max(0, Math.min(last, to())), true);
  }

  /** Returns the character above or below one, on the nearest other line. */
  lineFrom(index, step) {
    const from = this.spans[index].getBoundingClientRect();
    let best = index;
    let line = null;
    let distance = Infinity;
    for (let i = index + step; i >= 0 && i < this.spans.length; i += step) {
      const box = this.spans[i].getBoundingClientRect();
      if (Math.abs(box.top - from.top) < from.height / 2) continue;
      line = line ?? box.top;
      if (Math.abs(box.top - line) > from.height / 2) break;
      if (Math.abs(box.left - from.left) < distance) {
        distance = Math.abs(box.left - from.left);
        best = i;
      }
    }
    return best;
  }
}

/** The same as a table, for those who do not see colours. Rows are added when it is opened, a page at a time. */
export function characterTable(count, rowOf, columns) {
  const body = element('tbody');
  const more = element('button', {type: 'button', class: 'quiet'}, 'More rows');
  let shown = 0;
  const add = () => {
    const to = Math.min(count, shown + ROWS_PER_PAGE);
    for (; shown < to; shown++) {
      body.append(element('tr', {}, ...[shown + 1, ...rowOf(shown)].map(cell => element('td', {}, String(cell)))));
    }
    more.hidden = shown === count;
  };
  more.addEventListener('click', add);
  const details = element('details', {class: 'as-table'}, element('summary', {}, 'As a table'),
    element('div', {class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Characters as a table'},
      element('table', {}, element('thead', {}, element('tr', {}, ...['', ...columns]
        .map(name => element('th', {scope: 'col'}, name)))), body)), more);
  details.addEventListener('toggle', () => details.open && shown === 0 && add());
  return details;
}

function bytesOf(base64) {
  const binary = atob(base64);
  const bytes = new Int8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/** A layer's activations, and its units by how much they vary. */
class Layer {
  constructor({name, shows, values}, characters) {
    this.name = name;
    this.shows = shows;
    this.values = bytesOf(values);
    this.units = this.values.length / characters;
    const mean = new Float64Array(this.units);
    const square = new Float64Array(this.units);
    for (let i = 0; i < this.values.length; i++) {
      const value = this.values[i] / 127;
      mean[i % this.units] += value / characters;
      square[i % this.units] += value * value / characters;
    }
    this.deviation = mean.map((m, unit) => Math.sqrt(Math.max(0, square[unit] - m * m)));
    this.order = Array.from(this.deviation.keys()).sort((a, b) => this.deviation[b] - this.deviation[a]);
  }

  at(character, unit) {
    return this.values[character * this.units + unit] / 127;
  }
}

/** Shows an inspected text: coloured by surprise or by the activation of a unit. */
export function showInspection(root, data) {
  const characters = Array.from(data.text);
  const layers = data.layers.map(layer => new Layer(layer, characters.length));
  const unknown = new Set(data.unknown);
  const predicted = data.bits.filter(bits => bits != null);
  const mean = predicted.reduce((a, b) => a + b, 0) / predicted.length;
  let layer = null;
  let rank = 0;

  const detail = new Detail('Point at a character, or move to it with the arrow keys.');
  const view = new CharacterView('The text, character by character', (index, spoken) => {
    const unit = layer && layer.order[rank];
    detail.show({
      character: characters[index],
      bits: data.bits[index],
      others: data.others[index],
      note: layer ? `unit ${unit}: ${layer.at(index, unit).toFixed(2)}`
        : unknown.has(index) ? 'not in the vocabulary; the model skips it'
          : data.bits[index] == null ? 'the first character is not predicted' : null,
    }, spoken);
  });
  characters.forEach(character => view.append(character, ''));
  setLanguage(view.root, data.text);

  const {cell, layers: count, hidden_size: units, name} = data.model;
  const summary = element('p', {class: 'summary'},
    `${name} · ${count === 1 ? '' : count + ' layers of '}${cell.toUpperCase()}, ${units} units · `
    + `${characters.length.toLocaleString('en')} characters`
    + (predicted.length ? ` · ${mean.toFixed(2)} bits per character` : ''));

  const choices = element('fieldset', {class: 'segments'}, element('legend', {class: 'visually-hidden'}, 'Colour by'));
  const choose = (label, chosen) => {
    const input = element('input', {type: 'radio', name: 'colour', value: label});
    input.checked = chosen === null;
    input.addEventListener('change', () => { layer = chosen; rank = 0; colour(); });
    choices.append(element('label', {}, input, element('span', {}, label)));
  };
  choose('Surprise', null);
  layers.forEach(each => choose(each.name[0].toUpperCase() + each.name.slice(1), each));

  const bars = element('canvas', {class: 'unit-bars', 'aria-hidden': 'true'});
  const slider = element('input', {type: 'range', min: '0', step: '1', class: 'unit-slider',
    'aria-label': 'Unit, those that vary most first'});
  const previous = element('button', {type: 'button', class: 'step', 'aria-label': 'Previous unit'}, '‹');
  const next = element('button', {type: 'button', class: 'step', 'aria-label': 'Next unit'}, '›');
  const unitName = element('output', {class: 'unit-name'});
  const units_ = element('div', {class: 'units'}, previous,
    element('div', {class: 'unit-track'}, bars, slider), next, unitName);
  const step = by => { rank = Math.max(0, Math.min(layer.units - 1, rank + by)); colour(); };
  previous.addEventListener('click', () => step(-1));
  next.addEventListener('click', () => step(1));
  slider.addEventListener('input', () => { rank = Number(slider.value); colour(); });
  const keys = element('div', {class: 'scale'});

  function colour() {
    units_.hidden = layer === null;
    keys.replaceChildren(legend(layer ? 'activation' : 'surprise'));
    if (layer) {
      const unit = layer.order[rank];
      slider.max = layer.units - 1;
      slider.value = rank;
      const varies = `standard deviation ${layer.deviation[unit].toFixed(2)}`;
      slider.setAttribute('aria-valuetext', `unit ${unit}, ${rank + 1} of ${layer.units}, ${varies}`);
      unitName.replaceChildren(element('b', {}, `unit ${unit}`), ` · ${rank + 1} of ${layer.units} · ${layer.shows}, ${varies}`);
      previous.disabled = rank === 0;
      next.disabled = rank === layer.units - 1;
      characters.forEach((_, i) => view.setClass(i, activationClass(layer.at(i, unit))));
      drawBars();
    } else {
      characters.forEach((_, i) => view.setClass(i, unknown.has(i) ? 'unknown' : surpriseClass(data.bits[i])));
    }
    if (view.current >= 0) view.onVisit(view.current, false);
  }

  function drawBars() {
    if (!layer || !bars.isConnected) return;
    const ratio = window.devicePixelRatio || 1;
    const width = bars.width = Math.round(bars.clientWidth * ratio);
    const height = bars.height = Math.round(bars.clientHeight * ratio);
    const style = getComputedStyle(bars);
    const context = bars.getContext('2d');
    const top = layer.deviation[layer.order[0]] || 1;
    const each = width / layer.units;
    layer.order.forEach((unit, i) => {
      const bar = Math.max(ratio, height * layer.deviation[unit] / top);
      context.fillStyle = style.getPropertyValue(i === rank ? '--accent' : '--bar');
      const wide = i === rank ? Math.max(each, 2 * ratio) : Math.max(each > 3 ? each - ratio : each, 0.5);
      context.fillRect(i * each, height - bar, wide, bar);
    });
  }
  new ResizeObserver(drawBars).observe(bars);
  document.addEventListener('themechange', drawBars);

  const table = characterTable(characters.length, i => [nameOf(characters[i]),
    data.bits[i] == null ? '' : percent(2 ** -data.bits[i]), data.bits[i] == null ? '' : data.bits[i].toFixed(1),
    data.others[i].map(([other, p]) => `${nameOf(other)} ${percent(p)}`).join(', ')],
  ['character', 'probability', 'bits', 'likeliest others']);

  root.replaceChildren(element('div', {class: 'columns'},
    element('div', {class: 'main'}, summary, element('div', {class: 'controls'}, choices, keys), units_,
      element('div', {class: 'paper'}, view.root), table),
    element('aside', {class: 'side', 'aria-label': 'Details'}, detail.root)));
  colour();
}

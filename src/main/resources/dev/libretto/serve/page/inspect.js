// Look inside: how a model reads a text.

import {post} from './api.js';
import {element, isComposing, setLanguage, showInspection} from './view.js';

const byId = id => document.getElementById(id);

function save(blob, name) {
  const link = element('a', {href: URL.createObjectURL(blob), download: name});
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

export function startInspect(page) {
  const area = byId('inspect-text');
  const status = byId('inspect-status');
  const buttons = [byId('read'), byId('export-html'), byId('export-states')];
  let read = null;

  async function ask(body, doing, then) {
    // A key can submit the form although its button is disabled.
    if (buttons[0].disabled) return;
    buttons.forEach(button => { button.disabled = true; });
    status.textContent = doing;
    page.report(null);
    try {
      await then(await post('v1/inspect', body));
      status.textContent = '';
    } catch (error) {
      status.textContent = '';
      page.report(error);
    }
    buttons[0].disabled = false;
    buttons[1].disabled = buttons[2].disabled = read === null;
  }

  byId('inspect-form').addEventListener('submit', event => {
    event.preventDefault();
    const body = {model: page.model(), text: area.value};
    ask(body, 'Reading', async response => {
      const data = await response.json();
      read = body;
      showInspection(byId('inspection'), data);
      byId('inspection').querySelector('.characters').focus({preventScroll: true});
    });
  });
  area.addEventListener('input', () => setLanguage(area, area.value));
  area.addEventListener('keydown', event => {
    if ((event.ctrlKey || event.metaKey) && event.key === 'Enter' && !isComposing(event)) byId('inspect-form').requestSubmit();
  });
  buttons[1].addEventListener('click', () => ask({...read, format: 'html'}, 'Saving',
    async response => save(await response.blob(), `${read.model}.html`)));
  buttons[2].addEventListener('click', () => ask({...read, format: 'npz'}, 'Saving',
    async response => save(await response.blob(), `${read.model}-states.npz`)));
}

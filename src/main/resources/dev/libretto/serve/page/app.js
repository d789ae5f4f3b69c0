// The frame: views, models, theme and the API key.

import {get, setKey} from './api.js';
import {element} from './view.js';
import {startWrite} from './write.js';
import {startInspect} from './inspect.js';
import {startRuns} from './runs.js';

const byId = id => document.getElementById(id);
const views = ['write', 'inspect', 'runs'];
const model = byId('model');
const problem = byId('problem');
const keyForm = byId('key-form');

/** What the views share. */
const page = {
  model: () => model.value,
  isShown: view => !byId(view).hidden && !document.hidden,
  /** Shows what went wrong; nothing hides it. */
  report(error) {
    if (error && error.name === 'AbortError') return;
    if (error && error.status === 401 && keyForm.hidden) {
      keyForm.hidden = false;
      byId('key').focus();
    }
    problem.hidden = !error;
    problem.textContent = error ? error.message : '';
  },
};

function show(view) {
  for (const each of views) {
    const isShown = each === view;
    const tab = byId('tab-' + each);
    byId(each).hidden = !isShown;
    tab.setAttribute('aria-selected', isShown);
    tab.tabIndex = isShown ? 0 : -1;
  }
  document.title = byId('tab-' + view).textContent + ' · Libretto';
  document.dispatchEvent(new CustomEvent('viewchange', {detail: view}));
}

const viewOfAddress = () => views.find(view => location.hash.startsWith('#' + view)) || 'write';

byId('tab-write').parentElement.addEventListener('keydown', event => {
  const step = {ArrowRight: 1, ArrowLeft: -1}[event.key];
  if (!step) return;
  event.preventDefault();
  const view = views[(views.indexOf(viewOfAddress()) + step + views.length) % views.length];
  location.hash = view;
  byId('tab-' + view).focus();
});
document.querySelector('.skip').addEventListener('click', event => {
  event.preventDefault();
  byId('content').focus();
});

async function loadModels() {
  try {
    const {data} = await (await get('v1/models')).json();
    model.replaceChildren(...data.map(({id}) => element('option', {value: id}, id)));
    page.report(null);
  } catch (error) {
    page.report(error);
  }
}

keyForm.addEventListener('submit', event => {
  event.preventDefault();
  setKey(byId('key').value);
  keyForm.hidden = true;
  byId('key').value = '';
  byId('content').focus();
  loadModels();
  document.dispatchEvent(new CustomEvent('viewchange', {detail: viewOfAddress()}));
});

startWrite(page);
startInspect(page);
startRuns(page);
window.addEventListener('hashchange', () => show(viewOfAddress()));
show(viewOfAddress());
loadModels();

// Runs: what is known about each run, and their curves.

import {get} from './api.js';
import {element, setLanguage} from './view.js';

const POLL_MILLIS = 2000;
const MOST_COMPARED = 6;
/** The factor of one step. */
const ZOOM = 1.5;
const COLORS = {
  light: ['#0072b2', '#c14f00', '#007a5a', '#a8478a', '#5b4a9e', '#7a6200'],
  dark: ['#62b5ea', '#f0a346', '#35c39a', '#e79cc9', '#b3a5ff', '#e3d64c'],
};
const byId = id => document.getElementById(id);

const count = value => value.toLocaleString('en');

function ago(millis) {
  const seconds = Math.max(0, Math.round((Date.now() - millis) / 1000));
  if (seconds < 60) return 'just now';
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  return new Date(millis).toISOString().slice(0, 10);
}

function duration(seconds) {
  if (seconds < 120) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  return seconds < 7200 ? `${(seconds / 60).toFixed(0)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

function describe(run) {
  return run.problem ? '' : `${run.layers === 1 ? '' : run.layers + '-layer '}${run.cell.toUpperCase()}, ${run.hidden_size} units`;
}

function loadChart() {
  return new Promise((resolve, reject) => {
    if (window.uPlot) {
      resolve(window.uPlot);
      return;
    }
    document.head.append(element('link', {rel: 'stylesheet', href: 'uPlot.min.css'}));
    const script = element('script', {src: 'uPlot.iife.min.js'});
    script.addEventListener('load', () => resolve(window.uPlot));
    script.addEventListener('error', () => reject(new Error('The chart could not be loaded.')));
    document.head.append(script);
  });
}

export function startRuns(page) {
  const root = byId('runs-view');
  let etag = null;
  let runs = [];
  /** The names of the compared runs, each with its colour. */
  const compared = new Map();
  const details = new Map();
  let shown = null;
  let byTime = false;
  let isLog = true;
  let chart = null;
  let zoom = null;
  let reportIndex = null;
  let isPolling = false;

  const body = element('tbody');
  const table = element('table', {class: 'runs-table'},
    element('caption', {class: 'visually-hidden'}, 'Runs; choose those to compare'),
    element('thead', {}, element('tr', {}, ...['Run', 'Model', 'Epoch', 'Best perplexity', 'Changed']
      .map(name => element('th', {scope: 'col', class: name === 'Epoch' || name.startsWith('Best') ? 'number' : ''}, name)))), body);
  const empty = element('p', {class: 'empty'}, 'There is no run in this folder yet. One that you train with “libretto train” appears here by itself.');
  const announced = element('p', {class: 'visually-hidden', 'aria-live': 'polite'});
  const place = element('div', {class: 'paper chart', role: 'group', tabindex: '0',
    'aria-label': 'Curves. Plus and minus zoom, left and right move, 0 shows all.'});
  const segment = (legend, name, labels, onChoice) => element('fieldset', {class: 'segments'},
    element('legend', {class: 'visually-hidden'}, legend), ...labels.map((label, i) => {
      const input = element('input', {type: 'radio', name});
      input.checked = i === 0;
      input.addEventListener('change', () => { onChoice(i); zoom = null; draw(); });
      return element('label', {}, input, element('span', {}, label));
    }));
  const [zoomIn, zoomOut, unzoom] = [['Zoom in', '+'], ['Zoom out', '−'], ['Whole curve', 'Whole curve']].map(([name, shown]) =>
    element('button', {type: 'button', class: shown.length === 1 ? 'step' : '', 'aria-label': name}, shown));
  zoomIn.addEventListener('click', () => zoomBy(1 / ZOOM));
  zoomOut.addEventListener('click', () => zoomBy(ZOOM));
  unzoom.addEventListener('click', showAll);
  const values = element('div');
  const chartPart = element('section', {'aria-label': 'Learning curves', hidden: true},
    element('div', {class: 'chart-tools'},
      segment('Horizontal axis', 'axis', ['By epoch', 'By time'], i => { byTime = i === 1; }),
      segment('Vertical axis', 'scale', ['Log scale', 'Linear'], i => { isLog = i === 0; }),
      element('div', {role: 'group', 'aria-label': 'Zoom', class: 'zoom'}, zoomIn, zoomOut, unzoom),
      element('span', {class: 'hint'}, 'To zoom, drag, press + or −, or scroll while holding Ctrl; ← and → move. Solid: held-out text, or else training; dashed: training.')),
    place, values);
  const detailPart = element('section', {class: 'run-detail', 'aria-label': 'One run', hidden: true});
  root.append(announced, empty, table, chartPart, detailPart);

  function colorOf(name) {
    return COLORS[document.documentElement.dataset.theme][compared.get(name)];
  }

  function compare(name, isWanted) {
    if (!isWanted) {
      compared.delete(name);
    } else {
      const used = new Set(compared.values());
      compared.set(name, [...Array(MOST_COMPARED).keys()].find(color => !used.has(color)));
    }
  }

  function renderTable() {
    const focused = document.activeElement?.closest?.('#runs-view')?.contains(document.activeElement) && document.activeElement.dataset.key;
    empty.hidden = runs.length > 0;
    table.hidden = runs.length === 0;
    body.replaceChildren(...runs.map(run => {
      const box = element('input', {type: 'checkbox', 'data-key': 'box ' + run.name, 'aria-label': `Compare ${run.name}`});
      box.checked = compared.has(run.name);
      box.disabled = Boolean(run.problem) || !box.checked && compared.size === MOST_COMPARED;
      box.addEventListener('change', () => {
        compare(run.name, box.checked);
        renderTable();
        refresh();
      });
      const swatch = element('span', {class: 'swatch', 'aria-hidden': 'true'});
      if (box.checked) swatch.style.background = colorOf(run.name);
      const open = element('button', {type: 'button', class: 'quiet', 'data-key': 'open ' + run.name,
        'aria-expanded': String(shown === run.name)}, run.name);
      open.addEventListener('click', () => { shown = shown === run.name ? null : run.name; reportIndex = null; renderTable(); refresh(); });
      const state = run.training ? element('span', {class: 'state training'}, 'training')
        : run.served ? element('span', {class: 'state'}, 'served') : '';
      const diverged = run.rollbacks > 0 ? element('span', {class: 'state diverged'}, `diverged, rolled back ${run.rollbacks}×`) : '';
      return element('tr', {}, element('td', {}, element('span', {class: 'choice'}, box, swatch, open, state, diverged)),
        ...(run.problem ? [element('td', {colspan: 3}, element('small', {}, run.problem))]
          : [element('td', {class: 'model'}, describe(run)),
            element('td', {class: 'number'}, `${count(run.epoch)} of ${count(run.epochs)}`),
            element('td', {class: 'number'}, run.best ? `${run.best.perplexity.toFixed(2)}` : '–', ' ',
              run.best ? element('small', {}, run.best.of === 'validation' ? 'held out' : 'training') : '')]),
        element('td', {}, element('small', {}, ago(run.changed))));
    }));
    if (focused) body.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }

  async function poll() {
    if (isPolling || !page.isShown('runs')) return;
    isPolling = true;
    try {
      const response = await get('v1/runs', etag);
      if (response.status !== 304) {
        etag = response.headers.get('ETag');
        const known = new Set(runs.map(run => run.name));
        const isFirst = runs.length === 0;
        runs = (await response.json()).data;
        const added = runs.filter(run => !known.has(run.name));
        if (isFirst) {
          runs.filter(run => !run.problem && run.epoch > 0).slice(0, 3).forEach(run => compare(run.name, true));
          shown = runs.find(run => !run.problem)?.name || null;
        } else if (added.length > 0) {
          announced.textContent = 'New: ' + added.map(run => run.name).join(', ');
          added.filter(run => run.training && compared.size < MOST_COMPARED).forEach(run => compare(run.name, true));
        }
        for (const name of compared.keys()) if (!runs.some(run => run.name === name)) compared.delete(name);
        renderTable();
      }
      await loadDetails();
      page.report(null);
    } catch (error) {
      page.report(error);
    }
    isPolling = false;
  }

  function refresh() {
    loadDetails().catch(error => page.report(error));
  }

  /** Loads what changed of the compared runs and the shown one. */
  async function loadDetails() {
    let isChanged = false;
    for (const run of runs) {
      if (!compared.has(run.name) && shown !== run.name) continue;
      const known = details.get(run.name);
      if (known?.changed === run.changed) continue;
      const response = await get('v1/runs/' + encodeURIComponent(run.name), known?.etag);
      const detail = response.status === 304 ? known : await response.json();
      details.set(run.name, {...detail, changed: run.changed, etag: response.headers.get('ETag')});
      isChanged = true;
    }
    const state = JSON.stringify([[...compared], shown]);
    if (isChanged || state !== loadDetails.state) {
      loadDetails.state = state;
      await draw();
      renderDetail();
    }
  }

  /** Returns the horizontal axis of all curves, and each curve on it. */
  function series() {
    const curves = [...compared.keys()].map(name => [name, details.get(name)?.curve]).filter(([, curve]) => curve?.epoch.length);
    const xOf = curve => byTime ? curve.time : curve.epoch;
    const all = [...new Set(curves.flatMap(([, curve]) => xOf(curve)))].filter(x => x != null).sort((a, b) => a - b);
    const on = (curve, which) => {
      const at = new Map(xOf(curve).map((x, i) => [x, curve[which][i]]));
      return all.map(x => at.get(x) ?? null);
    };
    const data = [all];
    const lines = [{label: byTime ? 'time' : 'epoch', value: (_, x) => x == null ? '' : byTime ? duration(x) : String(x)}];
    for (const [name, curve] of curves) {
      const isValidated = curve.validation.some(value => value != null);
      const add = (which, label, dash) => {
        data.push(on(curve, which));
        lines.push({label, stroke: colorOf(name), width: 2, dash, spanGaps: true, points: {show: curve.epoch.length < 30, size: 5},
          value: (_, y) => y == null ? '–' : y.toFixed(2)});
      };
      add(isValidated ? 'validation' : 'training', name);
      if (isValidated) add('training', name + ', training', [5, 5]);
    }
    return {curves, data, lines};
  }

  async function draw() {
    const {curves, data, lines} = series();
    chartPart.hidden = curves.length === 0;
    if (curves.length === 0) return;
    const uPlot = await loadChart();
    const style = getComputedStyle(root);
    const axis = {stroke: style.getPropertyValue('--muted'), grid: {stroke: style.getPropertyValue('--line'), width: 1},
      ticks: {stroke: style.getPropertyValue('--line'), width: 1}, font: `12px ${style.fontFamily}`};
    chart?.destroy();
    const label = `Perplexity by ${byTime ? 'training time' : 'epoch'} of ${curves.map(([name]) => name).join(', ')}; the table below has the values`;
    chart = new uPlot({
      width: Math.max(280, place.clientWidth - 16),
      height: 330,
      scales: {x: {time: false, ...(zoom && {range: () => zoom})}, y: {distr: isLog ? 3 : 1}},
      axes: [
        {...axis, incrs: byTime ? undefined : [1, 2, 5].flatMap(step => [...Array(8).keys()].map(digits => step * 10 ** digits)).sort((a, b) => a - b),
          values: (_, ticks) => ticks.map(tick => byTime ? duration(tick) : tick)},
        {...axis, size: 56, values: (_, ticks) => ticks.map(tick => tick == null ? '' : tick >= 10 ? tick.toFixed(0) : String(Number(tick.toFixed(2))))},
      ],
      series: lines,
      cursor: {drag: {x: true, y: false}, bind: {dblclick: () => showAll}},
      legend: {markers: {dash: (plot, i) => plot.series[i].dash ? 'dashed' : 'solid'}},
      hooks: {setSelect: [plot => {
        if (plot.select.width < 5) return;
        zoom = [plot.posToVal(plot.select.left, 'x'), plot.posToVal(plot.select.left + plot.select.width, 'x')];
        updateButtons();
      }]},
    }, data, place);
    updateButtons();
    chart.root.querySelector('canvas').setAttribute('role', 'img');
    chart.root.querySelector('canvas').setAttribute('aria-label', label);
    // It shows the values under the pointer.
    chart.root.querySelector('.u-legend').setAttribute('aria-hidden', 'true');
    const isOpen = values.querySelector('details')?.open;
    values.replaceChildren(valuesTable(data, lines));
    if (isOpen) values.querySelector('details').open = true;
  }

  /** Enables the zoom buttons that have an effect. */
  function updateButtons() {
    const [first, last, least] = extent();
    const [from, to] = zoom ?? [first, last];
    zoomIn.disabled = !(to - from > least);
    zoomOut.disabled = unzoom.disabled = zoom === null;
    // A disabled button cannot keep the focus.
    if ([zoomIn, zoomOut, unzoom].some(button => button.disabled && button === document.activeElement)) place.focus();
  }

  /** Returns the ends of the horizontal axis, and the least that can be shown of it: about three points. */
  function extent() {
    const xs = chart.data[0];
    const whole = xs.at(-1) - xs[0];
    return [xs[0], xs.at(-1), Math.min(whole, 2 * whole / Math.max(1, xs.length - 1))];
  }

  function showAll() {
    zoom = null;
    draw();
    announced.textContent = 'The whole curve';
  }

  /** Shows more or less of the horizontal axis around a place, from 0 at the left to 1. */
  function zoomBy(factor, at = 0.5) {
    const [first, last] = extent();
    const [from, to] = zoom ?? [first, last];
    show(from + at * (to - from), at, (to - from) * factor);
  }

  function move(part) {
    if (!zoom) return;
    const width = zoom[1] - zoom[0];
    show(zoom[0] + (0.5 + part) * width, 0.5, width);
  }

  /** Shows a part of the horizontal axis that has x at a place, from 0 at the left to 1. */
  function show(x, at, wanted) {
    const [first, last, least] = extent();
    const width = Math.max(least, wanted);
    if (width >= last - first) {
      showAll();
      return;
    }
    const from = Math.max(first, Math.min(last - width, x - at * width));
    zoom = [from, from + width];
    draw();
    announced.textContent = byTime ? `From ${duration(zoom[0])} to ${duration(zoom[1])}`
      : `Epochs ${count(Math.ceil(zoom[0]))} to ${count(Math.floor(zoom[1]))}`;
  }

  place.addEventListener('keydown', event => {
    if (!chart || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = {
      '+': () => zoomBy(1 / ZOOM),
      '=': () => zoomBy(1 / ZOOM),
      '-': () => zoomBy(ZOOM),
      ArrowLeft: () => move(-0.25),
      ArrowRight: () => move(0.25),
      0: showAll,
      Escape: showAll,
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  place.addEventListener('wheel', event => {
    if (!chart || !event.ctrlKey) return;
    event.preventDefault();
    const box = chart.over.getBoundingClientRect();
    zoomBy(event.deltaY > 0 ? ZOOM : 1 / ZOOM, Math.max(0, Math.min(1, (event.clientX - box.left) / box.width)));
  }, {passive: false});

  /** At most 100 rows of the curves, for those who do not see the chart. */
  function valuesTable(data, lines) {
    const stride = Math.ceil(data[0].length / 100);
    const rows = data[0].map((_, i) => i).filter(i => i % stride === 0 || i === data[0].length - 1);
    return element('details', {class: 'as-table'}, element('summary', {}, 'As a table'),
      element('div', {class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Curves as a table'}, element('table', {},
        element('thead', {}, element('tr', {}, ...lines.map(line => element('th', {scope: 'col'}, line.label)))),
        element('tbody', {}, ...rows.map(i => element('tr', {}, ...lines.map((line, column) =>
          element('td', {}, line.value(null, data[column][i])))))))));
  }

  function renderDetail() {
    const detail = details.get(shown);
    detailPart.hidden = !detail;
    if (!detail) return;
    const heading = element('h2', {}, shown);
    if (detail.problem) {
      detailPart.replaceChildren(heading, element('p', {}, detail.problem));
      return;
    }
    const {info} = detail;
    const {training} = info;
    const optimizer = training.optimizer;
    const seconds = detail.curve.time.at(-1);
    const facts = [
      ['Model', describe(runs.find(run => run.name === shown) || {problem: true})],
      ['Parameters', count(info.parameters)],
      ['Corpus', info.corpus.characters ? `${info.corpus.files.join(', ') || 'built-in lyrics'}, ${count(info.corpus.characters)} characters` : 'not known; the run was imported'],
      ['Batches', `${training.batchSize} rows of ${training.seqLength} time steps`],
      ['Optimizer', `${optimizer.kind}, learning rate ${optimizer.learningRate.rate ?? ''}`],
      ['Progress', `epoch ${count(info.progress.epoch)} of ${count(training.epochs)}, step ${count(info.progress.step)}`],
      ['Best', info.best ? `${info.best.of} perplexity ${info.best.perplexity.toFixed(3)} in epoch ${count(info.best.epoch)}` : 'none yet'],
      ['Training time', seconds == null ? 'not recorded' : duration(seconds)],
      ['Size', `${(info.bytes / 2 ** 20).toFixed(1)} MiB`],
    ];
    const all = element('details', {class: 'as-table'}, element('summary', {}, 'All settings'),
      element('div', {class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'All settings'}, element('table', {},
        element('tbody', {}, ...flat(info).map(([name, value]) => element('tr', {}, element('th', {scope: 'row'}, name), element('td', {}, value)))))));
    const wasOpen = detailPart.dataset.run === shown && detailPart.querySelector('details')?.open;
    all.open = Boolean(wasOpen);
    detailPart.dataset.run = shown;
    const focused = detailPart.contains(document.activeElement) && document.activeElement.type === 'range';
    detailPart.replaceChildren(heading,
      element('dl', {class: 'facts'}, ...facts.map(([name, value]) => element('div', {}, element('dt', {}, name), element('dd', {}, value)))),
      reports(detail.texts), all);
    if (focused) detailPart.querySelector('input[type=range]')?.focus();
  }

  function reports(texts) {
    if (texts.length === 0) return element('p', {class: 'summary'}, 'This run kept no texts of its reports.');
    const epoch = element('span', {'aria-hidden': 'true'});
    const written = element('div');
    const slider = element('input', {type: 'range', min: '0', max: String(texts.length - 1), step: '1', 'aria-label': 'Report'});
    const show = index => {
      const report = texts[index];
      slider.value = index;
      epoch.textContent = `epoch ${count(report.epoch)}`;
      slider.setAttribute('aria-valuetext', epoch.textContent);
      written.replaceChildren(...report.texts.map(text => element('p', {}, text)));
      setLanguage(written, report.texts.join(''));
    };
    slider.addEventListener('input', () => {
      // At the last one, it follows a run that is training.
      reportIndex = Number(slider.value) === texts.length - 1 ? null : Number(slider.value);
      show(Number(slider.value));
    });
    show(Math.min(reportIndex ?? texts.length - 1, texts.length - 1));
    return element('div', {class: 'paper report'}, element('div', {class: 'epoch'}, element('b', {}, 'Texts at each report'), slider, epoch), written);
  }

  function flat(value, path = []) {
    if (value === null || value.length === 0) return [];
    if (Array.isArray(value)) return value.every(each => typeof each !== 'object') ? [[path.join(' '), value.join(', ')]] : [];
    if (typeof value !== 'object') return [[path.join(' '), typeof value === 'number' ? count6(value) : String(value)]];
    return Object.entries(value).flatMap(([name, each]) => flat(each, [...path, name.replace(/([A-Z])/g, ' $1').toLowerCase()]));
  }

  function count6(value) {
    return Number.isInteger(value) ? count(value) : String(Number(value.toPrecision(6)));
  }

  document.addEventListener('themechange', () => { renderTable(); if (!byId('runs').hidden) draw(); });
  let width = 0;
  new ResizeObserver(() => {
    if (chart && place.clientWidth !== width && place.clientWidth > 0) {
      width = place.clientWidth;
      chart.setSize({width: Math.max(280, width - 16), height: 330});
    }
  }).observe(place);
  document.addEventListener('viewchange', event => event.detail === 'runs' && poll());
  document.addEventListener('visibilitychange', poll);
  setInterval(poll, POLL_MILLIS);
}

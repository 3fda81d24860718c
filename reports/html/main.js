// Puts the page together: reads the data, builds the timelines, listens to pointer and keys.
'use strict';

/** The run as the tracks want it. */
function readRun() {
  const raw = JSON.parse(document.getElementById('data').textContent);
  const ops = unpackOps(raw.ops);
  const marks = [['torture', 'torture ends'], ['healed', 'healed'], ['recovered', 'recovered']]
    .filter(([key]) => raw.phases[key] !== null)
    .map(([key, name]) => [raw.phases[key], name]);
  for (const fault of raw.faults) fault.end = fault.to === null ? raw.end : fault.to;
  return {end: Math.max(1, raw.end), kinds: raw.kinds, faults: raw.faults, marks, violations: raw.violations,
    nodes: raw.cluster.nodes, roles: raw.cluster.roles, outages: raw.cluster.outages, ops};
}

/** Tracks under each other that share a view, each on a canvas of its own. */
class Stack {
  constructor(box, run, view, tracks) {
    this.run = run;
    this.view = view;
    this.box = box;
    this.rows = tracks.filter((track) => track.height() > 0).map((track) => {
      const canvas = document.createElement('canvas');
      box.append(canvas);
      this.listen(canvas, track);
      return {track, canvas};
    });
    this.cursor = document.createElement('div');
    this.cursor.className = 'cursor';
    this.chosen = document.createElement('div');
    this.chosen.className = 'chosen';
    box.append(this.cursor, this.chosen);
    view.listeners.push(() => this.request());
  }
  request() {
    if (this.asked) return;
    this.asked = true;
    requestAnimationFrame(() => this.draw());
  }
  draw() {
    this.asked = false;
    const width = this.box.clientWidth;
    if (width === 0) return;
    this.view.width = width;
    const theme = readTheme();
    for (const {track, canvas} of this.rows) {
      const own = track instanceof OverviewTrack ? this.wholeView() : this.view;
      const c = prepare(canvas, width, track.height());
      track.draw(c, own, theme);
      if (!(track instanceof AxisTrack) && own === this.view) violationMarks(c, this.run, own, theme, track.height());
    }
  }
  wholeView() {
    const whole = new View(this.run.end);
    whole.width = this.view.width;
    return whole;
  }
  listen(canvas, track) {
    const overview = track instanceof OverviewTrack;
    let drag = null;
    const place = (event) => event.clientX - canvas.getBoundingClientRect().left;
    canvas.addEventListener('pointerdown', (event) => {
      if (event.button !== 0) return;
      drag = {x: place(event), from: this.view.from, to: this.view.to, moves: event.shiftKey || overview};
      if (overview) this.centre(place(event));
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener('pointermove', (event) => {
      const x = place(event);
      const own = overview ? this.wholeView() : this.view;
      this.cursor.style.left = Math.max(GUTTER, Math.min(x, this.view.width - MARGIN)) + 'px';
      this.cursor.hidden = overview;
      if (drag !== null) this.dragged(drag, x, overview);
      const lines = drag === null ? track.hit(x, event.offsetY, own) : null;
      if (lines) tooltip.show(lines, event);
      else tooltip.hide();
    });
    canvas.addEventListener('pointerup', (event) => {
      if (drag === null) return;
      const x = place(event);
      this.chosen.hidden = true;
      if (!drag.moves && Math.abs(x - drag.x) > 4) {
        this.view.set(this.view.t(Math.max(GUTTER, Math.min(x, drag.x))), this.view.t(Math.max(x, drag.x)));
      }
      drag = null;
    });
    canvas.addEventListener('pointercancel', () => { drag = null; this.chosen.hidden = true; });
    canvas.addEventListener('pointerleave', () => tooltip.hide());
    canvas.addEventListener('dblclick', () => this.view.all());
    canvas.addEventListener('wheel', (event) => {
      if (event.ctrlKey || event.metaKey) {
        event.preventDefault();
        this.view.zoom(Math.exp(event.deltaY / 300), this.view.t(place(event)));
      } else if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        event.preventDefault();
        this.view.move(event.deltaX / this.view.plot());
      }
    }, {passive: false});
  }
  centre(x) {
    const t = this.wholeView().t(x);
    const half = (this.view.to - this.view.from) / 2;
    this.view.set(t - half, t + half);
  }
  dragged(drag, x, overview) {
    if (overview) {
      this.centre(x);
    } else if (drag.moves) {
      const by = (drag.x - x) / this.view.plot() * (drag.to - drag.from);
      this.view.set(drag.from + by, drag.to + by);
    } else {
      this.chosen.hidden = Math.abs(x - drag.x) <= 4;
      this.chosen.style.left = Math.max(GUTTER, Math.min(x, drag.x)) + 'px';
      this.chosen.style.width = Math.abs(x - drag.x) + 'px';
    }
  }
}

function legend(run) {
  const box = document.createElement('p');
  box.className = 'legend';
  const item = (className, label, style) => {
    const span = document.createElement('span');
    const swatch = document.createElement('i');
    swatch.className = className;
    if (style) swatch.style.background = style;
    span.append(swatch, label);
    box.append(span);
  };
  for (const role of ['leader', 'candidate', 'pre-candidate', 'follower', 'halted']) item('', role, `var(--${role})`);
  item('dead', 'dead');
  for (const outcome of OUTCOMES) item('', outcome, `var(--${outcome})`);
  const theme = readTheme();
  const used = new Set();
  for (let i = 0; i < run.ops.count; i++) used.add(run.ops.f[i]);
  for (const f of [...used].sort()) item('dot', run.ops.fs[f], theme.func(f));
  box.append('latency: \u00d7 fail, \u25cb info');
  return box;
}

/** Each violation's card has the cluster around its moment. */
function drawSurroundings(run, main) {
  const stacks = [];
  for (const canvas of document.querySelectorAll('canvas[data-around]')) {
    const violation = run.violations[Number(canvas.dataset.around)];
    const view = new View(run.end);
    const span = Math.max(1.5e9, (violation.to - violation.from) * 0.75);
    view.set(Math.max(0, violation.from - span), Math.min(run.end, violation.to + span));
    const box = document.createElement('div');
    box.className = 'tracks';
    canvas.replaceWith(box);
    const inView = run.faults.filter((f) => f.end >= view.from && f.from <= view.to);
    const near = {...run, kinds: run.kinds.filter((kind) => inView.some((f) => f.kind === kind)),
      faults: inView.map((f) => ({...f})), violations: [violation]};
    stacks.push(new Stack(box, near, view, [new AxisTrack(near), new FaultTrack(near), new NodeTrack(near, violation.nodes)]));
  }
  for (const button of document.querySelectorAll('button[data-show]')) {
    button.addEventListener('click', () => {
      const violation = run.violations[Number(button.dataset.show)];
      const span = Math.max(2e8, violation.to - violation.from);
      main.view.set(violation.from - span * 0.4, violation.to + span * 0.4);
      document.getElementById('timeline').scrollIntoView({behavior: 'smooth'});
    });
  }
  return stacks;
}

function listenToControls(view, box) {
  const act = {
    in: () => view.zoom(0.5), out: () => view.zoom(2), left: () => view.move(-0.3), right: () => view.move(0.3), all: () => view.all(),
  };
  for (const button of document.querySelectorAll('button[data-zoom]')) {
    button.addEventListener('click', () => act[button.dataset.zoom]());
  }
  const keys = {'+': 'in', '=': 'in', '-': 'out', ArrowLeft: 'left', ArrowRight: 'right', '0': 'all', Escape: 'all'};
  box.addEventListener('keydown', (event) => {
    const name = keys[event.key];
    if (name === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act[name]();
  });
  const label = document.getElementById('window');
  const say = () => {
    const step = (view.to - view.from) / 100;
    label.textContent = timeText(view.from, step) + ' \u2013 ' + timeText(view.to, step) + ' (' + durationText(view.to - view.from) + ')';
  };
  view.listeners.push(say);
  say();
}

function listenToPage(stacks) {
  const redraw = () => {
    hatches = new Map();
    for (const stack of stacks) stack.draw();
  };
  new ResizeObserver(redraw).observe(document.getElementById('tracks'));
  for (const query of ['(prefers-color-scheme: dark)', 'print']) matchMedia(query).addEventListener('change', redraw);
  addEventListener('beforeprint', redraw);
  addEventListener('afterprint', redraw);
  document.addEventListener('toggle', redraw, true);
  const copy = document.getElementById('copy');
  copy.addEventListener('click', () => {
    const selection = getSelection();
    selection.selectAllChildren(document.getElementById('command'));
    // The older call works from file:// too, where the clipboard interface may be missing.
    copy.textContent = document.execCommand('copy') ? 'Copied' : 'Press Ctrl+C';
  });
  for (const input of document.querySelectorAll('input[data-filters]')) {
    const rows = document.querySelectorAll('#' + input.dataset.filters + ' tbody tr');
    input.addEventListener('input', () => {
      const word = input.value.toLowerCase();
      for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(word);
    });
  }
}

function start() {
  document.documentElement.classList.add('scripted');
  const run = readRun();
  const view = new View(run.end);
  const box = document.getElementById('tracks');
  const main = new Stack(box, run, view, [new OverviewTrack(run, view), new AxisTrack(run), new FaultTrack(run),
    new NodeTrack(run), new OpsTrack(run), new LatencyTrack(run), new RateTrack(run)]);
  box.after(legend(run));
  const theme = readTheme();
  for (const swatch of document.querySelectorAll('.swatch')) {
    const i = theme.kinds.indexOf(swatch.dataset.kind);
    swatch.style.background = i < 0 ? theme.kind(swatch.dataset.kind) : `var(--kind-${i})`;
  }
  listenToControls(view, box);
  new OpList(run, view, (i) => {
    const length = run.ops.length[i] === Infinity ? 1e8 : run.ops.length[i];
    view.set(run.ops.start[i] - 2 * length, run.ops.start[i] + 3 * length);
    document.getElementById('timeline').scrollIntoView({behavior: 'smooth'});
  });
  const stacks = [main, ...drawSurroundings(run, main)];
  for (const stack of stacks) stack.draw();
  listenToPage(stacks);
  // What the browser test waits for.
  document.documentElement.dataset.rendered = String(run.ops.count);
}

addEventListener('error', (event) => { document.documentElement.dataset.error = event.message; });
start();

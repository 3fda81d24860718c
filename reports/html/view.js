// What all tracks of a timeline share: the window of time, the colours, the canvases and the pointer.
'use strict';

const GUTTER = 96;        // px left of the time axis, for labels
const MARGIN = 10;        // px right of it
const SMALLEST = 20e3;    // ns: no closer look than this

/** A window [from, to] of the run, in ns; tells its listeners when it moves. */
class View {
  constructor(end) {
    this.end = Math.max(end, SMALLEST);
    this.from = 0;
    this.to = this.end;
    this.width = 100;
    this.listeners = [];
  }
  x(t) { return GUTTER + (t - this.from) / (this.to - this.from) * this.plot(); }
  t(x) { return this.from + (x - GUTTER) / this.plot() * (this.to - this.from); }
  plot() { return Math.max(1, this.width - GUTTER - MARGIN); }
  whole() { return this.from === 0 && this.to === this.end; }
  set(from, to) {
    const span = Math.min(this.end, Math.max(SMALLEST, to - from));
    const middle = (from + to) / 2;
    let start = to - from < SMALLEST ? middle - span / 2 : from;
    start = Math.min(Math.max(0, start), this.end - span);
    this.from = start;
    this.to = start + span;
    this.changed();
  }
  zoom(factor, around = (this.from + this.to) / 2) {
    const span = (this.to - this.from) * factor;
    const share = (around - this.from) / (this.to - this.from);
    this.set(around - span * share, around + span * (1 - share));
  }
  move(share) {
    const by = (this.to - this.from) * share;
    this.set(this.from + by, this.to + by);
  }
  all() { this.set(0, this.end); }
  changed() { for (const listener of this.listeners) listener(); }
  /** Distances and places of the axis' ticks: 1, 2 or 5 times a power of ten, some 90 px apart. */
  ticks() {
    const rough = (this.to - this.from) / Math.max(2, this.plot() / 90);
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = power * [1, 2, 5, 10].find((m) => m * power >= rough);
    const places = [];
    for (let t = Math.ceil(this.from / step) * step; t <= this.to; t += step) places.push(t);
    return {step, places};
  }
}

/** The page's colours as the style sheet has them for the present scheme. */
function readTheme() {
  const style = getComputedStyle(document.documentElement);
  const get = (name) => style.getPropertyValue('--' + name).trim();
  const names = ['ink', 'muted', 'faint', 'line', 'paper', 'panel', 'bad',
    'ok', 'fail', 'info', 'leader', 'candidate', 'pre-candidate', 'follower', 'halted', 'dead'];
  const theme = {font: getComputedStyle(document.body).fontFamily};
  for (const name of names) theme[name] = get(name);
  theme.kinds = ['kill', 'pause', 'partition', 'packet', 'clock', 'power-loss', 'disk', 'membership', 'transfer'];
  theme.kind = (name) => {
    let i = theme.kinds.indexOf(name);
    // A kind that this page does not know gets one of the colours by its name.
    if (i < 0) i = [...name].reduce((sum, c) => sum + c.charCodeAt(0), 0) % theme.kinds.length;
    return get('kind-' + i);
  };
  // Distinct at a glance, and apart for the colour-blind; the shapes tell outcomes, these tell functions.
  theme.func = (f) => get('func-' + f % 5);
  return theme;
}

let hatches = new Map();

/** A pattern of diagonal lines of one colour. */
function hatch(context, colour) {
  let pattern = hatches.get(colour);
  if (pattern === undefined) {
    const tile = document.createElement('canvas');
    tile.width = tile.height = 8;
    const c = tile.getContext('2d');
    c.strokeStyle = colour;
    c.lineWidth = 1.6;
    c.beginPath();
    for (const d of [-8, 0, 8]) {
      c.moveTo(d, 8);
      c.lineTo(d + 8, 0);
    }
    c.stroke();
    pattern = context.createPattern(tile, 'repeat');
    hatches.set(colour, pattern);
  }
  return pattern;
}

/** Fits a canvas to its box and the screen's pixels, cleared; returns its context in CSS pixels. */
function prepare(canvas, width, height) {
  const scale = window.devicePixelRatio || 1;
  const w = Math.round(width * scale);
  const h = Math.round(height * scale);
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
    canvas.style.height = height + 'px';
  }
  const c = canvas.getContext('2d');
  c.setTransform(scale, 0, 0, scale, 0, 0);
  c.clearRect(0, 0, width, height);
  return c;
}

function text(c, theme, string, x, y, options = {}) {
  c.font = (options.weight || '400') + ' ' + (options.size || 11) + 'px ' + theme.font;
  c.fillStyle = options.colour || theme.muted;
  c.textAlign = options.align || 'left';
  c.textBaseline = options.baseline || 'middle';
  if (options.width !== undefined && c.measureText(string).width > options.width) {
    if (options.drop) return;
    while (string.length > 1 && c.measureText(string + '\u2026').width > options.width) string = string.slice(0, -1);
    string += '\u2026';
  }
  c.fillText(string, x, y);
}

const tooltip = {
  show(lines, event) {
    const box = document.getElementById('tooltip');
    box.textContent = '';
    lines.filter((line) => line !== '').forEach((line, i) => {
      const row = document.createElement(i === 0 ? 'b' : 'div');
      row.textContent = line;
      box.append(row);
    });
    box.hidden = false;
    const {offsetWidth: w, offsetHeight: h} = box;
    const x = event.clientX + 14 + w > innerWidth ? event.clientX - 14 - w : event.clientX + 14;
    const y = event.clientY + 14 + h > innerHeight ? event.clientY - 14 - h : event.clientY + 14;
    box.style.transform = `translate(${Math.max(4, x)}px, ${Math.max(4, y)}px)`;
  },
  hide() { document.getElementById('tooltip').hidden = true; },
};

// The other side of reports/page_data.cpp: unpacks the columns of the ops into typed arrays.
'use strict';

const OUTCOMES = ['ok', 'fail', 'info'];
const ROLES = ['follower', 'pre-candidate', 'candidate', 'leader', 'halted'];

/** LEB128 numbers of one column. Plain arithmetic: bit operators would cut at 32 bits. */
function unpack(base64, count) {
  const bytes = atob(base64);
  const out = new Float64Array(count);
  let at = 0;
  for (let i = 0; i < count; i++) {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = bytes.charCodeAt(at++);
      value += (byte & 127) * scale;
      if (byte < 128) break;
      scale *= 128;
    }
    out[i] = value;
  }
  return out;
}

function unzigzag(v) {
  return v % 2 === 0 ? v / 2 : -(v + 1) / 2;
}

function unpackOps(raw) {
  const n = raw.count;
  const column = (name) => unpack(raw.columns[name], n);
  const index = column('index');
  const lines = column('lines');
  const start = column('start');
  const length = column('length');
  const process = column('process');
  const at = column('at');
  let lastStart = 0;
  let lastIndex = 0;
  let lastAt = 0;
  let longest = 0;
  for (let i = 0; i < n; i++) {
    lastIndex += index[i];
    index[i] = lastIndex;
    lastStart += unzigzag(start[i]);
    start[i] = lastStart;
    process[i] = unzigzag(process[i]);
    // 0 is "never completed": the end of such an op is nowhere.
    length[i] = length[i] === 0 ? Infinity : length[i] - 1;
    if (length[i] !== Infinity) longest = Math.max(longest, length[i]);
    if (at[i] !== 0) {
      lastAt += unzigzag(at[i] - 1);
      at[i] = lastAt;
    }
  }
  // 0 is every key.
  const key = Array.from(column('key'), (k) => k === 0 ? '*' : k - 1);
  const kind = column('kind');
  const f = new Uint8Array(n);
  const outcome = new Uint8Array(n);
  for (let i = 0; i < n; i++) {
    f[i] = kind[i] >> 2;
    outcome[i] = kind[i] & 3;
  }
  return {
    count: n, fs: raw.fs, texts: raw.texts, errors: raw.errors, longest,
    index, lines, start, length, f, outcome, process, at,
    key, text: column('text'), error: column('error'),
    node: column('node'), term: column('term'),
    what(i) { return this.texts[this.text[i]].replaceAll('->', '\u2192'); },
    why(i) { return this.errors[this.error[i]]; },
    end(i) { return this.start[i] + this.length[i]; },
  };
}

/** The first i with values[i] >= wanted, in a sorted array. */
function lowerBound(values, wanted) {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

function digits(n) {
  const text = String(Math.round(n));
  return text.length <= 4 ? text : text.replace(/\B(?=(\d{3})+$)/g, '\u202f');
}

function significant(v) {
  return String(Number(v.toPrecision(3)));
}

/** A length of time in ns, as text. */
function durationText(ns) {
  if (ns === Infinity) return 'open';
  if (ns < 1e3) return Math.round(ns) + ' ns';
  if (ns < 999.5e3) return significant(ns / 1e3) + ' \u00b5s';
  if (ns < 999.5e6) return significant(ns / 1e6) + ' ms';
  if (ns < 119.5e9) return significant(ns / 1e9) + ' s';
  const seconds = Math.round(ns / 1e9);
  return Math.floor(seconds / 60) + ' min ' + seconds % 60 + ' s';
}

/** A place on the time axis, with as many decimals as `step` (ns between neighbours) needs. */
function timeText(ns, step) {
  const decimals = step === undefined ? 3 : Math.min(9, Math.max(0, Math.ceil(9 - Math.log10(step) - 1e-9)));
  return (ns / 1e9).toFixed(decimals) + ' s';
}

// The list of ops: only the rows in sight are in the document, so that 100 000 scroll as 10 do.
'use strict';

const ROW = 24;  // px, as in the style sheet

/** A predicate from the words of the filter; all must hold. */
function opFilter(words, ops) {
  const tests = words.toLowerCase().split(/\s+/).filter(Boolean).map((word) => {
    const number = /^([pkn])(-?\d+)$/.exec(word);
    if (number) {
      const column = {p: ops.process, k: ops.key, n: ops.node}[number[1]];
      return (i) => column[i] === Number(number[2]);
    }
    const slower = /^>(\d+(?:\.\d+)?)(us|ms|s)$/.exec(word);
    if (slower) {
      const ns = Number(slower[1]) * {us: 1e3, ms: 1e6, s: 1e9}[slower[2]];
      return (i) => ops.length[i] > ns;
    }
    if (OUTCOMES.includes(word)) return (i) => OUTCOMES[ops.outcome[i]] === word;
    if (ops.fs.includes(word)) return (i) => ops.fs[ops.f[i]] === word;
    // Texts repeat: each is searched once.
    const inText = ops.texts.map((t) => t.toLowerCase().includes(word));
    const inError = ops.errors.map((t) => t.toLowerCase().includes(word));
    return (i) => inText[ops.text[i]] || inError[ops.error[i]];
  });
  return (i) => tests.every((test) => test(i));
}

class OpList {
  constructor(run, view, onPick) {
    this.ops = run.ops;
    this.view = view;
    this.box = document.getElementById('ops');
    this.filter = document.getElementById('filter');
    this.inView = document.getElementById('in-view');
    this.found = document.getElementById('found');
    const head = document.createElement('div');
    head.className = 'op-row head';
    head.setAttribute('role', 'row');
    for (const name of ['line', 'start', 'length', 'process', 'node', 'key', 'op', 'outcome', 'log']) head.append(this.cell(name));
    this.body = document.createElement('div');
    this.body.className = 'op-body';
    this.box.append(head, this.body);
    this.box.addEventListener('scroll', () => requestAnimationFrame(() => this.draw()));
    this.filter.addEventListener('input', () => this.select());
    this.inView.addEventListener('change', () => this.select());
    this.body.addEventListener('click', (event) => {
      const row = event.target.closest('[data-op]');
      if (row) onPick(Number(row.dataset.op));
    });
    view.listeners.push(() => {
      if (!this.inView.checked) return;
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.select(), 80);
    });
    this.select();
  }
  cell(string) {
    const span = document.createElement('span');
    span.textContent = string;
    span.title = string;
    return span;
  }
  select() {
    const {ops, view} = this;
    const matches = opFilter(this.filter.value, ops);
    this.rows = [];
    for (let i = 0; i < ops.count; i++) {
      if (this.inView.checked && (ops.start[i] > view.to || ops.end(i) < view.from)) continue;
      if (matches(i)) this.rows.push(i);
    }
    this.found.textContent = digits(this.rows.length) + ' of ' + digits(ops.count) + ' ops';
    this.body.style.height = this.rows.length * ROW + 'px';
    this.draw();
  }
  draw() {
    const {ops} = this;
    const first = Math.max(0, Math.floor(this.box.scrollTop / ROW) - 4);
    const last = Math.min(this.rows.length, first + Math.ceil(this.box.clientHeight / ROW) + 8);
    const rows = [];
    for (let r = first; r < last; r++) {
      const i = this.rows[r];
      const row = document.createElement('div');
      row.className = 'op-row ' + OUTCOMES[ops.outcome[i]];
      row.setAttribute('role', 'row');
      row.dataset.op = i;
      row.style.top = r * ROW + 'px';
      row.append(this.cell(digits(ops.index[i])), this.cell(timeText(ops.start[i])),
        this.cell(durationText(ops.length[i])), this.cell('p' + ops.process[i]),
        this.cell(ops.node[i] ? 'n' + ops.node[i] : ''), this.cell('k' + ops.key[i]), this.cell(ops.what(i)),
        this.cell(OUTCOMES[ops.outcome[i]] + (ops.why(i) ? ': ' + ops.why(i) : '')),
        this.cell(ops.at[i] ? ops.at[i] + ' t' + ops.term[i] : ''));
      rows.push(row);
    }
    this.body.replaceChildren(...rows);
  }
}

// The tracks that tell what happened: time axis, faults, nodes, clients. A track has
//   height()                    in px
//   draw(c, view, theme)        onto a context whose origin is the track's upper left corner
//   hit(x, y, view)             lines for the tooltip, or null
'use strict';

/** Shades the times of the faults behind a plot, and marks the ends of the run's phases. */
function backdrop(c, run, view, theme, height) {
  c.save();
  c.globalAlpha = 0.1;
  for (const fault of run.faults) {
    const x = Math.max(view.x(fault.from), GUTTER);
    const w = Math.max(1, Math.min(view.x(fault.end), view.width - MARGIN) - x);
    if (fault.end < view.from || fault.from > view.to) continue;
    c.fillStyle = theme.kind(fault.kind);
    c.fillRect(x, 0, w, height);
  }
  c.restore();
  for (const [t] of run.marks) {
    if (t < view.from || t > view.to) continue;
    c.strokeStyle = theme.muted;
    c.setLineDash([3, 3]);
    c.beginPath();
    c.moveTo(view.x(t), 0);
    c.lineTo(view.x(t), height);
    c.stroke();
    c.setLineDash([]);
  }
}

/** The moments of the violations, over everything. */
function violationMarks(c, run, view, theme, height) {
  c.strokeStyle = theme.bad;
  c.lineWidth = 1.25;
  for (const v of run.violations) {
    if (v.time < view.from || v.time > view.to) continue;
    c.beginPath();
    c.moveTo(view.x(v.time), 0);
    c.lineTo(view.x(v.time), height);
    c.stroke();
  }
  c.lineWidth = 1;
}

function clipToPlot(c, view, height) {
  c.beginPath();
  c.rect(GUTTER, 0, view.plot(), height);
  c.clip();
}

class AxisTrack {
  constructor(run) { this.run = run; }
  height() { return 34; }
  draw(c, view, theme) {
    const {step, places} = view.ticks();
    for (const t of places) {
      const x = view.x(t);
      c.fillStyle = theme.line;
      c.fillRect(Math.round(x), 26, 1, 8);
      text(c, theme, timeText(t, step), x, 19, {align: x > view.width - 40 ? 'right' : 'center', colour: theme.muted});
    }
    // The phases' names stand where the line of each begins.
    let free = GUTTER;
    for (const [t, name] of this.run.marks) {
      if (t < view.from || t > view.to) continue;
      const w = name.length * 5.6;
      const x = Math.min(Math.max(view.x(t), free), view.width - w);
      if (x < free) continue;
      text(c, theme, name, x, 6, {size: 10, colour: theme.ink});
      free = x + w + 8;
    }
  }
  hit() { return null; }
}

/** The whole run in little, with the window of the others on it. */
class OverviewTrack {
  constructor(run, view) {
    this.run = run;
    this.view = view;
  }
  height() { return 34; }
  draw(c, whole, theme) {
    const {run, view} = this;
    const bins = Math.max(1, Math.floor(whole.plot() / 2));
    if (this.bins === undefined || this.bins.length !== bins) {
      this.bins = new Float64Array(bins);
      for (let i = 0; i < run.ops.count; i++) {
        this.bins[Math.min(bins - 1, Math.floor(run.ops.start[i] / run.end * bins))]++;
      }
      this.most = this.bins.reduce((a, b) => Math.max(a, b), 1);
    }
    c.fillStyle = theme.panel;
    c.fillRect(GUTTER, 0, whole.plot(), 30);
    c.fillStyle = theme.faint;
    this.bins.forEach((n, i) => {
      const h = n / this.most * 22;
      c.fillRect(GUTTER + i * whole.plot() / bins, 30 - h, whole.plot() / bins + 0.3, h);
    });
    for (const fault of run.faults) {
      c.fillStyle = theme.kind(fault.kind);
      c.fillRect(whole.x(fault.from), 1, Math.max(2, whole.x(fault.end) - whole.x(fault.from)), 3);
    }
    for (const v of run.violations) {
      c.fillStyle = theme.bad;
      c.fillRect(whole.x(v.time) - 1, 0, 2, 30);
    }
    const from = whole.x(view.from);
    const to = Math.max(from + 3, whole.x(view.to));
    c.fillStyle = theme.paper;
    c.globalAlpha = 0.65;
    c.fillRect(GUTTER, 0, from - GUTTER, 30);
    c.fillRect(to, 0, whole.width - MARGIN - to, 30);
    c.globalAlpha = 1;
    c.strokeStyle = theme.ink;
    c.strokeRect(from + 0.5, 0.5, to - from - 1, 29);
    text(c, theme, 'whole run', 0, 15);
  }
  hit(x, y, whole) { return [timeText(whole.t(x))]; }
}

/** One row per kind; faults of a kind that overlap take lanes of the row. */
class FaultTrack {
  constructor(run) {
    this.run = run;
    this.rows = [];
    for (const kind of run.kinds) {
      const faults = run.faults.filter((f) => f.kind === kind).sort((a, b) => a.from - b.from);
      const lanes = [];
      for (const fault of faults) {
        let lane = lanes.findIndex((end) => end <= fault.from);
        if (lane < 0) lane = lanes.length;
        lanes[lane] = fault.end;
        fault.lane = lane;
      }
      this.rows.push({kind, faults, lanes: Math.max(1, lanes.length)});
    }
    let y = 2;
    for (const row of this.rows) {
      row.y = y;
      y += row.lanes * 15 + 5;
    }
    this.tall = y;
  }
  height() { return this.rows.length === 0 ? 0 : this.tall; }
  box(row, fault, view) {
    const x = view.x(fault.from);
    return [x, row.y + fault.lane * 15, Math.max(3, view.x(fault.end) - x), 14];
  }
  draw(c, view, theme) {
    for (const row of this.rows) {
      text(c, theme, row.kind, 0, row.y + 7, {colour: row.faults.length ? theme.ink : theme.muted, width: GUTTER - 8});
      c.fillStyle = theme.line;
      c.fillRect(GUTTER, row.y + row.lanes * 15 + 1, view.plot(), 0.5);
    }
    c.save();
    clipToPlot(c, view, this.tall);
    for (const row of this.rows) {
      const colour = theme.kind(row.kind);
      for (const fault of row.faults) {
        if (fault.end < view.from || fault.from > view.to) continue;
        const [x, y, w, h] = this.box(row, fault, view);
        c.fillStyle = colour;
        c.globalAlpha = fault.effective ? 0.32 : 0.08;
        c.fillRect(x, y, w, h);
        c.globalAlpha = 1;
        // The injection is a full edge, the heal a thin one; an ineffective fault is hollow.
        c.fillRect(x, y, 2.5, h);
        if (!fault.effective) {
          c.strokeStyle = colour;
          c.setLineDash([2, 2]);
          c.strokeRect(x + 0.5, y + 0.5, w - 1, h - 1);
          c.setLineDash([]);
        }
        const seen = Math.max(x, GUTTER);
        text(c, theme, fault.text, seen + 6, y + 7.5,
          {size: 10.5, colour: theme.ink, width: x + w - seen - 8, drop: x + w - seen < 40});
      }
    }
    c.restore();
  }
  hit(x, y, view) {
    for (const row of this.rows) {
      for (const fault of row.faults) {
        const [bx, by, w, h] = this.box(row, fault, view);
        if (x < bx - 2 || x > bx + w + 2 || y < by || y > by + h) continue;
        return [fault.kind + ' ' + fault.text,
          fault.nodes.length ? 'nodes ' + fault.nodes.map((n) => 'n' + n).join(' ') : '',
          timeText(fault.from) + (fault.to === null ? ', not healed' : ' to ' + timeText(fault.to) + ', ' + durationText(fault.to - fault.from)),
          (fault.effective ? 'effective' : 'no effect') + (fault.evidence ? ': ' + fault.evidence : '')];
      }
    }
    return null;
  }
}

/** A row per node: its role and term, and when it was dead or paused. */
class NodeTrack {
  constructor(run, only) {
    this.run = run;
    this.only = only || [];
    this.rowHeight = 22;
  }
  height() { return this.run.nodes * this.rowHeight + 4; }
  draw(c, view, theme) {
    const h = this.rowHeight;
    for (let n = 1; n <= this.run.nodes; n++) {
      const named = this.only.includes('n' + n);
      text(c, theme, 'n' + n, 0, (n - 1) * h + h / 2 + 1, {colour: theme.ink, weight: named ? '700' : '400', size: 12});
      if (named) {
        c.fillStyle = theme.bad;
        c.fillRect(GUTTER - 8, (n - 1) * h + 3, 3, h - 4);
      }
    }
    c.save();
    clipToPlot(c, view, this.height());
    for (const [node, from, to, role, term] of this.run.roles) {
      if (to < view.from || from > view.to) continue;
      const x = Math.max(view.x(from), GUTTER - 1);
      const w = Math.max(1, Math.min(view.x(to), view.width) - x);
      const y = (node - 1) * h + 3;
      c.fillStyle = theme[ROLES[role]];
      c.fillRect(x, y, w, h - 4);
      const covered = this.run.outages.some((o) => o[0] === node && view.x(o[1]) < x + 60 && view.x(o[2]) > x);
      if (w > 26 && !covered) {
        const strong = role === 3 || role === 4;
        text(c, theme, (role === 3 ? 'leads ' : '') + 't' + term, x + 4, y + (h - 4) / 2 + 0.5,
          {size: 10.5, colour: strong ? theme.paper : theme.muted, weight: strong ? '600' : '400', width: w - 6, drop: true});
      }
      // Where one role ends and the next begins.
      c.fillStyle = theme.paper;
      if (view.x(from) > GUTTER) c.fillRect(x, y, 1, h - 4);
    }
    for (const [node, from, to, outage, cause] of this.run.outages) {
      if (to < view.from || from > view.to) continue;
      const x = Math.max(view.x(from), GUTTER);
      const w = Math.max(1.5, Math.min(view.x(to), view.width) - x);
      const y = (node - 1) * h + 3;
      if (outage === 0) {
        c.fillStyle = theme.paper;
        c.fillRect(x, y, w, h - 4);
      }
      c.fillStyle = hatch(c, theme.dead);
      c.globalAlpha = outage === 0 ? 1 : 0.75;
      c.fillRect(x, y, w, h - 4);
      c.globalAlpha = 1;
      c.strokeStyle = theme.dead;
      if (outage === 0) c.strokeRect(x + 0.5, y + 0.5, Math.max(0.5, w - 1), h - 5);
      const label = outage === 0 ? cause || 'dead' : outage === 1 ? 'paused' : 'in doubt';
      c.font = '600 10.5px ' + theme.font;
      const labelWidth = c.measureText(label).width;
      if (w > labelWidth + 14) {
        c.fillStyle = theme.paper;
        c.fillRect(x + 4, y + 2, labelWidth + 6, h - 8);
        text(c, theme, label, x + 7, y + (h - 4) / 2 + 0.5, {size: 10.5, weight: '600', colour: theme.ink});
      }
    }
    c.restore();
  }
  hit(x, y, view) {
    const node = Math.floor(y / this.rowHeight) + 1;
    if (node < 1 || node > this.run.nodes || x < GUTTER) return null;
    const t = view.t(x);
    const slack = 2 * (view.to - view.from) / view.plot();
    const out = ['n' + node + ' at ' + timeText(t)];
    for (const [n, from, to, outage, cause] of this.run.outages) {
      if (n !== node || t < from - slack || t > to + slack) continue;
      out.push((outage === 0 ? 'dead' : outage === 1 ? 'paused' : 'in doubt') + (cause ? ' (' + cause + ')' : '') + ' for ' + durationText(to - from));
    }
    for (const [n, from, to, role, term] of this.run.roles) {
      if (n !== node || t < from || t > to) continue;
      out.push(ROLES[role] + ' in term ' + term + ', ' + timeText(from) + ' to ' + timeText(to));
    }
    return out;
  }
}

/** Ops of the clients: each one while they can be told apart, else how many by outcome. */
class OpsTrack {
  constructor(run) { this.run = run; }
  height() { return 160; }
  /** The ops that touch the window; null when they are more than `most`. One that never ended and began
      before the window is left out: late in a run such ops would fill it. */
  visible(view, most) {
    const {ops} = this.run;
    const first = lowerBound(ops.start, view.from - ops.longest);
    const last = lowerBound(ops.start, view.to);
    const shown = [];
    for (let i = first; i < last && shown.length <= most; i++) {
      if (ops.length[i] === Infinity ? ops.start[i] >= view.from : ops.end(i) >= view.from) shown.push(i);
    }
    return shown.length <= most ? shown : null;
  }
  draw(c, view, theme) {
    backdrop(c, this.run, view, theme, this.height() - 8);
    this.boxes = [];
    const shown = this.visible(view, 1500);
    if (shown !== null) this.drawEach(c, view, theme, shown);
    else this.drawDensity(c, view, theme);
    c.fillStyle = theme.line;
    c.fillRect(GUTTER, this.height() - 8, view.plot(), 1);
  }
  drawEach(c, view, theme, shown) {
    const {ops} = this.run;
    const rows = new Map([...new Set(shown.map((i) => ops.process[i]))].sort((a, b) => a - b).map((p, r) => [p, r]));
    const room = this.height() - 10;
    const h = Math.min(18, room / Math.max(1, rows.size));
    text(c, theme, 'clients', 0, 8, {colour: theme.ink});
    text(c, theme, digits(shown.length) + ' ops', 0, 22);
    c.save();
    clipToPlot(c, view, this.height());
    for (const i of shown) {
      const x = Math.max(view.x(ops.start[i]), GUTTER);
      const open = ops.length[i] === Infinity;
      const right = open ? view.width - MARGIN : Math.min(view.x(ops.end(i)), view.width);
      const w = Math.max(1.5, right - x);
      const y = rows.get(ops.process[i]) * h;
      c.fillStyle = theme[OUTCOMES[ops.outcome[i]]];
      c.globalAlpha = open ? 0.28 : 0.85;
      c.fillRect(x, y + 0.5, w, Math.max(1, h - 1.5));
      c.globalAlpha = 1;
      this.boxes.push([x, y, w, h, i]);
      if (h >= 12 && w > 30) {
        text(c, theme, 'k' + ops.key[i] + ' ' + ops.what(i), x + 3, y + h / 2, {size: 10, colour: theme.ink, width: w - 5});
      }
    }
    c.restore();
    if (h >= 12) {
      for (const [process, row] of rows) {
        if (row * h > 28) text(c, theme, 'p' + process, GUTTER - 6, row * h + h / 2, {align: 'right', size: 10});
      }
    }
  }
  drawDensity(c, view, theme) {
    const counts = binned(this.run.ops, view, 3);
    const room = this.height() - 14;
    text(c, theme, 'clients', 0, 8, {colour: theme.ink});
    text(c, theme, 'ops by start', 0, 22);
    text(c, theme, digits(counts.most), GUTTER - 6, 12, {align: 'right', size: 10});
    text(c, theme, '0', GUTTER - 6, this.height() - 10, {align: 'right', size: 10});
    for (let b = 0; b < counts.bins; b++) {
      let y = this.height() - 8;
      // The rare and telling outcomes stand on the axis, where the eye finds them.
      for (const o of [2, 1, 0]) {
        const n = counts.of[o][b];
        if (n === 0) continue;
        const h = Math.max(o === 0 ? 0 : 1, n / counts.most * room);
        c.fillStyle = theme[OUTCOMES[o]];
        const x = Math.round(GUTTER + b * counts.width);
        c.fillRect(x, y - h, Math.round(GUTTER + (b + 1) * counts.width) - x, h);
        y -= h;
      }
    }
    this.counts = counts;
  }
  hit(x, y, view) {
    if (x < GUTTER) return null;
    const {ops} = this.run;
    if (this.boxes.length > 0) {
      const box = this.boxes.find(([bx, by, w, h]) => x >= bx - 1 && x <= bx + w + 1 && y >= by && y <= by + h);
      return box ? opLines(ops, box[4]) : null;
    }
    if (!this.counts) return null;
    const b = Math.floor((x - GUTTER) / this.counts.width);
    if (b < 0 || b >= this.counts.bins) return null;
    return [timeText(view.t(x)), ...[0, 1, 2].map((o) => digits(this.counts.of[o][b]) + ' ' + OUTCOMES[o])];
  }
}

/** Ops per bin of `px` pixels by outcome, by their start. */
function binned(ops, view, px) {
  const bins = Math.max(1, Math.floor(view.plot() / px));
  const of = OUTCOMES.map(() => new Float64Array(bins));
  const span = view.to - view.from;
  const last = lowerBound(ops.start, view.to);
  for (let i = lowerBound(ops.start, view.from); i < last; i++) {
    of[ops.outcome[i]][Math.min(bins - 1, Math.floor((ops.start[i] - view.from) / span * bins))]++;
  }
  let most = 1;
  for (let b = 0; b < bins; b++) most = Math.max(most, of[0][b] + of[1][b] + of[2][b]);
  return {bins, of, most, width: view.plot() / bins, ns: span / bins};
}

/** What the tooltip says about an op. */
function opLines(ops, i) {
  return ['process ' + ops.process[i] + ' \u00b7 key ' + ops.key[i] + ' \u00b7 ' + ops.what(i),
    OUTCOMES[ops.outcome[i]] + (ops.why(i) ? ': ' + ops.why(i) : ''),
    timeText(ops.start[i]) + ', ' + (ops.length[i] === Infinity ? 'never completed' : durationText(ops.length[i])),
    ops.node[i] ? 'node n' + ops.node[i] : '',
    ops.at[i] ? 'log index ' + ops.at[i] + ', term ' + ops.term[i] : '',
    'line ' + ops.index[i]];
}

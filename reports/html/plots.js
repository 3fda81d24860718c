// The two plots under the timeline: latency of each op, and ops per second.
'use strict';

/** A point per completed op: log scale, colour by function, shape by outcome. */
class LatencyTrack {
  constructor(run) {
    this.run = run;
    const {ops} = run;
    let low = Infinity;
    let high = 0;
    for (let i = 0; i < ops.count; i++) {
      if (ops.length[i] === Infinity) continue;
      low = Math.min(low, Math.max(ops.length[i], 1e3));
      high = Math.max(high, ops.length[i]);
    }
    this.low = Math.floor(Math.log10(low === Infinity ? 1e5 : low));
    this.high = Math.max(this.low + 1, Math.ceil(Math.log10(Math.max(high, 1e6)) * 5) / 5);
  }
  height() { return 210; }
  y(ns) {
    const share = (Math.log10(Math.max(ns, 1)) - this.low) / (this.high - this.low);
    return this.height() - 10 - share * (this.height() - 22);
  }
  draw(c, view, theme) {
    const {ops} = this.run;
    backdrop(c, this.run, view, theme, this.height() - 10);
    text(c, theme, 'latency', 0, 8, {colour: theme.ink});
    for (let power = this.low; power <= this.high; power++) {
      const y = this.y(10 ** power);
      c.fillStyle = theme.line;
      c.fillRect(GUTTER, y, view.plot(), 0.75);
      text(c, theme, durationText(10 ** power), GUTTER - 6, y, {align: 'right', size: 10});
    }
    c.save();
    clipToPlot(c, view, this.height());
    const first = lowerBound(ops.start, view.from - ops.longest);
    const last = lowerBound(ops.start, view.to);
    // Many points make a cloud: lighter and smaller, so that its density is seen.
    const many = last - first > 6000;
    const size = last - first > 1500 ? 2.2 : 3.2;
    const colours = ops.fs.map((_, f) => theme.func(f));
    if (many) this.drawCloud(c, view, colours, first, last);
    for (const wanted of many ? [1, 2] : [0, 1, 2]) {
      c.globalAlpha = wanted > 0 ? 0.9 : 0.75;
      for (let i = first; i < last; i++) {
        if (ops.outcome[i] !== wanted || ops.length[i] === Infinity) continue;
        const x = view.x(ops.end(i));
        const y = this.y(ops.length[i]);
        if (wanted === 0) {
          c.fillStyle = colours[ops.f[i]];
          c.fillRect(x - size / 2, y - size / 2, size, size);
        } else {
          cross(c, x, y, size + 0.8, colours[ops.f[i]], wanted === 2);
        }
      }
    }
    c.restore();
  }
  /** The `ok` ops as pixels, written at once: each point is light, and where many fall it is full. */
  drawCloud(c, view, colours, first, last) {
    const {ops} = this.run;
    const w = Math.ceil(view.plot());
    const h = this.height();
    if (this.cloud === undefined) this.cloud = document.createElement('canvas');
    this.cloud.width = w;
    this.cloud.height = h;
    const image = new ImageData(w, h);
    const rgb = colours.map((colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16)));
    for (let i = first; i < last; i++) {
      if (ops.outcome[i] !== 0 || ops.length[i] === Infinity) continue;
      const x = Math.round(view.x(ops.end(i)) - GUTTER);
      const y = Math.round(this.y(ops.length[i]));
      if (x < 0 || x >= w || y < 0 || y >= h) continue;
      const at = (y * w + x) * 4;
      const [r, g, b] = rgb[ops.f[i]];
      image.data[at] = r;
      image.data[at + 1] = g;
      image.data[at + 2] = b;
      image.data[at + 3] = Math.min(255, image.data[at + 3] + 110);
    }
    this.cloud.getContext('2d').putImageData(image, 0, 0);
    c.drawImage(this.cloud, GUTTER, 0);
  }
  hit(x, y, view) {
    const {ops} = this.run;
    const slack = 6 / view.plot() * (view.to - view.from);
    let best = -1;
    let nearest = 49;
    const last = lowerBound(ops.start, view.t(x) + slack);
    for (let i = lowerBound(ops.start, view.t(x) - ops.longest - slack); i < last; i++) {
      if (ops.length[i] === Infinity) continue;
      const dx = view.x(ops.end(i)) - x;
      if (dx > 7 || dx < -7) continue;
      const dy = this.y(ops.length[i]) - y;
      if (dx * dx + dy * dy < nearest) {
        nearest = dx * dx + dy * dy;
        best = i;
      }
    }
    return best < 0 ? null : opLines(ops, best);
  }
}

/** An x for `fail`, a ring for `info`. */
function cross(c, x, y, r, colour, ring) {
  c.strokeStyle = colour;
  c.beginPath();
  if (ring) {
    c.arc(x, y, r, 0, 7);
  } else {
    c.moveTo(x - r, y - r);
    c.lineTo(x + r, y + r);
    c.moveTo(x - r, y + r);
    c.lineTo(x + r, y - r);
  }
  c.stroke();
}

/** Ops per second by outcome, by when they ended (an op that never did counts where it began). */
class RateTrack {
  constructor(run) {
    this.run = run;
    const {ops} = run;
    this.times = OUTCOMES.map((_, o) => {
      const of = [];
      for (let i = 0; i < ops.count; i++) {
        if (ops.outcome[i] === o) of.push(ops.length[i] === Infinity ? ops.start[i] : ops.end(i));
      }
      return Float64Array.from(of).sort();
    });
  }
  height() { return 120; }
  draw(c, view, theme) {
    const {run} = this;
    backdrop(c, run, view, theme, this.height() - 10);
    // Bins on round times that stay while the view moves.
    const bin = Math.max(10 ** Math.ceil(Math.log10((view.to - view.from) / view.plot() * 4)), 1e6);
    const firstBin = Math.floor(view.from / bin);
    const count = Math.ceil(view.to / bin) - firstBin;
    const rates = this.times.map((times) => {
      const out = new Float64Array(count);
      for (let b = 0; b < count; b++) {
        out[b] = (lowerBound(times, (firstBin + b + 1) * bin) - lowerBound(times, (firstBin + b) * bin)) / bin * 1e9;
      }
      return out;
    });
    const highest = Math.max(1, ...rates.map((r) => r.reduce((a, b) => Math.max(a, b), 0)));
    // The axis ends on a round number: two digits of precision, halved without a rest.
    const unit = 2 * 10 ** Math.max(0, Math.floor(Math.log10(highest)) - 1);
    const most = Math.ceil(highest / unit) * unit;
    const bottom = this.height() - 10;
    const y = (v) => bottom - v / most * (bottom - 10);
    text(c, theme, 'rate', 0, 8, {colour: theme.ink});
    text(c, theme, 'ops/s', 0, 22);
    for (const v of [0, most / 2, most]) {
      c.fillStyle = theme.line;
      c.fillRect(GUTTER, y(v), view.plot(), 0.75);
      text(c, theme, digits(v), GUTTER - 6, y(v), {align: 'right', size: 10});
    }
    c.save();
    clipToPlot(c, view, this.height());
    for (const o of [0, 1, 2]) {
      c.strokeStyle = theme[OUTCOMES[o]];
      c.lineWidth = o === 0 ? 1.75 : 1.5;
      c.setLineDash(o === 1 ? [5, 3] : o === 2 ? [1.5, 2] : []);
      c.beginPath();
      for (let b = 0; b < count; b++) {
        const left = view.x((firstBin + b) * bin);
        const right = view.x((firstBin + b + 1) * bin);
        if (b === 0) c.moveTo(left, y(rates[o][b]));
        c.lineTo(left, y(rates[o][b]));
        c.lineTo(right, y(rates[o][b]));
      }
      c.stroke();
    }
    c.setLineDash([]);
    c.lineWidth = 1;
    c.restore();
    this.drawn = {bin, firstBin, rates};
  }
  hit(x, y, view) {
    if (!this.drawn || x < GUTTER) return null;
    const {bin, firstBin, rates} = this.drawn;
    const b = Math.floor(view.t(x) / bin) - firstBin;
    if (b < 0 || b >= rates[0].length) return null;
    return [timeText((firstBin + b) * bin) + ', in ' + durationText(bin),
      ...[0, 1, 2].map((o) => digits(rates[o][b]) + ' ' + OUTCOMES[o] + '/s')];
  }
}

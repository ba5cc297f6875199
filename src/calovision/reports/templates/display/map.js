// A map: one layer of an event as seen along eta and phi, with axes, jet cone and selected cell.

// Part of the window that all maps and the lego show, in pixels of the image, from its lower left.
const whole = { col: 0, row: 0, wide: data.cols, high: data.rows };
const view = { ...whole };
const LEAST = 6; // pixels along an edge at the largest zoom
const isZoomed = () => view.wide < data.cols || view.high < data.rows;

// Changes the zoom by a factor, so that a place (col, row) stays where it is.
const zoomBy = (factor, col = view.col + view.wide / 2, row = view.row + view.high / 2) => {
  const wide = clamp(view.wide / factor, Math.min(LEAST, data.cols), data.cols);
  const high = (wide * data.rows) / data.cols;
  const left = col - ((col - view.col) * wide) / view.wide;
  const low = row - ((row - view.row) * high) / view.high;
  Object.assign(view, {
    wide,
    high,
    col: clamp(left, 0, data.cols - wide),
    row: clamp(low, 0, data.rows - high),
  });
};
const panBy = (cols, rows) => {
  view.col = clamp(view.col + cols, 0, data.cols - view.wide);
  view.row = clamp(view.row + rows, 0, data.rows - view.high);
};

// eta and phi to places along the image's columns and rows, and back.
const colOf = (phi) => (phi - data.phi[0]) / pitch.phi + 0.5;
const rowOf = (eta) => (eta - data.eta[0]) / pitch.eta + 0.5;

// A canvas of a size in CSS pixels, sharp on the screen; what is drawn is in CSS pixels.
let density = 0; // of a picture to keep; 0 is the screen's
const paintOn = (canvas, wide, high) => {
  const scale = density || Math.max(1, window.devicePixelRatio);
  [canvas.width, canvas.height] = [Math.round(wide * scale), Math.round(high * scale)];
  const paint = canvas.getContext("2d");
  paint.setTransform(scale, 0, 0, scale, 0, 0);
  paint.fillStyle = ink().paper;
  paint.fillRect(0, 0, wide, high);
  return paint;
};

// Round numbers between two, some `about` of them.
const ticksBetween = (low, high, about) => {
  const rough = (high - low) / about,
    power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((x) => x * power >= rough);
  const found = [];
  for (let x = Math.ceil(low / step - 1e-9); x * step <= high + 1e-9; x++) found.push(x * step);
  return found;
};
const short = (x) => Number(x.toFixed(4)).toString().replace("-", "\u2212");

class EventMap {
  constructor(canvas, set, c) {
    Object.assign(this, { canvas, set, c, channel: data.channels[c] });
    this.hit = new Int32Array(data.rows * data.cols);
    this.image = document.createElement("canvas");
    [this.image.width, this.image.height] = [data.cols, data.rows];
  }

  // Takes in an event: the image in the set's own pixels, and which hit covers each.
  take(event, range) {
    const pixels = new ImageData(data.cols, data.rows),
      scale = scaleOf(this.channel);
    this.hit.fill(-1);
    [this.count, this.sum] = [0, 0];
    eachHit(this.set, event, this.c, (h, row, col) => {
      const half = (this.set.block[h] - 1) / 2;
      const [r, g, b] = colour(scale, share(this.set.energy[h], range, this.channel.signed));
      for (let i = row - half; i <= row + half; i++) {
        for (let k = col - half; k <= col + half; k++) {
          this.hit[i * data.cols + k] = h;
          pixels.data.set([r, g, b, 255], 4 * ((data.rows - 1 - i) * data.cols + k));
        }
      }
      this.count += 1;
      this.sum += this.set.energy[h];
    });
    this.image.getContext("2d").putImageData(pixels, 0, 0);
    this.axis = data.cone ? axis(this.set, event) : null;
    this.event = event;
  }

  // Where the image lies on the canvas; small panels have no room for numbers along the axes.
  resize(wide, high) {
    const large = Math.min(wide, high) >= 165;
    const [left, below] = large ? [34, 30] : [0, 0];
    // In a folded part of a report there is no room at all; it is laid out again when that opens.
    const side = Math.max(1, Math.min(wide - left - 4, high - below - 4));
    Object.assign(this, { wide, high, large, plot: { x: left + (wide - left - side) / 2, y: 2, side } });
  }

  toScreen(col, row) {
    const { x, y, side } = this.plot;
    return [x + ((col - view.col) / view.wide) * side, y + side - ((row - view.row) / view.high) * side];
  }

  // Column and row, with fractions, at a point of the canvas.
  fromScreen(px, py) {
    const { x, y, side } = this.plot;
    return [view.col + ((px - x) / side) * view.wide, view.row + ((y + side - py) / side) * view.high];
  }

  pixelAt(px, py) {
    const { x, y, side } = this.plot;
    if (px < x || px >= x + side || py <= y || py > y + side) return -1;
    const [col, row] = this.fromScreen(px, py).map(Math.floor);
    return clamp(row, 0, data.rows - 1) * data.cols + clamp(col, 0, data.cols - 1);
  }

  draw() {
    const paint = paintOn(this.canvas, this.wide, this.high);
    const { x, y, side } = this.plot;
    paint.save();
    paint.beginPath();
    paint.rect(x, y, side, side);
    paint.clip();
    paint.imageSmoothingEnabled = false;
    const top = data.rows - view.row - view.high;
    paint.drawImage(this.image, view.col, top, view.wide, view.high, x, y, side, side);
    this.over.forEach((draw) => draw(paint, this));
    paint.restore();
    this.axes(paint);
  }

  axes(paint) {
    const { x, y, side } = this.plot,
      about = side > 300 ? 8 : 4;
    paint.strokeStyle = ink().soft;
    paint.fillStyle = ink().soft;
    paint.lineWidth = 1;
    paint.strokeRect(x, y, side, side);
    paint.font = "11px system-ui, sans-serif";
    const span = (of, step, low, wide) => [of[0] + (low - 0.5) * step, of[0] + (low + wide - 0.5) * step];
    paint.beginPath();
    [paint.textAlign, paint.textBaseline] = ["center", "top"];
    for (const phi of ticksBetween(...span(data.phi, pitch.phi, view.col, view.wide), about)) {
      const [px] = this.toScreen(colOf(phi), 0);
      paint.moveTo(px, y + side);
      paint.lineTo(px, y + side - 4);
      if (this.large) paint.fillText(short(phi), px, y + side + 4);
    }
    [paint.textAlign, paint.textBaseline] = ["right", "middle"];
    for (const eta of ticksBetween(...span(data.eta, pitch.eta, view.row, view.high), about)) {
      const [, py] = this.toScreen(0, rowOf(eta));
      paint.moveTo(x, py);
      paint.lineTo(x + 4, py);
      if (this.large) paint.fillText(short(eta), x - 4, py);
    }
    paint.stroke();
    if (!this.large) return;
    paint.fillStyle = ink().text;
    [paint.textAlign, paint.textBaseline] = ["right", "alphabetic"];
    paint.fillText("\u03c6 [rad]", x + side, y + side + 28);
    paint.textAlign = "left";
    paint.fillText("\u03b7", 2, y + 10);
  }
}

const dashedCone = (paint, map) => {
  if (!map.axis || !options.cone) return;
  const { eta, phi } = map.axis;
  const [px, py] = map.toScreen(colOf(phi), rowOf(eta));
  const [right] = map.toScreen(colOf(phi + data.cone), 0);
  const [, above] = map.toScreen(0, rowOf(eta + data.cone));
  paint.strokeStyle = ink().cone;
  paint.lineWidth = 1.2;
  paint.setLineDash([5, 4]);
  paint.beginPath();
  paint.ellipse(px, py, right - px, py - above, 0, 0, 2 * Math.PI);
  paint.stroke();
  paint.setLineDash([]);
  paint.beginPath();
  paint.moveTo(px - 4, py);
  paint.lineTo(px + 4, py);
  paint.moveTo(px, py - 4);
  paint.lineTo(px, py + 4);
  paint.stroke();
};

// Particles before the detector at their direction: charged ones circles, photons crosses, neutral
// hadrons squares, the larger the harder.
const particles = (paint, map) => {
  if (!options.truth) return;
  paint.strokeStyle = ink().truth;
  paint.lineWidth = 1.1;
  eachParticle(map.set, map.event, ({ eta, phi, pt, kind }) => {
    const [x, y] = map.toScreen(colOf(phi), rowOf(eta)),
      r = clamp(1.5 + 1.6 * Math.log1p(pt), 2, 9);
    paint.beginPath();
    if (kind === CHARGED) paint.arc(x, y, r, 0, 2 * Math.PI);
    else if (kind === LIGHT) {
      paint.moveTo(x - r, y - r);
      paint.lineTo(x + r, y + r);
      paint.moveTo(x - r, y + r);
      paint.lineTo(x + r, y - r);
    } else paint.rect(x - r, y - r, 2 * r, 2 * r);
    paint.stroke();
  });
};

// Rim of the cell that holds a pixel, and lines to the axes that lead to it.
const rim = (pixel, paint, map, strong) => {
  if (pixel < 0) return;
  const hit = map.hit[pixel],
    block = hit < 0 ? 1 : map.set.block[hit];
  const middle = hit < 0 ? pixel : map.set.cell[hit];
  const row = Math.floor(middle / data.cols) - (block - 1) / 2;
  const col = (middle % data.cols) - (block - 1) / 2;
  const [left, low] = map.toScreen(col, row);
  const [right, high] = map.toScreen(col + block, row + block);
  const { x, y, side } = map.plot;
  paint.strokeStyle = ink().accent;
  paint.lineWidth = strong ? 2 : 1;
  paint.strokeRect(left - 1, high - 1, right - left + 2, low - high + 2);
  if (!strong) return;
  const [px, py] = [(left + right) / 2, (low + high) / 2];
  paint.globalAlpha = 0.45;
  paint.lineWidth = 1;
  paint.beginPath();
  for (const [from, to] of [
    [
      [x, py],
      [left - 1, py],
    ],
    [
      [right + 1, py],
      [x + side, py],
    ],
    [
      [px, y],
      [px, high - 1],
    ],
    [
      [px, low + 1],
      [px, y + side],
    ],
  ]) {
    paint.moveTo(...from);
    paint.lineTo(...to);
  }
  paint.stroke();
  paint.globalAlpha = 1;
};
// What lies over the hits of a map, from below to the top.
EventMap.prototype.over = [
  dashedCone,
  particles,
  (paint, map) => rim(pointed, paint, map, false),
  (paint, map) => rim(selected, paint, map, true),
];

// The lego: energies of the calorimeters stacked over the plane of eta and phi, tracks as needles.

const legoCamera = new Camera(35, 32);
const legoLayers = data.channels
  .map((channel, c) => ({ channel, c }))
  .filter(({ channel }) => isEnergy(channel));
const TOWERS = 40; // along an edge, at most
// Pixels along an edge of the largest cell of each channel, and of all.
const largest = data.channels.map((_, c) =>
  Math.max(
    1,
    ...data.sets.map((set) =>
      set.block.reduce((most, block, h) => (set.channel[h] === c ? Math.max(most, block) : most), 1),
    ),
  ),
);
const largestBlock = Math.max(...largest);
// Pixels along an edge of a tower: the largest readout cell; close up every pixel is one.
const towerSize = () =>
  view.wide / largestBlock < 8 ? 1 : Math.max(largestBlock, Math.ceil(view.wide / TOWERS));

const BEYOND = 1.15; // times the top of the scale where what is higher is cut off

class Lego extends Solid {
  constructor(canvas, set) {
    super(canvas, set, legoCamera);
  }

  take(event) {
    this.event = event;
    this.axis = data.cone ? axis(this.set, event) : null;
  }

  // Stacks of [layer, GeV] of towers in view, needles of tracks, and the highest of both in GeV.
  build() {
    const size = towerSize(),
      across = Math.ceil(data.cols / size);
    const towers = new Map();
    this.needles = [];
    let top = 0;
    for (const { channel, c } of legoLayers) {
      const isTrack = TRACKS.includes(channel.kind);
      eachHit(this.set, this.event, c, (h, row, col) => {
        const energy = this.set.energy[h],
          block = this.set.block[h],
          half = (block - 1) / 2;
        if (isTrack) {
          if (!this.isShown(col + 0.5, row + 0.5)) return;
          this.needles.push({ row, col, energy, channel });
          top = Math.max(top, energy);
          return;
        }
        for (let i = row - half; i <= row + half; i++) {
          for (let k = col - half; k <= col + half; k++) {
            if (!this.isShown(k + 0.5, i + 0.5)) continue;
            const key = Math.floor(i / size) * across + Math.floor(k / size);
            const stack = towers.get(key) ?? new Map();
            stack.set(c, (stack.get(c) ?? 0) + energy / block ** 2);
            towers.set(key, stack);
          }
        }
      });
    }
    this.towers = [...towers].map(([key, stack]) => {
      top = Math.max(
        top,
        [...stack.values()].reduce((a, b) => a + b, 0),
      );
      return { row: Math.floor(key / across) * size, col: (key % across) * size, size, stack };
    });
    return top;
  }

  isShown(col, row) {
    return col > view.col && col < view.col + view.wide && row > view.row && row < view.row + view.high;
  }

  // Place in the scene, where energies end a little above the top: phi to the right, eta away from us, from -1 to 1, as the maps have them.
  at(col, row, energy) {
    return [
      2 * clamp((col - view.col) / view.wide, 0, 1) - 1,
      2 * clamp((row - view.row) / view.high, 0, 1) - 1,
      1.6 * clamp(energy / this.top, 0, BEYOND),
    ];
  }

  square(col, row, size, energy) {
    return [
      [0, 0],
      [size, 0],
      [size, size],
      [0, size],
    ].map(([a, b]) => this.at(col + a, row + b, energy));
  }

  draw(top) {
    this.top = top || 1;
    const paint = paintOn(this.canvas, this.wide, this.high);
    const scale = Math.min(this.wide / (this.large ? 3.15 : 2.85), this.high / (this.large ? 2.75 : 2.45));
    this.camera.aim(this.wide / 2 + (this.large ? 8 : 0), this.high / 2, scale, [0, 0, 0.5]);
    this.shapes = [];
    this.floor(paint);
    for (const { row, col, size, stack } of this.towers) {
      const pixel = (row + Math.floor(size / 2)) * data.cols + col + Math.floor(size / 2);
      const depth = this.floorDepth(row, col, size);
      let below = 0,
        level = 0;
      for (const { channel, c } of legoLayers) {
        if (!stack.has(c)) continue;
        const above = below + stack.get(c);
        const look = { layer: channel, depth, level: level++, pixel, stroke: ink().paper };
        this.box(this.square(col, row, size, below), this.square(col, row, size, above), look);
        below = above;
      }
    }
    for (const { row, col, energy, channel } of this.needles) {
      const [low, high] = [0, energy].map((e) => this.at(col + 0.5, row + 0.5, e));
      const size = Math.sqrt(energy / this.top);
      const look = {
        stroke: layerColour(channel),
        depth: this.floorDepth(row, col, 1) - 0.02,
        pixel: row * data.cols + col,
        alpha: clamp(0.5 + size, 0, 1),
      };
      this.line(low, high, { ...look, wide: 1 + size });
      this.line(high, high, { ...look, wide: 2 + 4 * size });
    }
    this.mark(pointed, 1);
    this.mark(selected, 2.5);
    paint.lineCap = "round";
    this.paintShapes(paint);
    this.verticalAxis(paint);
  }

  // Depth of the floor under a tower, which tells what stands in front of what.
  floorDepth(row, col, size) {
    return this.camera.project(this.at(col + size / 2, row + size / 2, 0))[2];
  }

  told() {
    const size = towerSize();
    return size > 1 ? `${size} \u00d7 ${size} pixels; drag to turn` : "drag to turn";
  }

  // Rim of the tower over a pixel.
  mark(pixel, wide) {
    if (pixel < 0) return;
    const size = towerSize(),
      [row, col] = [Math.floor(pixel / data.cols), pixel % data.cols];
    if (!this.isShown(col + 0.5, row + 0.5)) return;
    const [r, k] = [row, col].map((x) => Math.floor(x / size) * size);
    const found = this.towers.find((tower) => tower.row === r && tower.col === k);
    const height = found ? [...found.stack.values()].reduce((a, b) => a + b, 0) : 0;
    const look = { stroke: ink().accent, wide, depth: -9 };
    const [low, high] = [0, height].map((energy) => this.square(k, r, size, energy));
    for (let i = 0; i < 4; i++) {
      this.line(low[i], low[(i + 1) % 4], look);
      this.line(high[i], high[(i + 1) % 4], look);
      this.line(low[i], high[i], { ...look, alpha: 0.6 });
    }
  }

  floor(paint) {
    const edges = { depth: 99, stroke: ink().line, wide: 1 };
    const [left, right] = [view.col, view.col + view.wide],
      [low, high] = [view.row, view.row + view.high];
    const about = this.large ? 4 : 2;
    const near = (a, b) => this.camera.project(a)[2] < this.camera.project(b)[2];
    const phiEdge = near(this.at(left, low, 0), this.at(left, high, 0)) ? low : high;
    const etaEdge = near(this.at(left, low, 0), this.at(right, low, 0)) ? left : right;
    const span = (of, step, from, wide) => [of[0] + (from - 0.5) * step, of[0] + (from + wide - 0.5) * step];
    const name = (text, place) =>
      this.large && this.words(paint, text, ...this.camera.project(place).slice(0, 2));
    // A place beside the floor, beyond the edge where phi or eta is written.
    const below = (place, by) => place.with(1, place[1] + (phiEdge === low ? -by : by));
    const beside = (place, by) => place.with(0, place[0] + (etaEdge === left ? -by : by));
    for (const phi of ticksBetween(...span(data.phi, pitch.phi, left, view.wide), about)) {
      const col = colOf(phi);
      this.line(this.at(col, low, 0), this.at(col, high, 0), edges);
      name(short(phi), below(this.at(col, phiEdge, 0), 0.14));
    }
    for (const eta of ticksBetween(...span(data.eta, pitch.eta, low, view.high), about)) {
      const row = rowOf(eta);
      this.line(this.at(left, row, 0), this.at(right, row, 0), edges);
      name(short(eta), beside(this.at(etaEdge, row, 0), 0.14));
    }
    for (const [a, b] of [
      [
        [left, low],
        [right, low],
      ],
      [
        [right, low],
        [right, high],
      ],
      [
        [right, high],
        [left, high],
      ],
      [
        [left, high],
        [left, low],
      ],
    ]) {
      this.line(this.at(...a, 0), this.at(...b, 0), { ...edges, stroke: ink().soft });
    }
    name("\u03c6 [rad]", below(this.at(left + 0.76 * (right - left), phiEdge, 0), 0.3));
    name("\u03b7", beside(this.at(etaEdge, low + 0.76 * (high - low), 0), 0.2));
    if (!this.axis || !options.cone) return;
    const around = [...Array(49).keys()]
      .map((i) => (i * Math.PI) / 24)
      .map((a) => [
        colOf(this.axis.phi + data.cone * Math.cos(a)),
        rowOf(this.axis.eta + data.cone * Math.sin(a)),
      ]);
    around.slice(1).forEach((to, i) => {
      if (!this.isShown(...to) || !this.isShown(...around[i])) return;
      this.line(this.at(...around[i], 0), this.at(...to, 0), { depth: 98, stroke: ink().cone, wide: 1.2 });
    });
  }

  // Energies along the edge of the floor that is leftmost on the screen.
  verticalAxis(paint) {
    const corners = [
      [0, 0],
      [1, 0],
      [1, 1],
      [0, 1],
    ].map(([a, b]) => [view.col + a * view.wide, view.row + b * view.high]);
    const [col, row] = corners.sort(
      (a, b) => this.camera.project(this.at(...a, 0))[0] - this.camera.project(this.at(...b, 0))[0],
    )[0];
    const [x, low] = this.camera.project(this.at(col, row, 0)),
      [, high] = this.camera.project(this.at(col, row, this.top));
    paint.strokeStyle = ink().soft;
    paint.lineWidth = 1;
    paint.beginPath();
    paint.moveTo(x, low);
    paint.lineTo(x, high);
    for (const energy of ticksBetween(0, this.top, this.large ? 4 : 2).slice(1)) {
      const [, y] = this.camera.project(this.at(col, row, energy));
      paint.moveTo(x, y);
      paint.lineTo(x + 4, y);
      if (this.large) this.words(paint, short(energy), x - 4, y, "right");
    }
    paint.stroke();
    if (this.large) this.words(paint, "E [GeV]", Math.max(4, x - 22), high - 10, "left");
  }
}

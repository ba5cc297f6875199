// The view in space: tracks from the beam to the calorimeters, whose hits are boxes as long as their
// energy. The window's middle is turned to the top; the beam runs from left to right.
//
// The images hold neither charge nor vertex of a track: it is drawn straight, along its direction at
// the beam. Lengths are in mm. The scene's axes are (z, -x, y) of the detector.

const detectorCamera = new Camera(-28, 16, 9000);
const calorimeters = data.channels
  .map((channel, c) => ({ channel, c }))
  .filter(({ channel }) => channel.kind === "calorimeter");
const faceOf = (place) => data.faces[Math.min(place, data.faces.length - 1)];
const roomBehind = (place) => faceOf(place + 1)[0] - faceOf(place)[0] || 1000; // mm
const MOST = 1500; // hits of a layer that are drawn, the largest

// Where the window's middle lies: what the event knows of its jet, less how far the jet lies from it.
const windowMiddle = (set, event) => {
  const [eta, phi] = [value(set, event, "eta"), value(set, event, "phi")];
  const known = typeof eta === "number" && typeof phi === "number";
  const off = data.cone ? axis(set, event) : { eta: 0, phi: 0 };
  return known ? { known, eta: eta - off.eta, phi: phi - off.phi } : { known, eta: 0, phi: Math.PI / 2 };
};
// A point (x, y, z) of the detector on a face of a calorimeter, some mm behind it.
const inDetector = (eta, phi, [radius, end], behind = 0) => {
  const slope = Math.sinh(eta);
  const reach = Math.min(radius, end / Math.max(Math.abs(slope), 1e-9));
  const rho = reach + behind / Math.cosh(eta);
  return [rho * Math.cos(phi), rho * Math.sin(phi), rho * slope];
};

class DetectorView extends Solid {
  constructor(canvas, set) {
    super(canvas, set, detectorCamera);
  }

  take(event) {
    this.event = event;
    this.axis = data.cone ? axis(this.set, event) : null;
    this.middle = windowMiddle(this.set, event);
  }

  // Largest energies per mm that the boxes have room for, between a face and the next.
  build() {
    return calorimeters.reduce((least, { c }, place) => {
      let high = 0;
      eachHit(this.set, this.event, c, (h) => {
        high = Math.max(high, this.set.energy[h]);
      });
      return Math.max(least, high / (0.95 * roomBehind(place)));
    }, 0);
  }

  // A point of the window, in the scene.
  at(eta, phi, face, behind) {
    const [x, y, z] = inDetector(this.middle.eta + eta, Math.PI / 2 + phi, face, behind);
    return [z, -x, y];
  }

  told() {
    if (this.left) return `the ${MOST} largest hits of each layer`;
    return this.middle.known
      ? `window at \u03b7 ${short(Number(this.middle.eta.toFixed(2)))}`
      : "\u03b7 not known, drawn at 0";
  }

  // Middle and half size of what is looked at: the window on the last face and, if it is not much
  // smaller than the detector, the beam.
  extent() {
    const [eta, phi] = [(data.rows * pitch.eta) / 2, (data.cols * pitch.phi) / 2],
      face = faceOf(calorimeters.length - 1);
    const points = [
      ...(phi > 0.5 ? [[0, 0, 0]] : []),
      ...[-1, 0, 1].flatMap((a) => [-1, 0, 1].map((b) => this.at(a * eta, b * phi, face, 300))),
    ];
    const ends = [0, 1, 2]
      .map((k) => points.map((p) => p[k]))
      .map((xs) => [Math.min(...xs), Math.max(...xs)]);
    return {
      target: ends.map(([low, high]) => (low + high) / 2),
      radius: Math.hypot(...ends.map(([low, high]) => high - low)) / 2,
    };
  }

  // Up to so many hits of a layer, and of each its pixel, middle and half width in eta and phi.
  hits(c) {
    const found = [];
    eachHit(this.set, this.event, c, (h, row, col) =>
      found.push({
        energy: this.set.energy[h],
        pixel: row * data.cols + col,
        eta: data.eta[row],
        phi: data.phi[col],
        half: this.set.block[h] / 2,
      }),
    );
    this.left += Math.max(0, found.length - MOST);
    return found.sort((a, b) => b.energy - a.energy).slice(0, MOST);
  }

  draw(gevPerMm) {
    const paint = paintOn(this.canvas, this.wide, this.high);
    const { target, radius } = this.extent();
    this.camera.aim(
      this.wide / 2,
      this.high / 2,
      Math.min(this.wide / 1.7, this.high / 1.5) / radius,
      target,
    );
    [this.shapes, this.left] = [[], 0];
    this.frame();
    calorimeters.forEach(({ channel, c }, place) => {
      for (const hit of this.hits(c))
        this.cell(hit, faceOf(place), clamp(hit.energy / gevPerMm, 12, roomBehind(place)), {
          layer: channel,
          pixel: hit.pixel,
        });
    });
    data.channels.forEach((channel, c) => {
      if (TRACKS.includes(channel.kind)) this.tracks(channel, c);
    });
    if (options.truth) eachParticle(this.set, this.event, (particle) => this.particle(particle));
    this.mark(pointed, 1);
    this.mark(selected, 2.2);
    paint.lineCap = "round";
    this.paintShapes(paint);
    if (this.large && calorimeters.length) {
      this.words(paint, `box of 10 cm: ${number(100 * gevPerMm)} GeV`, 8, this.high - 12, "left");
    }
  }

  cell({ eta, phi, half }, face, length, look) {
    const corners = (behind) =>
      [
        [-1, -1],
        [1, -1],
        [1, 1],
        [-1, 1],
      ].map(([a, b]) => this.at(eta + b * half * pitch.eta, phi + a * half * pitch.phi, face, behind));
    this.box(corners(0), corners(length), look);
  }

  tracks(channel, c) {
    const face = channel.kind === "muon" ? data.faces.at(-1) : data.faces[0];
    for (const { energy, pixel, eta, phi } of this.hits(c)) {
      const end = this.at(eta, phi, face);
      const look = {
        stroke: layerColour(channel),
        pixel,
        alpha: clamp(0.35 + 0.2 * Math.log1p(energy), 0, 1),
        wide: clamp(0.6 + 0.5 * Math.log1p(energy), 0.6, 3),
      };
      // In parts, as each has a depth of its own.
      for (let k = 0; k < 4; k++) {
        this.line(...[k, k + 1].map((part) => end.map((x) => (x * part) / 4)), look);
      }
    }
  }

  // A particle before the detector, along its direction; neutral ones dashed.
  particle({ eta, phi, pt, kind }) {
    const wide = clamp(0.5 + 0.5 * Math.log1p(pt), 0.5, 3);
    const look = { stroke: ink().truth, wide, depth: -1e5, dash: kind === CHARGED ? [] : [5, 4] };
    this.line([0, 0, 0], this.at(eta, phi, data.faces[0]), look);
  }

  // The beam, the rims of the window on the faces, and the cone.
  frame() {
    const soft = { stroke: ink().line, wide: 1, depth: 1e6 };
    this.line([-2300, 0, 0], [2300, 0, 0], { ...soft, stroke: ink().soft });
    const edge = (along, across, of) =>
      [...Array(25).keys()].map((i) => of(across, along * ((2 * i) / 24 - 1)));
    const [eta, phi] = [(data.rows * pitch.eta) / 2, (data.cols * pitch.phi) / 2];
    calorimeters.slice(0, data.faces.length).forEach((_, place) => {
      const face = faceOf(place);
      for (const side of [-1, 0, 1]) {
        for (const points of [
          edge(phi, side * eta, (a, b) => this.at(a, b, face)),
          edge(eta, side * phi, (a, b) => this.at(b, a, face)),
        ])
          points.slice(1).forEach((to, i) => this.line(points[i], to, soft));
      }
      const circle = [...Array(65).keys()]
        .map((i) => (i * Math.PI) / 32)
        .map((a) => [0, face[0] * Math.cos(a), face[0] * Math.sin(a)]);
      circle.slice(1).forEach((to, i) => this.line(circle[i], to, { ...soft, alpha: 0.55 }));
    });
    if (!this.axis || !options.cone) return;
    const look = { stroke: ink().cone, wide: 1, alpha: 0.8 };
    const rim = [...Array(37).keys()]
      .map((i) => (i * Math.PI) / 18)
      .map((a) =>
        this.at(
          this.axis.eta + data.cone * Math.sin(a),
          this.axis.phi + data.cone * Math.cos(a),
          data.faces[0],
        ),
      );
    rim.slice(1).forEach((to, i) => this.line(rim[i], to, look));
    rim.filter((_, i) => i % 9 === 0).forEach((to) => this.line([0, 0, 0], to, { ...look, dash: [4, 4] }));
  }

  // The direction of a pixel and the rims of its cells.
  mark(pixel, wide) {
    if (pixel < 0) return;
    const [eta, phi] = [data.eta[Math.floor(pixel / data.cols)], data.phi[pixel % data.cols]];
    const look = { stroke: ink().accent, wide, depth: -1e6 };
    this.line([0, 0, 0], this.at(eta, phi, data.faces.at(-1)), { ...look, dash: [6, 4] });
    calorimeters.forEach(({ c }, place) => {
      const half = (largest[c] ?? 1) / 2,
        face = faceOf(place);
      const rim = [
        [-1, -1],
        [1, -1],
        [1, 1],
        [-1, 1],
      ].map(([a, b]) => this.at(eta + b * half * pitch.eta, phi + a * half * pitch.phi, face));
      rim.forEach((from, i) => this.line(from, rim[(i + 1) % 4], look));
    });
  }
}

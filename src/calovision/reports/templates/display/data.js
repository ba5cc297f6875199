"use strict";
// What the page was given: hits, columns and channels; colours of energies and layers.
const data = JSON.parse(document.getElementById("content").textContent);
const byId = (id) => document.getElementById(id);
const make = (name, parent, text = "", kind = "") => {
  const node = document.createElement(name);
  if (text) node.textContent = text;
  if (kind) node.className = kind;
  parent.append(node);
  return node;
};
const number = (value) => Number(value.toPrecision(3)).toString();
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer;
for (const set of data.sets) {
  set.offsets = new Uint32Array(bytes(set.offsets));
  set.cell = new Uint16Array(bytes(set.cell));
  set.channel = new Uint8Array(bytes(set.channel));
  set.block = new Uint8Array(bytes(set.block));
  set.energy = new Float32Array(bytes(set.energy));
  if (set.truth) {
    const of = set.truth;
    of.offsets = new Uint32Array(bytes(of.offsets));
    for (const name of ["eta", "phi", "pt"]) of[name] = new Float32Array(bytes(of[name]));
    of.kind = new Uint8Array(bytes(of.kind));
  }
  set.column = Object.fromEntries(set.columns.map((x) => [x.name, x]));
}
const pitch = {
  eta: data.rows > 1 ? data.eta[1] - data.eta[0] : 0.1,
  phi: data.cols > 1 ? data.phi[1] - data.phi[0] : 0.1,
};
const isEnergy = (channel) =>
  channel.kind === "tracker" || channel.kind === "calorimeter" || channel.kind === "muon";
const TRACKS = ["tracker", "muon"];

// Calls `each(hit, row, col)` for the hits of an event in a channel.
const eachHit = (set, event, c, each) => {
  for (let h = set.offsets[event]; h < set.offsets[event + 1]; h++) {
    if (set.channel[h] === c) each(h, Math.floor(set.cell[h] / data.cols), set.cell[h] % data.cols);
  }
};

// Calls `each({ eta, phi, pt, kind })` for the particles of an event before the detector.
const eachParticle = (set, event, each) => {
  const of = set.truth;
  if (!of) return;
  for (let p = of.offsets[event]; p < of.offsets[event + 1]; p++) {
    each({ eta: of.eta[p], phi: of.phi[p], pt: of.pt[p], kind: of.kind[p] });
  }
};
const [CHARGED, LIGHT] = [0, 1]; // kinds of particles; others are neutral hadrons

// What a row knows of an event under one of some names, or null.
const value = (set, event, ...names) => {
  const name = names.find((x) => x in set.column);
  return name === undefined ? null : set.column[name].values[event];
};
const className = (set, event) => value(set, event, "label");
const score = (set, event) => value(set, event, "probability", "score");
const isFlagged = (set, event) => value(set, event, "out_of_distribution") === true;
// Whether the score says the right class at a cut of 0.5; null where one of both is unknown.
const isRight = (set, event) => {
  const [named, given] = [className(set, event), score(set, event)];
  const known = data.classes.indexOf(named);
  return known < 0 || typeof given !== "number" ? null : given > 0.5 === (known === 1);
};

// Axis of the energy flow: the mean direction of the calorimeters' energies within the cone, from
// the middle of the window on until it stands still. The window's middle is a hot cell, not the axis.
const axis = (set, event) => {
  let [eta, phi] = [0, 0];
  for (let step = 0; step < 8 && data.cone; step++) {
    let sum = 0,
      sumEta = 0,
      sumPhi = 0;
    data.channels.forEach((channel, c) => {
      if (channel.kind !== "calorimeter") return;
      eachHit(set, event, c, (h, row, col) => {
        if (Math.hypot(data.eta[row] - eta, data.phi[col] - phi) > data.cone) return;
        sum += set.energy[h];
        sumEta += set.energy[h] * data.eta[row];
        sumPhi += set.energy[h] * data.phi[col];
      });
    });
    if (sum <= 0) break;
    [eta, phi] = [sumEta / sum, sumPhi / sum];
  }
  return { eta, phi };
};

// Anchors of the colour scales from faint to bright, and of signed quantities; on paper the bright
// end is the dark one, as the page is white.
const SCALES = {
  dark: {
    energy: [
      [62, 24, 122],
      [88, 20, 118],
      [122, 28, 109],
      [165, 44, 96],
      [207, 68, 70],
      [237, 105, 37],
      [251, 155, 6],
      [247, 209, 61],
      [252, 255, 164],
    ],
    signed: [
      [66, 146, 255],
      [28, 78, 150],
      [60, 60, 66],
      [150, 50, 40],
      [255, 110, 80],
    ],
  },
  light: {
    energy: [
      [253, 205, 110],
      [250, 160, 40],
      [237, 105, 37],
      [207, 68, 70],
      [165, 44, 96],
      [120, 28, 109],
      [75, 12, 107],
      [28, 12, 69],
      [8, 4, 30],
    ],
    signed: [
      [12, 60, 170],
      [110, 160, 230],
      [205, 205, 210],
      [235, 140, 110],
      [170, 20, 20],
    ],
  },
};
const INKS = {
  dark: {
    paper: "#000000",
    text: "#e6e9ee",
    soft: "#9ba6b4",
    line: "#39424d",
    accent: "#ffd166",
    cone: "#7fe3c4",
    truth: "#6ec6ff",
  },
  light: {
    paper: "#ffffff",
    text: "#16202c",
    soft: "#5b6675",
    line: "#cfd6df",
    accent: "#b3261e",
    cone: "#0a7d5c",
    truth: "#1565c0",
  },
};
let theme = "dark";
const ink = () => INKS[theme];
const scaleOf = (channel) => SCALES[theme][channel.signed ? "signed" : "energy"];
const colour = (anchors, share) => {
  const place = clamp(share, 0, 1) * (anchors.length - 1);
  const i = Math.min(Math.floor(place), anchors.length - 2);
  return anchors[i].map((a, k) => Math.round(a + (place - i) * (anchors[i + 1][k] - a)));
};
// Colour of a layer, a share brighter or darker; darker on paper, where bright lines are lost.
const layerColour = (channel, light = 1) => {
  const on = theme === "light" ? 0.9 * light : light;
  return `rgb(${channel.colour.map((x) => Math.round(clamp(x * on, 0, 255)))})`;
};

// Ranges: per channel the first and last colour, of [set, event] pairs.
const limits = (shown) =>
  data.channels.map((channel, c) => {
    let low = Infinity,
      high = 0;
    for (const [set, event] of shown) {
      eachHit(set, event, c, (h) => {
        const size = Math.abs(set.energy[h]);
        if (size === 0) return;
        low = Math.min(low, size);
        high = Math.max(high, size);
      });
    }
    if (high === 0) [low, high] = [0.1, 1];
    if (channel.signed) return [-high, high];
    return [Math.min(low, high / 1.01), high];
  });
const share = (energy, [low, high], signed) =>
  signed ? (energy - low) / (high - low) : Math.log(Math.max(energy, low) / low) / Math.log(high / low);

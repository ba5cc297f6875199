"use strict";
const data = JSON.parse(document.getElementById("content").textContent);
const byId = (id) => document.getElementById(id);
const make = (name, parent, text = "", kind = "") => {
  const node = document.createElement(name);
  if (text) node.textContent = text;
  if (kind) node.className = kind;
  parent.append(node);
  return node;
};
// Inside a report this page is a frame: as high as its content, without a heading of its own.
const inReport = window.parent !== window;
if (inReport) {
  document.documentElement.classList.add("inside");
  const fit = () => { frameElement.style.height = `${document.documentElement.offsetHeight + 2}px`; };
  new ResizeObserver(fit).observe(document.documentElement);
}
const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer;
for (const set of data.sets) {
  set.offsets = new Uint32Array(bytes(set.offsets));
  set.cell = new Uint16Array(bytes(set.cell));
  set.channel = new Uint8Array(bytes(set.channel));
  set.block = new Uint8Array(bytes(set.block));
  set.energy = new Float32Array(bytes(set.energy));
}

// Anchors of a dark-to-bright scale for energies, and of a diverging one for signed quantities.
const BRIGHT = [[28, 12, 69], [75, 12, 107], [120, 28, 109], [165, 44, 96], [207, 68, 70],
  [237, 105, 37], [251, 155, 6], [247, 209, 61], [252, 255, 164]];
const SIGNED = [[66, 146, 255], [28, 78, 150], [60, 60, 66], [150, 50, 40], [255, 110, 80]];
const colour = (anchors, share) => {
  const place = Math.min(Math.max(share, 0), 1) * (anchors.length - 1);
  const i = Math.min(Math.floor(place), anchors.length - 2);
  return anchors[i].map((a, k) => Math.round(a + (place - i) * (anchors[i + 1][k] - a)));
};

// Ranges: per channel the first and last colour, of one event or of all.
const limits = (events, sets) => data.channels.map((channel, c) => {
  let low = Infinity, high = 0;
  for (const set of sets) {
    for (const event of events) {
      for (let h = set.offsets[event]; h < set.offsets[event + 1]; h++) {
        const size = Math.abs(set.energy[h]);
        if (set.channel[h] !== c || size === 0) continue;
        low = Math.min(low, size);
        high = Math.max(high, size);
      }
    }
  }
  if (high === 0) [low, high] = [0.1, 1];
  if (channel.signed) return [-high, high];
  return [Math.min(low, high / 1.01), high];
});
const share = (value, [low, high], signed) => signed
  ? (value - low) / (high - low)
  : Math.log(Math.max(value, low) / low) / Math.log(high / low);
const number = (value) => Number(value.toPrecision(3)).toString();

// What is made from an event is judged on that event's colours.
const paired = data.sets.every((set) => set.paired);
let shown = 0, overAll = null;
const panels = [];
const display = byId("display");
display.style.setProperty("--channels", data.channels.length);
const heads = make("div", display, "", "row heads");
make("div", heads, "up: eta, right: phi", "axes");
const bars = data.channels.map((channel) => {
  const head = make("div", heads, "", "bar");
  make("div", head, `${channel.name}: ${channel.quantity} [${channel.unit}]`, "head");
  const strip = make("canvas", head);
  [strip.width, strip.height] = [256, 1];
  const paint = strip.getContext("2d");
  for (let x = 0; x < 256; x++) {
    paint.fillStyle = `rgb(${colour(channel.signed ? SIGNED : BRIGHT, x / 255)})`;
    paint.fillRect(x, 0, 1, 1);
  }
  return make("div", head, "", "ticks");
});
data.sets.forEach((set, s) => {
  const row = make("div", display, "", "row");
  const name = make("div", row, set.name, "name");
  if (!set.paired) make("small", name, "another event");
  data.channels.forEach((channel, c) => {
    const figure = make("figure", row);
    const canvas = make("canvas", figure);
    [canvas.width, canvas.height] = [data.cols, data.rows];
    canvas.setAttribute("role", "img");
    const caption = make("figcaption", figure);
    const panel = { set, s, c, channel, canvas, caption, hit: new Int32Array(data.rows * data.cols) };
    canvas.addEventListener("mousemove", (event) => hover(panel, event));
    canvas.addEventListener("mouseleave", () => { byId("tip").hidden = true; });
    panels.push(panel);
  });
});

// Pixel of a panel under the mouse; row 0 is drawn at the bottom, where eta is least.
const under = (panel, event) => {
  const box = panel.canvas.getBoundingClientRect();
  const col = Math.floor((event.clientX - box.left) / box.width * data.cols);
  const row = data.rows - 1 - Math.floor((event.clientY - box.top) / box.height * data.rows);
  const inside = row >= 0 && row < data.rows && col >= 0 && col < data.cols;
  return inside ? row * data.cols + col : -1;
};
const hover = (panel, event) => {
  const pixel = under(panel, event), tip = byId("tip");
  if (pixel < 0) { tip.hidden = true; return; }
  const row = Math.floor(pixel / data.cols), col = pixel % data.cols;
  const lines = panels.filter((p) => p.c === panel.c).map((p) => {
    const hit = p.hit[pixel];
    const value = hit < 0 ? "no hit" : `${number(p.set.energy[hit])} ${p.channel.unit}`;
    return `${p.set.name}: ${value}`;
  });
  const where = `eta ${data.eta[row].toFixed(3)}, phi ${data.phi[col].toFixed(3)} rad from the centre`;
  tip.textContent = [`${panel.channel.name} ${panel.channel.quantity}`, ...lines, where].join("\n");
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  tip.style.left = `${Math.min(event.clientX + 14, innerWidth - box.width - 4)}px`;
  tip.style.top = `${Math.min(event.clientY + 14, innerHeight - box.height - 4)}px`;
};

const draw = (panel, range) => {
  const { set, c, channel, canvas, hit } = panel;
  const paint = canvas.getContext("2d");
  paint.clearRect(0, 0, data.cols, data.rows);
  hit.fill(-1);
  let count = 0, sum = 0;
  for (let h = set.offsets[shown]; h < set.offsets[shown + 1]; h++) {
    if (set.channel[h] !== c) continue;
    const block = set.block[h], half = (block - 1) / 2;
    const row = Math.floor(set.cell[h] / data.cols), col = set.cell[h] % data.cols;
    paint.fillStyle = `rgb(${colour(channel.signed ? SIGNED : BRIGHT, share(set.energy[h], range, channel.signed))})`;
    paint.fillRect(col - half, data.rows - 1 - row - half, block, block);
    for (let r = row - half; r <= row + half; r++) {
      for (let k = col - half; k <= col + half; k++) hit[r * data.cols + k] = h;
    }
    count += 1;
    sum += set.energy[h];
  }
  const total = channel.signed ? "" : `, sum ${number(sum)} ${channel.unit}`;
  panel.caption.textContent = `${count} hits${total}`;
  canvas.setAttribute("aria-label", `${set.name}, ${channel.name}: ${panel.caption.textContent}`);
};

const show = (event) => {
  shown = Math.min(Math.max(event, 0), data.events - 1);
  byId("tip").hidden = true;
  byId("number").value = shown + data.first;
  const all = [...Array(data.events).keys()];
  const common = byId("common").checked;
  if (common && overAll === null) overAll = limits(all, data.sets);
  const ranges = common ? overAll : limits([shown], paired ? [data.sets[0]] : data.sets);
  ranges.forEach(([low, high], c) => {
    const middle = data.channels[c].signed ? 0 : Math.sqrt(low * high);
    bars[c].replaceChildren(...[low, middle, high].map((x) => {
      const tick = document.createElement("span");
      tick.textContent = number(x);
      return tick;
    }));
  });
  panels.forEach((panel) => draw(panel, ranges[panel.c]));
  const told = data.sets[0].columns.filter((x) => ["label", "pt", "m0"].includes(x.name));
  byId("told").textContent = [`event ${shown + data.first}`,
    ...told.map((x) => `${x.name} ${x.values[shown]} ${x.unit}`.trim())].join(", ");
  table();
  if (!inReport) history.replaceState(null, "", `#${shown + data.first}`);
};

const table = () => {
  const names = [...new Set(data.sets.flatMap((set) => set.columns.map((x) => x.name)))];
  const node = byId("columns");
  node.replaceChildren();
  if (!names.length) return;
  const head = make("tr", make("thead", node));
  ["", ...data.sets.map((set) => set.name)].forEach((text) => make("th", head, text));
  const body = make("tbody", node);
  for (const name of names) {
    const row = make("tr", body);
    const found = data.sets.map((set) => set.columns.find((x) => x.name === name));
    const unit = found.find((x) => x)?.unit;
    make("th", row, unit ? `${name} [${unit}]` : name);
    found.forEach((x) => make("td", row, x ? String(x.values[shown]) : "–"));
  }
};

const moves = {
  ArrowLeft: (step) => shown - step, ArrowRight: (step) => shown + step,
  Home: () => 0, End: () => data.events - 1,
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target === byId("number")) return;
  if (event.key in moves) {
    event.preventDefault();
    show(moves[event.key](event.shiftKey ? 10 : 1));
  } else if (event.key.toLowerCase() === "c") {
    byId("common").checked = !byId("common").checked;
    show(shown);
  }
});
byId("back").addEventListener("click", () => show(shown - 1));
byId("next").addEventListener("click", () => show(shown + 1));
byId("common").addEventListener("change", () => show(shown));
byId("number").min = data.first;
byId("number").max = data.first + data.events - 1;
byId("number").addEventListener("change", () => show((parseInt(byId("number").value, 10) || data.first) - data.first));
byId("of").textContent = `of ${data.first} to ${data.first + data.events - 1}`;
addEventListener("hashchange", () => show((parseInt(location.hash.slice(1), 10) || 0) - data.first));
show((parseInt(location.hash.slice(1), 10) || data.first) - data.first);

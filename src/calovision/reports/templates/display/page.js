// The page: rows of panels for one event or two, how large they are, and what buttons and keys do.

// Inside a report this page is a frame: as high as its content, without a heading of its own.
const inReport = window.parent !== window;
const options = { cone: true, common: false, solid: true };
let focus = null;  // the kind of panel that is enlarged
let pointed = -1, selected = -1;  // pixels under the mouse, and chosen
let active = 0;  // the half that keys move
let overAll = null;
const halves = [];
const paired = data.sets.every((set) => set.paired);
const hasSolid = calorimeters.length > 0;
const kinds = [...data.channels.map((_, c) => c), ...(hasSolid ? ["lego", "space"] : [])];
const shownKinds = () => (focus !== null ? [focus] : kinds.filter((kind) => options.solid || typeof kind === "number"));
const shownHalves = () => halves.filter((half) => half.isShown);
const screenHeight = () => (inReport ? Math.min(parent.innerHeight, 900) : innerHeight);
const isPhone = () => innerWidth <= 700;

// Building the rows

const scaleBar = (head, channel) => {
  const strip = make("canvas", head), ticks = make("div", head, "", "ticks");
  return { strip, ticks, paint() {
    [strip.width, strip.height] = [256, 1];
    const paint = strip.getContext("2d");
    for (let x = 0; x < 256; x++) {
      paint.fillStyle = `rgb(${colour(scaleOf(channel), x / 255)})`;
      paint.fillRect(x, 0, 1, 1);
    }
  } };
};
const makePanel = (parent, set, kind) => {
  const isMap = typeof kind === "number";
  const figure = make("figure", parent, "", isMap ? "map" : "solid");
  const head = make("div", figure, "", "head");
  const canvas = make("canvas", figure, "", "view");
  canvas.setAttribute("role", "img");
  const note = make(isMap ? "figcaption" : "div", figure, "", isMap ? "" : "note");
  const panel = { figure, head, canvas, note, kind, isMap, set };
  if (isMap) {
    const channel = data.channels[kind];
    make("div", head, `${channel.name}: ${channel.quantity} [${channel.unit}]`, "title");
    panel.bar = scaleBar(head, channel);
    panel.drawn = new EventMap(canvas, set, kind);
  } else {
    make("div", head, kind === "lego" ? "Lego: E [GeV]" : "3-D", "title");
    const keys = make("div", head, "", "keys");
    panel.keys = legoLayers.map(({ channel }) => {
      const key = make("span", keys);
      const patch = make("i", key);
      key.append(channel.name);
      return { patch, channel };
    });
    panel.drawn = new (kind === "lego" ? Lego : DetectorView)(canvas, set);
  }
  const enlarge = make("button", figure, "\u2922", "enlarge");
  enlarge.setAttribute("aria-label", "Enlarge");
  enlarge.addEventListener("click", () => enlargeKind(focus === null ? kind : null));
  return panel;
};
const makeHalf = (event) => {
  const node = make("section", byId("display"), "", "half");
  const half = { node, event, isShown: true, place: halves.length };
  halves.push(half);
  const steer = make("div", node, "", "controls");
  half.number = make("strong", steer);
  if (half.place) {
    for (const [text, step, label] of [["\u2190", -1, "Second event before"], ["\u2192", 1, "Next second event"]]) {
      const button = make("button", steer, text);
      button.setAttribute("aria-label", label);
      button.addEventListener("click", () => { active = half.place; show(further(half.event, step)); });
    }
  }
  half.grid = make("div", node, "", "rows");
  half.rows = data.sets.map((set) => {
    const row = make("div", half.grid, "", "row");
    const facts = make("div", row, "", "facts"), list = make("div", row, "", "panels");
    return { set, facts, list, panels: kinds.map((kind) => makePanel(list, set, kind)) };
  });
  node.addEventListener("pointerdown", () => {
    if (active === half.place) return;
    active = half.place;
    steering();
  });
  half.rows.forEach((row) => row.panels.forEach((panel) => listen(panel.canvas, hands(panel))));
  return half;
};

// Facts

const chip = (parent, text, kind) => make("span", parent, text, `chip ${kind}`);
const tellFacts = ({ set, facts }, event) => {
  facts.replaceChildren();
  make("span", facts, set.name, "name");
  const named = className(set, event), given = score(set, event), right = isRight(set, event);
  if (named !== null) chip(facts, String(named), "class");
  if (typeof given === "number") {
    const mark = right === null ? "" : right ? " \u2713" : " \u2717";
    chip(facts, `P(${data.classes[1]}) ${given.toFixed(2)}${mark}`, right === null ? "" : right ? "right" : "wrong");
  }
  if (isFlagged(set, event)) chip(facts, "\u26a0 out of domain", "flag");
  for (const [name, words] of [["pt", "pT"], ["gen_pt", "generated pT"], ["m0", "mass"]]) {
    const found = set.column[name]?.values[event];
    if (typeof found !== "number" || (name === "gen_pt" && "pt" in set.column)) continue;
    make("span", facts, `${words} ${number(found)} GeV`, name);
  }
  const distance = value(set, event, "emd");
  if (distance !== null) make("span", facts, `${number(distance)} GeV from ${first.name} (EMD)`, "soft");
  if (!set.paired) {
    const like = set.matched.map((name) => (name === "label" ? "class" : "pT")).join(" and ");
    make("span", facts, like ? `another event, matched in ${like}` : "another event", "soft");
  }
};
const tellNumbers = () => {
  const names = [...new Set(data.sets.flatMap((set) => set.columns.map((x) => x.name)))];
  const node = byId("columns"), several = shownHalves().length > 1;
  node.replaceChildren();
  byId("numbers").hidden = !names.length;
  const head = make("tr", make("thead", node)), body = make("tbody", node);
  make("th", head);
  for (const name of names) {
    const { unit } = data.sets.find((set) => name in set.column).column[name];
    make("th", head, unit ? `${name} [${unit}]` : name);
  }
  for (const { event } of shownHalves()) {
    for (const set of data.sets) {
      const row = make("tr", body);
      make("th", row, several ? `${data.first + event}, ${set.name}` : set.name);
      for (const name of names) make("td", row, name in set.column ? String(set.column[name].values[event]) : "\u2013");
    }
  }
};
const where = (pixel) => [data.eta[Math.floor(pixel / data.cols)], data.phi[pixel % data.cols]];
const content = (set, map, pixel) => {
  const hit = map.hit[pixel];
  return hit < 0 ? "no hit" : `${number(set.energy[hit])} ${map.channel.unit}`;
};
const tellCell = () => {
  const node = byId("cell");
  node.replaceChildren();
  if (selected < 0) {
    if (!isPhone()) make("span", node, "Click on a cell to see it in every view.", "").style.color = "var(--soft)";
    return;
  }
  const [eta, phi] = where(selected);
  node.append(`Cell at \u03b7 ${short(eta)}, \u03c6 ${short(phi)} rad:`);
  for (const half of shownHalves()) {
    for (const { set, panels } of half.rows) {
      make("b", node, `${shownHalves().length > 1 ? `${data.first + half.event}, ` : ""}${set.name} `);
      node.append(panels.filter((x) => x.isMap).map((x) => ` ${x.drawn.channel.name} ${content(set, x.drawn, selected)}`).join(", "));
    }
  }
};
const tip = (panel, pixel, event) => {
  const box = byId("tip");
  if (pixel < 0) { box.hidden = true; return; }
  const half = halves.find((x) => x.rows.some((row) => row.panels.includes(panel)));
  const [eta, phi] = where(pixel), place = `eta ${eta.toFixed(3)}, phi ${phi.toFixed(3)} rad from the centre`;
  let lines;
  if (panel.isMap) {
    const { channel } = panel.drawn;
    lines = [`${channel.name} ${channel.quantity}`, ...half.rows.map(({ set, panels }) => `${set.name}: ${content(set, panels.find((x) => x.kind === panel.kind).drawn, pixel)}`)];
  } else {
    const maps = half.rows.find(({ panels }) => panels.includes(panel)).panels.filter((x) => x.isMap);
    lines = [panel.set.name, ...maps.map((x) => `${x.drawn.channel.name}: ${content(panel.set, x.drawn, pixel)}`)];
  }
  box.textContent = [...lines, place].join("\n");
  box.hidden = false;
  const size = box.getBoundingClientRect();
  box.style.left = `${clamp(event.clientX + 14, 4, innerWidth - size.width - 4)}px`;
  box.style.top = `${event.clientY + 18 + size.height < innerHeight ? event.clientY + 18 : Math.max(0, event.clientY - size.height - 12)}px`;
};

// Layout: as large as all rows fit on one screen, with the panels of a row in one line or in several.

const GAP = 6;  // px between panels
const HEIGHTS = { head: 44, note: 17 };  // px, about, of what stands around the panels
const factsHeight = (wide) => (wide > 560 ? 30 : wide > 400 ? 52 : 74);
const leastSide = () => (focus === null ? 96 : isPhone() ? innerWidth - 30 : 240);
// How many rows stand side by side, and panels of a row in a line, and how large they are then.
const arrangement = (wide, high) => {
  const shown = shownKinds().length, rows = data.sets.length, maps = Math.min(data.channels.length, shown);
  const columnsTried = [shown, ...(focus === null ? [maps] : []), ...(isPhone() ? [2, 1] : [])].filter((n) => n <= shown);
  const acrossTried = focus !== null ? rows : rows > 3 ? 2 : 1;
  let best = { area: 0 };
  for (let across = 1; across <= acrossTried; across++) {
    for (const columns of new Set(columnsTried)) {
      const lines = Math.ceil(shown / columns), down = Math.ceil(rows / across);
      const widest = (wide - 16 * (across - 1)) / across / columns - GAP;
      const around = factsHeight(wide / across) + lines * (HEIGHTS.note + GAP + HEIGHTS.head / down);
      const fits = Math.min(widest, (high / down - around) / lines);
      const side = Math.min(widest, Math.max(fits, leastSide()));
      // What needs scrolling is worth less than what it shows.
      const area = lines * columns * side ** 2 * (fits < side ? 0.6 * Math.max(0.1, fits / side) : 1);
      if (area > 1.02 * best.area) best = { area, side, across, columns, widest, cells: lines * down };
    }
  }
  return best;
};
const arrange = ({ side, across, columns }) => {
  const shown = shownKinds();
  for (const half of shownHalves()) {
    half.grid.style.gridTemplateColumns = `repeat(${across}, minmax(0, 1fr))`;
    half.rows.forEach(({ panels, list }, place) => {
      list.style.width = `${columns * (side + GAP)}px`;
      panels.forEach((panel) => { panel.figure.hidden = !shown.includes(panel.kind); });
      panels.filter((panel) => shown.includes(panel.kind)).forEach((panel, k) => {
        const inLine = Math.min(columns, shown.length - Math.floor(k / columns) * columns);
        const width = (columns * (side + GAP)) / inLine - GAP;
        panel.figure.style.width = `${width}px`;
        panel.figure.classList.toggle("small", width < 165);
        panel.head.hidden = place >= across;
        panel.canvas.style.height = `${side}px`;
        panel.canvas.style.touchAction = (isZoomed() && panel.isMap) || (focus !== null && !panel.isMap) ? "none" : "pan-y";
        panel.drawn.resize(width, side);
      });
    });
  }
};
const layout = () => {
  const main = byId("display"), number = shownHalves().length, halvesAcross = isPhone() ? 1 : number;
  const top = main.getBoundingClientRect().top + (inReport ? 0 : scrollY);
  const wide = (main.clientWidth - 20 * (halvesAcross - 1)) / halvesAcross;
  const below = isPhone() ? 8 : byId("cell").offsetHeight + 62;
  const high = screenHeight() - top - below;
  const found = arrangement(wide, high * halvesAcross / number);
  arrange(found);
  // What stands around the panels is known now: the rest of the screen is theirs.
  for (let step = 0; step < 3; step++) {
    const free = (high - main.offsetHeight) / found.cells * halvesAcross / number;
    const side = Math.floor(clamp(found.side + free, Math.min(leastSide(), found.widest), found.widest));
    if (Math.abs(side - found.side) < 1) break;
    found.side = side;
    arrange(found);
  }
  return high - main.offsetHeight;
};

// Drawing

const ofShown = (half, each) => half.rows.forEach((row) => row.panels.forEach((panel) => {
  if (!panel.figure.hidden) each(panel);
}));
const draw = () => {
  const panels = shownHalves().flatMap((half) => half.rows.flatMap((row) => row.panels)).filter((panel) => !panel.figure.hidden);
  panels.filter((panel) => panel.isMap).forEach((panel) => panel.drawn.draw());
  // All rows share the scale of energies, so that their heights can be compared.
  for (const kind of ["lego", "space"]) {
    const mine = panels.filter((panel) => panel.kind === kind);
    const top = Math.max(0, ...mine.map((panel) => panel.drawn.build()));
    mine.forEach((panel) => panel.drawn.draw(top));
    mine.forEach((panel) => {
      panel.note.textContent = panel.drawn.told();
    });
  }
};
let waiting = false;
const soon = () => {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => { waiting = false; draw(); });
};
const take = () => {
  const shown = shownHalves();
  if (options.common && overAll === null) {
    overAll = limits(data.sets.flatMap((set) => everyEvent.map((event) => [set, event])));
  }
  // What is made from an event is judged on that event's colours.
  const judged = shown.flatMap((half) => (paired ? [first] : data.sets).map((set) => [set, half.event]));
  const ranges = options.common ? overAll : limits(judged);
  for (const half of shown) {
    half.number.textContent = shown.length > 1 ? `Event ${data.first + half.event}` : "";
    half.number.parentElement.hidden = shown.length === 1;
    for (const row of half.rows) {
      tellFacts(row, half.event);
      for (const panel of row.panels) {
        panel.drawn.take(half.event, ranges[panel.kind]);
        if (!panel.isMap) {
          panel.keys.forEach(({ patch, channel }) => { patch.style.background = layerColour(channel); });
          panel.canvas.setAttribute("aria-label", `${row.set.name}, ${panel.kind === "lego" ? "lego" : "view in space"}`);
          continue;
        }
        const { channel, count, sum } = panel.drawn, [low, high] = ranges[panel.kind];
        const total = channel.signed ? "" : `, sum ${number(sum)} ${channel.unit}`;
        panel.note.textContent = `${count} hits${total}`;
        panel.canvas.setAttribute("aria-label", `${row.set.name}, ${channel.name}: ${panel.note.textContent}`);
        panel.bar.paint();
        panel.bar.ticks.replaceChildren();
        [low, channel.signed ? 0 : Math.sqrt(low * high), high].forEach((x) => make("span", panel.bar.ticks, number(x)));
      }
    }
  }
};
const steering = () => {
  const { event } = halves[0];
  byId("number").value = event + data.first;
  const place = order.indexOf(event), total = data.events;
  byId("of").replaceChildren();
  const all = `of ${data.first} to ${data.first + total - 1}`;
  const narrowed = order.length < total || chosen.sort !== "stored" || chosen.reverse;
  make("span", byId("of"), !order.length ? "no event passes the filter" : !narrowed ? all : place < 0 ? `does not pass; ${order.length} of ${total} do` : `${place + 1}. of ${order.length}${order.length < total ? ` that pass (${total} in all)` : ""}`);
  halves.forEach((half) => half.node.classList.toggle("active", shownHalves().length > 1 && half.place === active));
};
const show = (event, place = active) => {
  halves[place].event = clamp(event, 0, data.events - 1);
  byId("tip").hidden = true;
  pointed = -1;
  steering();
  take();
  layout();
  draw();
  tellNumbers();
  tellCell();
  const told = ["label", "pt", "m0"].filter((name) => name in first.column).map((name) => first.column[name]);
  byId("told").textContent = [`event ${halves[place].event + data.first}`,
    ...told.map((x) => `${x.name} ${x.values[halves[place].event]} ${x.unit}`.trim())].join(", ");
  if (!inReport) history.replaceState(null, "", `#${shownHalves().map((half) => half.event + data.first).join(",")}`);
};
const refresh = () => show(halves[active].event);

// What hands and keys do

const enlargeKind = (kind) => {
  focus = kind;
  document.body.classList.toggle("focused", kind !== null);
  byId("close").hidden = kind === null;
  refresh();
};
const zoomedBy = (factor, col, row) => {
  zoomBy(factor, col, row);
  layout();
  soon();
};
const select = (pixel) => {
  selected = pixel;
  tellCell();
  soon();
};
const hands = (panel) => ({
  hover(x, y, event) {
    const pixel = panel.drawn.pixelAt(x, y);
    tip(panel, pixel, event);
    if (pixel === pointed) return;
    pointed = pixel;
    soon();
  },
  leave() {
    byId("tip").hidden = true;
    if (pointed < 0) return;
    pointed = -1;
    soon();
  },
  tap(x, y, isTouch, event) {
    if (isTouch && focus === null && isPhone()) {
      enlargeKind(panel.kind);
      return;
    }
    const pixel = panel.drawn.pixelAt(x, y);
    select(pixel === selected ? -1 : pixel);
    if (isTouch) tip(panel, selected, event);
  },
  enlarge() { enlargeKind(focus === null ? panel.kind : null); },
  wheel(factor, x, y) {
    if (panel.isMap) zoomedBy(factor, ...panel.drawn.fromScreen(x, y));
    else {
      panel.drawn.camera.zoomBy(factor);
      soon();
    }
  },
  pinch(factor, x, y) { this.wheel(factor, x, y); },
  canDrag(isTouch) { return panel.isMap ? isZoomed() : !isTouch || focus !== null || !isPhone(); },
  drag(dx, dy) {
    if (panel.isMap) {
      const { side } = panel.drawn.plot;
      panBy(-dx / side * view.wide, dy / side * view.high);
    } else panel.drawn.camera.turn(-0.5 * dx, 0.5 * dy);
    soon();
  },
  swipe(direction) { show(further(halves[active].event, direction)); },
});

const hottest = () => {
  let best = -1, most = 0;
  for (let h = first.offsets[halves[active].event]; h < first.offsets[halves[active].event + 1]; h++) {
    if (data.channels[first.channel[h]].kind !== "calorimeter" || first.energy[h] <= most) continue;
    [best, most] = [first.cell[h], first.energy[h]];
  }
  return best;
};
const moveSelected = (rows, cols) => () => {
  if (selected < 0) select(hottest());
  const [row, col] = [Math.floor(selected / data.cols) + rows, selected % data.cols + cols];
  if (row >= 0 && row < data.rows && col >= 0 && col < data.cols) select(row * data.cols + col);
};
const resetViews = () => {
  Object.assign(view, whole);
  legoCamera.reset();
  detectorCamera.reset();
  layout();
  soon();
};
const setTheme = (name) => {
  theme = name;
  document.documentElement.dataset.theme = name;
  byId("theme").textContent = name === "dark" ? "Light" : "Dark";
  if (halves.length) refresh();
};
const setTwo = (isOn) => {
  if (isOn && halves.length < 2) makeHalf(further(halves[0].event, 1));
  if (halves[1]) {
    halves[1].isShown = isOn;
    halves[1].node.hidden = !isOn;
    if (isOn && halves[1].event === halves[0].event) halves[1].event = further(halves[0].event, 1);
  }
  byId("two").checked = isOn;
  active = 0;
  refresh();
};
const turned = (angle) => () => {
  legoCamera.turn(angle, 0);
  detectorCamera.turn(angle, 0);
  soon();
};
const flip = (id) => () => byId(id).click();
const moves = {
  ArrowLeft: (step) => further(halves[active].event, -step), ArrowRight: (step) => further(halves[active].event, step),
  Home: () => order[0] ?? halves[active].event, End: () => order.at(-1) ?? halves[active].event,
};
const keys = {
  c: flip("common"), t: flip("theme"), b: flip("two"), "+": flip("closer"), "=": flip("closer"), "-": flip("wider"), 0: resetViews,
  ",": turned(-10), ".": turned(10), s: () => select(hottest()), i: moveSelected(1, 0), k: moveSelected(-1, 0), j: moveSelected(0, -1), l: moveSelected(0, 1),
  escape: () => { if (focus !== null) enlargeKind(null); else select(-1); },
};
kinds.forEach((kind, place) => { keys[place + 1] = () => enlargeKind(focus === kind ? null : kind); });
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.matches("input[type=number], select")) return;
  if (event.key in moves) {
    event.preventDefault();
    show(moves[event.key](event.shiftKey ? 10 : 1));
  } else if (event.key.toLowerCase() in keys) keys[event.key.toLowerCase()]();
});

// Filter and order

const menu = (label, words, key) => {
  const select = make("select", byId("choice"));
  select.setAttribute("aria-label", label);
  for (const [name, text] of Object.entries(words)) make("option", select, text).value = name;
  select.addEventListener("change", () => {
    chosen[key] = select.value;
    reorder();
  });
};
const reorder = () => {
  order = ordered();
  active = 0;
  // Another filter keeps an event that passes; another order begins at its first event.
  show(order[0] ?? halves[0].event);
};
if ("label" in first.column) menu("Class", filters.class, "class");
if (isScored) {
  menu("Scores", filters.verdict, "verdict");
  for (const [key, label] of [["low", "Lowest score"], ["high", "Highest score"]]) {
    const input = make("input", byId("choice"), "", "score");
    Object.assign(input, { type: "number", min: 0, max: 1, step: 0.05, value: chosen[key] });
    input.setAttribute("aria-label", label);
    input.addEventListener("change", () => {
      chosen[key] = Number.isFinite(input.valueAsNumber) ? input.valueAsNumber : (key === "low" ? 0 : 1);
      reorder();
    });
    if (key === "low") byId("choice").append("to");
  }
}
menu("Order", Object.fromEntries(Object.entries(sorts).map(([name, { words }]) => [name, name === "stored" ? words : `by ${words}`])), "sort");
const reverse = make("button", byId("choice"), "\u21c5");
reverse.type = "button";
reverse.setAttribute("aria-label", "Reverse the order");
reverse.addEventListener("click", () => {
  chosen.reverse = !chosen.reverse;
  reorder();
});

const clicks = {
  back: () => show(further(halves[0].event, -1), active = 0), next: () => show(further(halves[0].event, 1), active = 0),
  closer: () => zoomedBy(1.5), wider: () => zoomedBy(1 / 1.5), reset: resetViews,
  theme: () => setTheme(theme === "dark" ? "light" : "dark"), png: keepPicture, phoenix: keepPhoenix,
  close: () => enlargeKind(null),
  menu: () => {
    byId("menu").setAttribute("aria-expanded", byId("more").classList.toggle("open"));
    refresh();
  },
};
for (const [id, act] of Object.entries(clicks)) byId(id).addEventListener("click", act);
for (const id of ["common", "cone", "solid"]) {
  byId(id).addEventListener("change", () => {
    options[id] = byId(id).checked;
    if (typeof focus === "string" && !options.solid) focus = null;
    refresh();
  });
}
byId("two").addEventListener("change", () => setTwo(byId("two").checked));
byId("has-cone").hidden = !data.cone;
byId("has-solid").hidden = !hasSolid;
byId("number").min = data.first;
byId("number").max = data.first + data.events - 1;
byId("number").addEventListener("change", () => show((parseInt(byId("number").value, 10) || data.first) - data.first, active = 0));
addEventListener("resize", () => {
  layout();
  draw();
});
const named = () => location.hash.slice(1).split(",").map((x) => (parseInt(x, 10) || data.first) - data.first);
addEventListener("hashchange", () => show(named()[0], 0));

setTheme(matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark");
makeHalf(clamp(named()[0], 0, data.events - 1));
// A screen with room left shows the numbers as well.
byId("numbers").open = !inReport && !isPhone() && layout() > 90;
if (named().length > 1) {
  const [, second] = named();
  setTwo(true);
  show(second, 1);
} else refresh();
if (inReport) {
  document.documentElement.classList.add("inside");
  const fit = () => { frameElement.style.height = `${document.documentElement.offsetHeight + 2}px`; };
  new ResizeObserver(fit).observe(document.documentElement);
  refresh();
}

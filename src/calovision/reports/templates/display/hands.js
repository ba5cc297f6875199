// What hands and keys do.

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
  enlarge() {
    enlargeKind(focus === null ? panel.kind : null);
  },
  wheel(factor, x, y) {
    if (panel.isMap) zoomedBy(factor, ...panel.drawn.fromScreen(x, y));
    else {
      panel.drawn.camera.zoomBy(factor);
      soon();
    }
  },
  pinch(factor, x, y) {
    this.wheel(factor, x, y);
  },
  canDrag(isTouch) {
    return panel.isMap ? isZoomed() : !isTouch || focus !== null || !isPhone();
  },
  drag(dx, dy) {
    if (panel.isMap) {
      const { side } = panel.drawn.plot;
      panBy((-dx / side) * view.wide, (dy / side) * view.high);
    } else panel.drawn.camera.turn(-0.5 * dx, 0.5 * dy);
    soon();
  },
  swipe(direction) {
    show(further(halves[active].event, direction));
  },
});

const hottest = () => {
  let best = -1,
    most = 0;
  for (let h = first.offsets[halves[active].event]; h < first.offsets[halves[active].event + 1]; h++) {
    if (data.channels[first.channel[h]].kind !== "calorimeter" || first.energy[h] <= most) continue;
    [best, most] = [first.cell[h], first.energy[h]];
  }
  return best;
};
const moveSelected = (rows, cols) => () => {
  if (selected < 0) select(hottest());
  const [row, col] = [Math.floor(selected / data.cols) + rows, (selected % data.cols) + cols];
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
  ArrowLeft: (step) => further(halves[active].event, -step),
  ArrowRight: (step) => further(halves[active].event, step),
  Home: () => order[0] ?? halves[active].event,
  End: () => order.at(-1) ?? halves[active].event,
};
const keys = {
  c: flip("common"),
  t: flip("theme"),
  b: flip("two"),
  "+": flip("closer"),
  "=": flip("closer"),
  "-": flip("wider"),
  0: resetViews,
  ",": turned(-10),
  ".": turned(10),
  s: () => select(hottest()),
  i: moveSelected(1, 0),
  k: moveSelected(-1, 0),
  j: moveSelected(0, -1),
  l: moveSelected(0, 1),
  escape: () => {
    if (focus !== null) enlargeKind(null);
    else select(-1);
  },
};
kinds.forEach((kind, place) => {
  keys[place + 1] = () => enlargeKind(focus === kind ? null : kind);
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.matches("input[type=number], select"))
    return;
  if (event.key in moves) {
    event.preventDefault();
    show(moves[event.key](event.shiftKey ? 10 : 1));
  } else if (event.key.toLowerCase() in keys) keys[event.key.toLowerCase()]();
});

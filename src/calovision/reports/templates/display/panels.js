// The rows of panels for one event or two, and what they are drawn from.

// Inside a report this page is a frame: as high as its content, without a heading of its own. A
// frame in a page from elsewhere cannot know its own size, and is a page like others.
const inReport = window.frameElement !== null;
const options = { cone: true, common: false, solid: true, truth: false };
let focus = null; // the kind of panel that is enlarged
let pointed = -1,
  selected = -1; // pixels under the mouse, and chosen
let active = 0; // the half that keys move
let overAll = null;
const halves = [];
const paired = data.sets.every((set) => set.paired);
const hasSolid = calorimeters.length > 0;
const kinds = [...data.channels.map((_, c) => c), ...(hasSolid ? ["lego", "space"] : [])];
const shownKinds = () =>
  focus !== null ? [focus] : kinds.filter((kind) => options.solid || typeof kind === "number");
const shownHalves = () => halves.filter((half) => half.isShown);
const screenHeight = () => (inReport ? Math.min(parent.innerHeight, 900) : innerHeight);
const isPhone = () => innerWidth <= 700;

const scaleBar = (head, channel) => {
  const strip = make("canvas", head),
    ticks = make("div", head, "", "ticks");
  return {
    strip,
    ticks,
    paint() {
      [strip.width, strip.height] = [256, 1];
      const paint = strip.getContext("2d");
      for (let x = 0; x < 256; x++) {
        paint.fillStyle = `rgb(${colour(scaleOf(channel), x / 255)})`;
        paint.fillRect(x, 0, 1, 1);
      }
    },
  };
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
    for (const [text, step, label] of [
      ["\u2190", -1, "Second event before"],
      ["\u2192", 1, "Next second event"],
    ]) {
      const button = make("button", steer, text);
      button.setAttribute("aria-label", label);
      button.addEventListener("click", () => {
        active = half.place;
        show(further(half.event, step));
      });
    }
  }
  half.grid = make("div", node, "", "rows");
  half.rows = data.sets.map((set) => {
    const row = make("div", half.grid, "", "row");
    const facts = make("div", row, "", "facts"),
      list = make("div", row, "", "panels");
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

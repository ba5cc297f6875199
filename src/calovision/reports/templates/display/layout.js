// Layout: as large as all rows fit on one screen, with the panels of a row in one line or in several.

const GAP = 6; // px between panels
const HEIGHTS = { head: 44, note: 17 }; // px, about, of what stands around the panels
const factsHeight = (wide) => (wide > 560 ? 30 : wide > 400 ? 52 : 74);
const leastSide = () => (focus === null ? 96 : isPhone() ? innerWidth - 30 : 240);
// How many rows stand side by side, and panels of a row in a line, and how large they are then.
const arrangement = (wide, high) => {
  const shown = shownKinds().length,
    rows = data.sets.length,
    maps = Math.min(data.channels.length, shown);
  const tried = isPhone() ? [3, 2, 1] : focus === null ? [shown, maps] : [shown];
  const columnsTried = tried.map((n) => Math.min(n, shown));
  const acrossTried = focus !== null ? rows : rows > 3 ? 2 : 1;
  let best = { area: 0 };
  for (let across = 1; across <= acrossTried; across++) {
    for (const columns of new Set(columnsTried)) {
      const lines = Math.ceil(shown / columns),
        down = Math.ceil(rows / across);
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
      panels.forEach((panel) => {
        panel.figure.hidden = !shown.includes(panel.kind);
      });
      panels
        .filter((panel) => shown.includes(panel.kind))
        .forEach((panel, k) => {
          const inLine = Math.min(columns, shown.length - Math.floor(k / columns) * columns);
          const width = (columns * (side + GAP)) / inLine - GAP;
          panel.figure.style.width = `${width}px`;
          panel.figure.classList.toggle("small", width < 165);
          panel.head.hidden = place >= across;
          panel.canvas.style.height = `${side}px`;
          panel.canvas.style.touchAction =
            (isZoomed() && panel.isMap) || (focus !== null && !panel.isMap) ? "none" : "pan-y";
          panel.drawn.resize(width, side);
        });
    });
  }
};
const layout = () => {
  const main = byId("display"),
    number = shownHalves().length,
    halvesAcross = isPhone() ? 1 : number;
  // On a phone the menu pushes the rows down rather than making them small.
  const pushed = isPhone() ? byId("more").offsetHeight : 0;
  const top = main.getBoundingClientRect().top + (inReport ? 0 : scrollY) - pushed;
  const wide = (main.clientWidth - 20 * (halvesAcross - 1)) / halvesAcross;
  const below = isPhone() ? 8 : byId("cell").offsetHeight + 62;
  const high = screenHeight() - top - below;
  const found = arrangement(wide, (high * halvesAcross) / number);
  arrange(found);
  // What stands around the panels is known now: the rest of the screen is theirs.
  for (let step = 0; step < 3; step++) {
    const free = (((high - main.offsetHeight) / found.cells) * halvesAcross) / number;
    const side = Math.floor(clamp(found.side + free, Math.min(leastSide(), found.widest), found.widest));
    if (Math.abs(side - found.side) < 1) break;
    found.side = side;
    arrange(found);
  }
  return high - main.offsetHeight;
};

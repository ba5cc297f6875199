// Taking in events and drawing them.

const ofShown = (half, each) =>
  half.rows.forEach((row) =>
    row.panels.forEach((panel) => {
      if (!panel.figure.hidden) each(panel);
    }),
  );
const draw = () => {
  const panels = shownHalves()
    .flatMap((half) => half.rows.flatMap((row) => row.panels))
    .filter((panel) => !panel.figure.hidden);
  panels.filter((panel) => panel.isMap).forEach((panel) => panel.drawn.draw());
  // All rows share the scale of energies, so that their heights can be compared: the original's, if
  // the others are made from it, and what goes far beyond is cut off.
  for (const kind of ["lego", "space"]) {
    const mine = panels.filter((panel) => panel.kind === kind);
    const tops = mine.map((panel) => ({ top: panel.drawn.build(), set: panel.set }));
    const top = Math.max(0, ...tops.filter(({ set }) => !paired || set === first).map((x) => x.top));
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
  requestAnimationFrame(() => {
    waiting = false;
    draw();
  });
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
          panel.keys.forEach(({ patch, channel }) => {
            patch.style.background = layerColour(channel);
          });
          panel.canvas.setAttribute(
            "aria-label",
            `${row.set.name}, ${panel.kind === "lego" ? "lego" : "view in space"}`,
          );
          continue;
        }
        const { channel, count, sum } = panel.drawn,
          [low, high] = ranges[panel.kind];
        const total = channel.signed ? "" : `, sum ${number(sum)} ${channel.unit}`;
        panel.note.textContent = `${count} hits${total}`;
        panel.canvas.setAttribute(
          "aria-label",
          `${row.set.name}, ${channel.name}: ${panel.note.textContent}`,
        );
        panel.bar.paint();
        panel.bar.ticks.replaceChildren();
        [low, channel.signed ? 0 : Math.sqrt(low * high), high].forEach((x) =>
          make("span", panel.bar.ticks, number(x)),
        );
      }
    }
  }
};
const steering = () => {
  const { event } = halves[0];
  byId("number").value = event + data.first;
  const place = order.indexOf(event),
    total = data.events;
  byId("of").replaceChildren();
  const all = `of ${data.first} to ${data.first + total - 1}`;
  const narrowed = order.length < total || chosen.sort !== "stored" || chosen.reverse;
  make(
    "span",
    byId("of"),
    !order.length
      ? "no event passes the filter"
      : !narrowed
        ? all
        : place < 0
          ? `does not pass; ${order.length} of ${total} do`
          : `${place + 1}. of ${order.length}${order.length < total ? ` that pass (${total} in all)` : ""}`,
  );
  halves.forEach((half) =>
    half.node.classList.toggle("active", shownHalves().length > 1 && half.place === active),
  );
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
  byId("told").textContent = [
    `event ${halves[place].event + data.first}`,
    ...told.map((x) => `${x.name} ${x.values[halves[place].event]} ${x.unit}`.trim()),
  ].join(", ");
  if (!inReport)
    history.replaceState(
      null,
      "",
      `#${shownHalves()
        .map((half) => half.event + data.first)
        .join(",")}`,
    );
};
const refresh = () => show(halves[active].event);

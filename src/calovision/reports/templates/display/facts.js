// What is told in words: facts above the rows, all numbers, the selected cell, the tooltip.

const chip = (parent, text, kind) => make("span", parent, text, `chip ${kind}`);
const tellFacts = ({ set, facts }, event) => {
  facts.replaceChildren();
  make("span", facts, set.name, "name");
  const named = className(set, event),
    given = score(set, event),
    right = isRight(set, event);
  if (named !== null) chip(facts, String(named), "class");
  if (typeof given === "number") {
    const mark = right === null ? "" : right ? " \u2713" : " \u2717";
    chip(
      facts,
      `P(${data.classes[1]}) ${given.toFixed(2)}${mark}`,
      right === null ? "" : right ? "right" : "wrong",
    );
  }
  if (isFlagged(set, event)) chip(facts, "\u26a0 out of domain", "flag");
  for (const [name, words] of [
    ["pt", "pT"],
    ["gen_pt", "generated pT"],
    ["m0", "mass"],
  ]) {
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
  const node = byId("columns"),
    several = shownHalves().length > 1;
  node.replaceChildren();
  byId("numbers").hidden = !names.length;
  const head = make("tr", make("thead", node)),
    body = make("tbody", node);
  make("th", head);
  for (const name of names) {
    const { unit } = data.sets.find((set) => name in set.column).column[name];
    make("th", head, unit ? `${name} [${unit}]` : name);
  }
  for (const { event } of shownHalves()) {
    for (const set of data.sets) {
      const row = make("tr", body);
      make("th", row, several ? `${data.first + event}, ${set.name}` : set.name);
      for (const name of names)
        make("td", row, name in set.column ? String(set.column[name].values[event]) : "\u2013");
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
    if (!isPhone())
      make("span", node, "Click on a cell to see it in every view.", "").style.color = "var(--soft)";
    return;
  }
  const [eta, phi] = where(selected);
  node.append(`Cell at \u03b7 ${short(eta)}, \u03c6 ${short(phi)} rad:`);
  for (const half of shownHalves()) {
    for (const { set, panels } of half.rows) {
      make("b", node, `${shownHalves().length > 1 ? `${data.first + half.event}, ` : ""}${set.name} `);
      node.append(
        panels
          .filter((x) => x.isMap)
          .map((x) => ` ${x.drawn.channel.name} ${content(set, x.drawn, selected)}`)
          .join(", "),
      );
    }
  }
};
const tip = (panel, pixel, event) => {
  const box = byId("tip");
  if (pixel < 0) {
    box.hidden = true;
    return;
  }
  const half = halves.find((x) => x.rows.some((row) => row.panels.includes(panel)));
  const [eta, phi] = where(pixel),
    place = `eta ${eta.toFixed(3)}, phi ${phi.toFixed(3)} rad from the centre`;
  let lines;
  if (panel.isMap) {
    const { channel } = panel.drawn;
    lines = [
      `${channel.name} ${channel.quantity}`,
      ...half.rows.map(
        ({ set, panels }) =>
          `${set.name}: ${content(set, panels.find((x) => x.kind === panel.kind).drawn, pixel)}`,
      ),
    ];
  } else {
    const maps = half.rows.find(({ panels }) => panels.includes(panel)).panels.filter((x) => x.isMap);
    lines = [
      panel.set.name,
      ...maps.map((x) => `${x.drawn.channel.name}: ${content(panel.set, x.drawn, pixel)}`),
    ];
  }
  box.textContent = [...lines, place].join("\n");
  box.hidden = false;
  const size = box.getBoundingClientRect();
  box.style.left = `${clamp(event.clientX + 14, 4, innerWidth - size.width - 4)}px`;
  box.style.top = `${event.clientY + 18 + size.height < innerHeight ? event.clientY + 18 : Math.max(0, event.clientY - size.height - 12)}px`;
};

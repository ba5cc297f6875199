// The page: filter and order, buttons, and the first event.

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
  for (const [key, label] of [
    ["low", "Lowest score"],
    ["high", "Highest score"],
  ]) {
    const input = make("input", byId("choice"), "", "score");
    Object.assign(input, { type: "number", min: 0, max: 1, step: 0.05, value: chosen[key] });
    input.setAttribute("aria-label", label);
    input.addEventListener("change", () => {
      chosen[key] = Number.isFinite(input.valueAsNumber) ? input.valueAsNumber : key === "low" ? 0 : 1;
      reorder();
    });
    if (key === "low") byId("choice").append("to");
  }
}
menu(
  "Order",
  Object.fromEntries(
    Object.entries(sorts).map(([name, { words }]) => [name, name === "stored" ? words : `by ${words}`]),
  ),
  "sort",
);
const reverse = make("button", byId("choice"), "\u21c5");
reverse.type = "button";
reverse.setAttribute("aria-label", "Reverse the order");
reverse.addEventListener("click", () => {
  chosen.reverse = !chosen.reverse;
  reorder();
});

const clicks = {
  back: () => show(further(halves[0].event, -1), (active = 0)),
  next: () => show(further(halves[0].event, 1), (active = 0)),
  closer: () => zoomedBy(1.5),
  wider: () => zoomedBy(1 / 1.5),
  reset: resetViews,
  theme: () => setTheme(theme === "dark" ? "light" : "dark"),
  png: keepPicture,
  phoenix: keepPhoenix,
  close: () => enlargeKind(null),
  menu: () => {
    byId("menu").setAttribute("aria-expanded", byId("more").classList.toggle("open"));
    refresh();
  },
};
for (const [id, act] of Object.entries(clicks)) byId(id).addEventListener("click", act);
for (const id of ["common", "cone", "solid", "truth"]) {
  byId(id).addEventListener("change", () => {
    options[id] = byId(id).checked;
    if (typeof focus === "string" && !options.solid) focus = null;
    refresh();
  });
}
byId("two").addEventListener("change", () => setTwo(byId("two").checked));
byId("has-cone").hidden = !data.cone;
byId("has-truth").hidden = !data.sets.some((set) => set.truth);
byId("has-solid").hidden = !hasSolid;
byId("number").min = data.first;
byId("number").max = data.first + data.events - 1;
byId("number").addEventListener("change", () =>
  show((parseInt(byId("number").value, 10) || data.first) - data.first, (active = 0)),
);
addEventListener("resize", () => {
  layout();
  draw();
});
const named = () =>
  location.hash
    .slice(1)
    .split(",")
    .map((x) => (parseInt(x, 10) || data.first) - data.first);
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
  const fit = () => {
    frameElement.style.height = `${document.documentElement.offsetHeight + 2}px`;
  };
  new ResizeObserver(fit).observe(document.documentElement);
  refresh();
}

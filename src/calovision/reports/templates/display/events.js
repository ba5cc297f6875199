// Which events are gone through, and in which order.
const first = data.sets[0];
const everyEvent = [...Array(data.events).keys()];
const isScored = data.sets.some((set) => score(set, 0) !== null);

// A choice's key to its words and to the number of an event that sorts them, largest first.
const sorts = { stored: { words: "as stored", of: (event) => -event } };
const scoredSet = data.sets.find((set) => score(set, 0) !== null);
if (isScored) {
  sorts.score = { words: `score for ${data.classes[1]}`, of: (event) => score(scoredSet, event) };
  if (isRight(scoredSet, 0) !== null) {
    sorts.wrong = {
      words: "most wrong score",
      of: (event) => Math.abs(score(scoredSet, event) - data.classes.indexOf(className(scoredSet, event))),
    };
  }
}
data.sets.forEach((set, s) => {
  if (!("emd" in set.column)) return;
  sorts[`worst${s}`] = {
    words: `worst reconstructed (${set.name})`,
    of: (event) => value(set, event, "emd"),
  };
});
for (const [name, words] of [
  ["pt", "pT"],
  ["m0", "mass"],
]) {
  if (name in first.column) sorts[name] = { words, of: (event) => value(first, event, name) };
}

const filters = {
  class: { all: "all classes", ...Object.fromEntries(data.classes.map((x) => [x, x])) },
  verdict: { all: "all scores", right: "right", wrong: "wrong", flagged: "out of domain" },
};
const chosen = { class: "all", verdict: "all", low: 0, high: 1, sort: "stored", reverse: false };
const passes = (event) => {
  if (chosen.class !== "all" && className(first, event) !== chosen.class) return false;
  if (!isScored) return true;
  const given = score(scoredSet, event);
  if (given < chosen.low || given > chosen.high) return false;
  if (chosen.verdict === "flagged") return data.sets.some((set) => isFlagged(set, event));
  return chosen.verdict === "all" || isRight(scoredSet, event) === (chosen.verdict === "right");
};
// Numbers of the events that pass, in order; what has no number comes last.
const ordered = () => {
  const { of } = sorts[chosen.sort];
  const sign = chosen.reverse ? -1 : 1;
  const key = Object.fromEntries(
    everyEvent.map((event) => {
      const found = of(event);
      return [event, typeof found === "number" ? -sign * found : Infinity];
    }),
  );
  return everyEvent.filter(passes).sort((a, b) => key[a] - key[b] || a - b);
};
let order = ordered();
// The event some steps further on in this order; at its ends it stays.
const further = (event, steps) => {
  const place = order.indexOf(event);
  if (!order.length) return event;
  return place < 0 ? order[0] : order[clamp(place + steps, 0, order.length - 1)];
};

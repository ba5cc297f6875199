// Files made in the browser: the display as a picture, and events for Phoenix.

const keep = (blob, name) => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
};
const fileName = (kind) =>
  `${data.title.split(":")[0].replace(/[^\w-]+/g, "-") || "events"}-${data.first + halves[0].event}.${kind}`;

// The rows as they stand, three times as sharp: texts and canvases are painted where the page has them.
const PICTURE = 3; // picture pixels of a CSS pixel
const picture = () => {
  const main = byId("display"),
    frame = main.getBoundingClientRect(),
    margin = 12;
  const canvas = document.createElement("canvas"),
    title = 26;
  canvas.width = PICTURE * (frame.width + 2 * margin);
  canvas.height = PICTURE * (frame.height + 2 * margin + title);
  const paint = canvas.getContext("2d");
  paint.scale(PICTURE, PICTURE);
  paint.fillStyle = getComputedStyle(document.body).backgroundColor;
  paint.fillRect(0, 0, canvas.width, canvas.height);
  paint.fillStyle = ink().soft;
  paint.font = `14px ${getComputedStyle(document.body).fontFamily}`;
  paint.fillText(
    `${data.title}, event ${shownHalves()
      .map((half) => data.first + half.event)
      .join(" and ")}`,
    margin,
    22,
  );
  paint.translate(margin - frame.left, margin + title - frame.top);
  density = PICTURE;
  draw();
  for (const node of main.querySelectorAll("*")) {
    const box = node.getBoundingClientRect(),
      style = getComputedStyle(node);
    if (!box.width || !box.height || style.visibility === "hidden" || node.closest("button, input, label"))
      continue;
    if (node.tagName === "CANVAS") {
      paint.drawImage(node, box.left, box.top, box.width, box.height);
      continue;
    }
    if (style.backgroundColor !== "rgba(0, 0, 0, 0)") {
      paint.fillStyle = style.backgroundColor;
      paint.beginPath();
      paint.roundRect(box.left, box.top, box.width, box.height, parseFloat(style.borderRadius) || 0);
      paint.fill();
    }
    for (const text of node.childNodes) {
      if (text.nodeType !== Node.TEXT_NODE || !text.data.trim()) continue;
      const range = document.createRange();
      range.selectNodeContents(text);
      const place = range.getBoundingClientRect();
      paint.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
      paint.fillStyle = style.color;
      paint.textBaseline = "middle";
      paint.textAlign = "left";
      paint.fillText(text.data, place.left, place.top + place.height / 2);
    }
  }
  density = 0;
  draw();
  return canvas;
};
const keepPicture = () => picture().toBlob((blob) => keep(blob, fileName("png")), "image/png");

// Phoenix, the event display of the HSF, reads JSON of {name of event: {type: {collection: [...]}}},
// lengths in mm, energies in MeV as its scales expect. A cell has its z beside its radius, for with
// the radius alone it would lie too near to the beam; at eta = 0 both are the same.
const MOST_EVENTS = 25;
const hex = (channel) => channel.colour.map((x) => x.toString(16).padStart(2, "0")).join("");
const rounded = (x, digits = 1) => Number(x.toFixed(digits));
const phoenixEvent = (set, event) => {
  const middle = windowMiddle(set, event);
  const found = {
    "event number": value(set, event, "event_id") ?? data.first + event,
    "run number": 0,
    Tracks: {},
    CaloCells: {},
  };
  let place = 0;
  data.channels.forEach((channel, c) => {
    if (channel.kind === "calorimeter") {
      const face = faceOf(place++),
        cells = [];
      eachHit(set, event, c, (h, row, col) => {
        const [energy, wide] = [1000 * set.energy[h], set.block[h] * pitch.phi * face[0]];
        const [eta, phi] = [middle.eta + data.eta[row], middle.phi + data.phi[col]];
        const length = Math.max(wide, Math.min(20 * set.energy[h], 1000));
        const [x, y, z] = inDetector(eta, phi, face, length / 2);
        cells.push({
          energy: rounded(energy),
          eta: rounded(eta, 5),
          phi: rounded(phi, 5),
          radius: rounded(Math.hypot(x, y)),
          ...(Math.abs(eta) > 0.03 ? { z: rounded(Math.abs(z)) } : {}),
          side: rounded(wide),
          length: rounded(length),
          color: `#${hex(channel)}`,
        });
      });
      found.CaloCells[channel.name] = cells;
    } else if (TRACKS.includes(channel.kind)) {
      const tracks = [];
      eachHit(set, event, c, (h, row, col) => {
        const [eta, phi] = [middle.eta + data.eta[row], middle.phi + data.phi[col]];
        const end = inDetector(eta, phi, channel.kind === "muon" ? data.faces.at(-1) : data.faces[0]);
        tracks.push({
          pos: [0, 0.5, 1].map((part) => end.map((x) => rounded(part * x))),
          pT: rounded(1000 * set.energy[h]),
          eta: rounded(eta, 4),
          phi: rounded(phi, 4),
          color: hex(channel),
        });
      });
      found.Tracks[channel.name] = tracks;
    }
  });
  const pt = value(set, event, "pt", "gen_pt");
  if (data.cone && typeof pt === "number") {
    const { eta, phi } = axis(set, event),
      at = { eta: middle.eta + eta, phi: middle.phi + phi };
    found.Jets = {
      Jets: [
        {
          eta: rounded(at.eta, 4),
          phi: rounded(at.phi, 4),
          coneR: data.cone,
          energy: rounded(1000 * pt * Math.cosh(at.eta)),
        },
      ],
    };
  }
  for (const [name, told] of [
    ["class", className(set, event)],
    ["score", score(set, event)],
  ]) {
    if (told !== null) found[name] = told;
  }
  return found;
};
// The shown event and those after it in the order, of every row.
const phoenix = () => {
  const found = {},
    from = Math.max(0, order.indexOf(halves[0].event));
  const events = [...new Set([...halves.filter((x) => x.isShown).map((x) => x.event), ...order.slice(from)])];
  for (const event of events.slice(0, MOST_EVENTS)) {
    for (const set of data.sets) found[`${data.first + event}, ${set.name}`] = phoenixEvent(set, event);
  }
  return found;
};
const keepPhoenix = () =>
  keep(new Blob([JSON.stringify(phoenix())], { type: "application/json" }), fileName("json"));

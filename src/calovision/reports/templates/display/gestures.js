// Mouse, touch and pen on a panel: hover, tap, drag, pinch, wheel, and a swipe from event to event.

const MOVED = 7; // px from which a touch is no tap any more
const SWIPED = 50;

// `does` has, of a panel: hover, leave, tap, enlarge, wheel(factor, x, y), pinch(factor, x, y),
// drag(dx, dy), canDrag(isTouch) and swipe(direction).
const listen = (canvas, does) => {
  const fingers = new Map();
  let start = null,
    moved = false,
    tapped = { time: -Infinity },
    spread = 0;
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const between = () => {
    const [[ax, ay], [bx, by]] = fingers.values();
    return { spread: Math.hypot(ax - bx, ay - by), x: (ax + bx) / 2, y: (ay + by) / 2 };
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button > 0) return;
    fingers.set(event.pointerId, place(event));
    canvas.setPointerCapture(event.pointerId);
    [start, moved] = [place(event), fingers.size > 1];
    if (fingers.size === 2) spread = between().spread;
  });
  canvas.addEventListener("pointermove", (event) => {
    const [x, y] = place(event),
      before = fingers.get(event.pointerId);
    if (!before) {
      if (event.pointerType === "mouse") does.hover(x, y, event);
      return;
    }
    fingers.set(event.pointerId, [x, y]);
    if (fingers.size === 2) {
      const now = between();
      if (spread > 0 && now.spread > 0) does.pinch(now.spread / spread, now.x, now.y);
      spread = now.spread;
      return;
    }
    moved ||= Math.hypot(x - start[0], y - start[1]) > MOVED;
    if (moved && does.canDrag(event.pointerType !== "mouse")) {
      does.leave();
      does.drag(x - before[0], y - before[1]);
    }
  });
  const lift = (event) => {
    if (!fingers.delete(event.pointerId) || event.type === "pointercancel" || fingers.size) return;
    const [x, y] = place(event),
      isTouch = event.pointerType !== "mouse";
    if (!moved) {
      // A mouse enlarges by a double click, a finger by a single tap where panels are small.
      const isNear = Math.hypot(x - tapped.x, y - tapped.y) < MOVED;
      const isSecond = !isTouch && isNear && event.timeStamp - tapped.time < 350;
      tapped = { time: isSecond ? -Infinity : event.timeStamp, x, y };
      if (isSecond) does.enlarge();
      else does.tap(x, y, isTouch, event);
    } else if (isTouch && !does.canDrag(true)) {
      const [dx, dy] = [x - start[0], y - start[1]];
      if (Math.abs(dx) > SWIPED && Math.abs(dx) > 2 * Math.abs(dy)) does.swipe(dx < 0 ? 1 : -1);
    }
  };
  canvas.addEventListener("pointerup", lift);
  canvas.addEventListener("pointercancel", lift);
  canvas.addEventListener("pointerleave", () => does.leave());
  canvas.addEventListener(
    "wheel",
    (event) => {
      // Inside a report the wheel scrolls, unless Ctrl is held, as a pinch on a touchpad does.
      if (inReport && focus === null && !event.ctrlKey) return;
      event.preventDefault();
      does.wheel(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0016)), ...place(event));
    },
    { passive: false },
  );
};

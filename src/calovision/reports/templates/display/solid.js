// Solid views: a camera, and a list of shapes that are painted from the far ones to the near ones.
// A canvas will do: some thousand faces are drawn in a few ms, on machines without a GPU as well.

class Camera {
  // Angles in degrees; a `distance` in units of the scene makes near things larger.
  constructor(azimuth, elevation, distance = Infinity) {
    this.start = { azimuth, elevation, zoom: 1 };
    this.distance = distance;
    this.reset();
  }

  reset() {
    Object.assign(this, this.start);
  }

  turn(dx, dy) {
    this.azimuth = (this.azimuth + dx) % 360;
    this.elevation = clamp(this.elevation + dy, -10, 90);
  }

  zoomBy(factor) {
    this.zoom = clamp(this.zoom * factor, 0.5, 12);
  }

  // Where points (right, away, up) of a scene appear around a place of the screen; larger depths
  // are further away.
  aim(x, y, scale, target = [0, 0, 0]) {
    const [a, e] = [this.azimuth, this.elevation].map((angle) => (angle * Math.PI) / 180);
    const [ca, sa, ce, se] = [Math.cos(a), Math.sin(a), Math.cos(e), Math.sin(e)];
    this.project = (point) => {
      const [right, away, up] = point.map((p, k) => p - target[k]);
      const [u, v] = [right * ca - away * sa, right * sa + away * ca];
      const depth = v * ce - up * se;
      const size =
        (scale * this.zoom) / (this.distance === Infinity ? 1 : Math.max(0.05, 1 + depth / this.distance));
      return [x + size * u, y - size * (up * ce + v * se), depth];
    };
  }
}

class Solid {
  constructor(canvas, set, camera) {
    Object.assign(this, { canvas, set, camera, shapes: [] });
  }

  resize(wide, high) {
    Object.assign(this, { wide, high, large: Math.min(wide, high) >= 165 });
  }

  // A face of projected corners; seen from behind it is left out, if `oneSided`.
  face(corners, look) {
    const points = corners.map(this.camera.project);
    const area = points.reduce((sum, [x, y], i) => {
      const [u, v] = points[(i + 1) % points.length];
      return sum + x * v - u * y;
    }, 0);
    if (look.oneSided && area >= 0) return;
    const depth = points.reduce((sum, p) => sum + p[2], 0) / points.length;
    this.shapes.push({ depth, ...look, points });
  }

  line(from, to, look) {
    const points = [from, to].map(this.camera.project);
    this.shapes.push({ depth: (points[0][2] + points[1][2]) / 2, ...look, points });
  }

  // The six faces between two four-sided ends, in a layer's colour; `depth`, if given, is of all.
  box(low, high, look) {
    const shades = [0.6, 0.74, 0.86, 0.7];
    const { layer, ...rest } = look;
    const painted = (shade) => ({ ...rest, oneSided: true, fill: layerColour(layer, shade) });
    this.face(high, painted(1.05));
    this.face([...low].reverse(), painted(0.5));
    for (let k = 0; k < 4; k++) {
      const next = (k + 1) % 4;
      this.face([low[k], low[next], high[next], high[k]], painted(shades[k]));
    }
  }

  paintShapes(paint) {
    this.shapes.sort((a, b) => b.depth - a.depth || (a.level ?? 0) - (b.level ?? 0));
    paint.lineJoin = "round";
    for (const { points, fill, stroke, wide, dash, alpha } of this.shapes) {
      paint.globalAlpha = alpha ?? 1;
      paint.beginPath();
      points.forEach(([x, y], i) => (i ? paint.lineTo(x, y) : paint.moveTo(x, y)));
      if (fill) {
        paint.closePath();
        paint.fillStyle = fill;
        paint.fill();
      }
      paint.setLineDash(dash ?? []);
      paint.lineWidth = wide ?? 0.5;
      // The rim in the fill's own colour closes hair lines between faces.
      paint.strokeStyle = stroke ?? fill;
      paint.stroke();
    }
    paint.setLineDash([]);
    paint.globalAlpha = 1;
  }

  words(paint, text, x, y, align = "center") {
    [paint.textAlign, paint.textBaseline] = [align, "middle"];
    paint.font = "11px system-ui, sans-serif";
    paint.fillStyle = ink().soft;
    paint.fillText(text, x, y);
  }

  // Pixel whose shape is the nearest one at a point of the canvas, or -1.
  pixelAt(x, y) {
    for (let i = this.shapes.length - 1; i >= 0; i--) {
      const { points, pixel, fill } = this.shapes[i];
      if (pixel === undefined) continue;
      if (fill ? isInside(points, x, y) : isNear(points, x, y)) return pixel;
    }
    return -1;
  }
}

const isInside = (points, x, y) => {
  let inside = false;
  points.forEach(([ax, ay], i) => {
    const [bx, by] = points[(i + 1) % points.length];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
  });
  return inside;
};
const isNear = ([[ax, ay], [bx, by]], x, y) => {
  const along = ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2 || 1);
  const t = clamp(along, 0, 1);
  return Math.hypot(ax + t * (bx - ax) - x, ay + t * (by - ay) - y) < 4;
};

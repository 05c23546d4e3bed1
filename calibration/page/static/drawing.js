"use strict";
// What lies on the picture: plates and card as found, and what a finger draws.  Points are in shares of the picture, 0 to 1.

const Drawing = (() => {
  const SVG = "http://www.w3.org/2000/svg";
  const $ = (id) => document.getElementById(id);
  const overlay = $("overlay"), drawn = $("drawn"), found = $("found"), grips = $("grips");
  let size = [1280, 720], tool = null, held = null, from = null, changed = () => {};
  const shapes = { lane: [], masks: [], travel: null, patch: null };
  let open = null; // the no-go polygon that points are added to

  const make = (name, attributes) => {
    const node = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    return node;
  };
  const px = ([x, y]) => [x * size[0], y * size[1]];
  const text = (points) => points.map((p) => px(p).map((v) => v.toFixed(1)).join(",")).join(" ");
  const clamp = (v) => Math.min(1, Math.max(0, v));
  const spot = (event) => {
    const box = overlay.getBoundingClientRect();
    return [clamp((event.clientX - box.left) / box.width), clamp((event.clientY - box.top) / box.height)];
  };
  const scale = () => size[0] / Math.max(1, overlay.getBoundingClientRect().width); // picture pixels in one of the screen's

  function outline(points, kind) {
    found.append(make("polygon", { points, class: "casing" }), make("polygon", { points, class: kind }));
  }

  function tag(words, x, y) {
    const height = 20 * scale(), group = make("g", { class: "tag" });
    const label = make("text", { x: x + height * 0.25, y: y - height * 0.3, "font-size": height });
    label.textContent = words;
    const wide = words.length * height * 0.62 + height * 0.5;
    group.append(make("rect", { x, y: y - height * 1.2, width: wide, height: height * 1.25, rx: height * 0.15 }), label);
    found.append(group);
  }

  function showFound(state) {
    if (state.size[0] !== size[0] || state.size[1] !== size[1]) {
      size = state.size;
      overlay.setAttribute("viewBox", `0 0 ${size[0]} ${size[1]}`);
      $("screen").style.aspectRatio = `${size[0]} / ${size[1]}`;
      showDrawn();
    }
    found.replaceChildren();
    for (const plate of state.plates) {
      outline(plate.corners.map((c) => c.join(",")).join(" "), "plate-line");
      const left = Math.min(...plate.corners.map((c) => c[0])), top = Math.min(...plate.corners.map((c) => c[1]));
      if (plate.text) tag(plate.text, left, Math.max(top - 4 * scale(), 26 * scale()));
    }
    if (state.card) {
      outline(state.card.outline.map((c) => c.join(",")).join(" "), "card-line");
      const r = Math.min(4 * scale(), state.card.width_px / 60);
      for (const [x, y] of state.card.corners) found.append(make("circle", { cx: x, cy: y, r, class: "corner" }));
    }
  }

  function grip(point, label, move, remove) {
    const [x, y] = px(point);
    const big = make("circle", { cx: x, cy: y, r: 26 * scale(), class: "grip", tabindex: 0, role: "button", "aria-label": label });
    big.addEventListener("pointerdown", (event) => {
      event.stopPropagation();
      overlay.setPointerCapture(event.pointerId);
      held = move;
    });
    big.addEventListener("keydown", (event) => {
      const step = event.shiftKey ? 0.05 : 0.01;
      const by = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
      if (by) move([clamp(point[0] + by[0]), clamp(point[1] + by[1])]);
      else if ((event.key === "Delete" || event.key === "Backspace") && remove) remove();
      else return;
      event.preventDefault();
      const place = [...grips.querySelectorAll(".grip")].indexOf(big);
      showDrawn();
      const again = grips.querySelectorAll(".grip")[place];
      if (again) again.focus();
      changed(true);
    });
    grips.append(big, make("circle", { cx: x, cy: y, r: 9 * scale() }));
  }

  function gripsOf(points, name) {
    points.forEach((point, n) =>
      grip(point, `${name}, point ${n + 1} of ${points.length}: arrow keys move it, Delete removes it`,
        (to) => { points[n] = to; }, () => points.splice(n, 1)));
  }

  function showDrawn() {
    drawn.replaceChildren();
    grips.replaceChildren();
    if (shapes.lane.length) drawn.append(make(shapes.lane.length > 2 ? "polygon" : "polyline", { points: text(shapes.lane), class: "lane" }));
    for (const mask of shapes.masks) drawn.append(make(mask.length > 2 ? "polygon" : "polyline", { points: text(mask), class: "mask" }));
    if (shapes.travel) {
      const [[x1, y1], [x2, y2]] = shapes.travel.map(px);
      drawn.append(make("line", { x1, y1, x2, y2, class: "casing" }), make("line", { x1, y1, x2, y2, class: "travel" }));
    }
    if (shapes.patch && (tool === "patch" || document.body.dataset.step === "focus")) {
      const [x, y, w, h] = shapes.patch;
      drawn.append(make("polygon", { points: text([[x, y], [x + w, y], [x + w, y + h], [x, y + h]]), class: "patch" }));
    }
    if (tool === "lane") gripsOf(shapes.lane, "Lane");
    if (tool === "mask") shapes.masks.forEach((mask, n) => gripsOf(mask, `No-go area ${n + 1}`));
    if (tool === "travel" && shapes.travel) {
      grip(shapes.travel[0], "Where traffic comes from: arrow keys move it", (to) => { shapes.travel[0] = to; });
      grip(shapes.travel[1], "Where traffic goes: arrow keys move it", (to) => { shapes.travel[1] = to; });
    }
    if (tool === "patch" && shapes.patch) {
      const patch = shapes.patch;
      grip([patch[0] + patch[2] / 2, patch[1] + patch[3] / 2], "Focus patch: arrow keys move it", ([x, y]) => {
        patch[0] = clamp(Math.min(1 - patch[2], x - patch[2] / 2));
        patch[1] = clamp(Math.min(1 - patch[3], y - patch[3] / 2));
      });
    }
  }

  const rectangle = ([ax, ay], [bx, by]) => [Math.min(ax, bx), Math.min(ay, by), Math.abs(ax - bx), Math.abs(ay - by)];

  overlay.addEventListener("pointerdown", (event) => {
    if (!tool || !event.isPrimary) return;
    event.preventDefault();
    overlay.setPointerCapture(event.pointerId);
    from = spot(event);
  });
  overlay.addEventListener("pointermove", (event) => {
    if (held) held(spot(event));
    else if (from && tool === "travel") shapes.travel = [from, spot(event)];
    else if (from && tool === "patch") shapes.patch = rectangle(from, spot(event));
    else return;
    showDrawn();
  });
  overlay.addEventListener("pointerup", (event) => {
    const at = spot(event);
    if (held) held = null;
    else if (from && tool === "lane") addPoint(at);
    else if (from && tool === "mask") {
      const [x, y, w, h] = rectangle(from, at);
      if (w > 0.02 && h > 0.02) { shapes.masks.push([[x, y], [x + w, y], [x + w, y + h], [x, y + h]]); open = null; }
      else addPoint(at);
    } else if (from && tool === "travel" && !(shapes.travel && Math.hypot(at[0] - from[0], at[1] - from[1]) > 0.03)) shapes.travel = null;
    else if (from && tool === "patch") {
      const [x, y, w, h] = rectangle(from, at);
      if (w < 0.02 || h < 0.02) shapes.patch = [clamp(at[0] - 0.06), clamp(at[1] - 0.05), 0.12, 0.1];
    } else if (!from) return;
    from = null;
    showDrawn();
    changed(true);
  });
  overlay.addEventListener("pointercancel", () => { held = from = null; });

  function addPoint(at) {
    if (tool === "lane") { if (shapes.lane.length < 24) shapes.lane.push(at); return; }
    if (tool !== "mask") return;
    if (!open || !shapes.masks.includes(open)) { open = []; shapes.masks.push(open); }
    if (open.length < 24) open.push(at);
  }

  return {
    shapes,
    showFound,
    showDrawn,
    onChange: (act) => { changed = act; },
    use: (name) => {
      tool = name; open = null;
      document.body.classList.toggle("drawing", Boolean(name));
      showDrawn();
    },
    tool: () => tool,
    add: () => { // without a finger: points in turn at the corners of a square, to be moved by the arrow keys
      const ring = [[0.3, 0.3], [0.7, 0.3], [0.7, 0.7], [0.3, 0.7], [0.5, 0.5]];
      if (tool === "travel") shapes.travel = shapes.travel || [[0.5, 0.3], [0.5, 0.7]];
      else addPoint([...ring[((tool === "lane" ? shapes.lane : open || []).length) % ring.length]]);
      showDrawn();
      changed(true);
    },
    undo: () => {
      if (tool === "lane") shapes.lane.pop();
      else if (tool === "mask") shapes.masks.pop();
      else shapes.travel = null;
      showDrawn();
      changed(true);
    },
    clear: () => {
      if (tool === "lane") shapes.lane.length = 0;
      else if (tool === "mask") shapes.masks.length = 0;
      else shapes.travel = null;
      showDrawn();
      changed(true);
    },
  };
})();

"use strict";
// One loop asks the unit for its state and the picture that belongs to it, draws both, and asks again: as fast as the tablet
// draws, never faster.

const $ = (id) => document.getElementById(id);
const STEPS = [["aim", "Aim"], ["focus", "Focus"], ["lane", "Lane"], ["card", "Card"], ["predict", "Predict"], ["proof", "Drive-by"], ["save", "Save"]];
const VERDICTS = { PASS: "on target", WARN: "works, with loss", FAIL: "will not do", UNKNOWN: "not measured" };
const OF_STEP = {
  aim: ["plate_width", "stroke", "horizontal_angle", "vertical_angle", "angle_sum", "roll"],
  focus: ["focus", "focus_shift", "mtf", "blur", "shutter", "contrast", "noise", "clipped", "crushed"],
  card: ["frames_on_plate", "frame_rate"],
};
let state = null, step = "aim", acted = 0, over = false, busy = false, restored = false;

/* Talking to the unit */
class Refusal extends Error {}

async function ask(path, options) {
  const answer = await fetch(path, { cache: "no-store", credentials: "same-origin", ...options });
  if (answer.ok) return answer;
  let trouble = { error: `The unit answered ${answer.status}.`, over: false };
  try { trouble = await answer.json(); } catch { /* no words of its own */ }
  if (trouble.over) end(trouble.error);
  throw new Refusal(trouble.error);
}

async function does(name, message, done) {
  try {
    const answer = await ask(`/do/${name}`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(message || {}) });
    say(done || "");
    const next = await answer.json(), { serial, size, plates } = state; // what was done, on the picture that is shown
    acted = performance.now();
    show({ ...next, serial, size, plates });
    return true;
  } catch (error) {
    say(error instanceof Refusal ? error.message : "The unit does not answer. Is the tablet still in its network?");
    return false;
  }
}

function end(words) {
  over = true;
  alarm(words);
  $("picture").removeAttribute("src");
  $("dark").textContent = words;
  $("dark").hidden = false;
  for (const each of document.querySelectorAll("main button, main input, main textarea, footer button")) each.disabled = true;
}

const say = (words) => { $("said").textContent = words; };
const alarm = (words) => { const box = $("alert"); if (box.textContent !== words) box.textContent = words; box.hidden = !words; };
const pause = (ms) => new Promise((then) => setTimeout(then, ms));

async function look() {
  let silent = 0, address = "";
  while (!over) {
    try {
      const asked = performance.now();
      const next = await (await ask(`/state?after=${state ? state.serial : -1}`)).json();
      silent = 0;
      if (asked < acted) continue; // older than what was done meanwhile
      if (next.serial >= 0 && next.serial !== (state ? state.serial : -1)) {
        const image = $("picture"), old = address;
        address = URL.createObjectURL(await (await ask(`/picture/${next.serial}`)).blob());
        image.src = address;
        await image.decode().catch(() => {});
        if (old) URL.revokeObjectURL(old);
      }
      show(next);
      if (document.hidden) await pause(1000);
    } catch (error) {
      if (over) return;
      silent += error instanceof Refusal ? 0 : 1;
      if (silent > 1) alarm("The unit does not answer. Is the tablet still in its network? It is tried again by itself.");
      await pause(500);
    }
  }
}

/* Showing */
const number = (value, digits) => value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
function shown(measure) {
  const digits = (v) => (Math.abs(v) >= 100 || Number.isInteger(v) ? 0 : Math.abs(v) >= 1 ? 1 : 2);
  if (measure.name === "shutter" && measure.value) return `1/${number(1 / measure.value, 0)}`;
  if (measure.value !== null) return number(measure.value, digits(measure.value));
  if (measure.low !== null && measure.high !== null) return `${number(measure.low, 0)} to ${number(measure.high, 0)}`;
  return "–";
}
const named = (name) => name.replaceAll("_", " ").replace(/^./, (c) => c.toUpperCase()).replace(/\bmtf\b/i, "MTF");
const capital = (words) => words.replace(/^./, (c) => c.toUpperCase());
const percent = (share) => `${Math.round(share * 100)} %`;

function node(name, text, attributes = {}) {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
function sign(verdict) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg"), use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.setAttribute("class", "sign"); svg.setAttribute("role", "img");
  svg.append(use);
  turnSign(svg, verdict);
  return svg;
}
function turnSign(svg, verdict) {
  svg.dataset.verdict = verdict;
  svg.setAttribute("aria-label", VERDICTS[verdict]);
  svg.firstChild.setAttribute("href", `#${verdict}`);
}
const put = (element, words) => { if (element.textContent !== words) element.textContent = words; };

function showMeasures(box, measures) {
  const rows = new Map([...box.children].map((row) => [row.dataset.name, row]));
  measures.forEach((measure, place) => {
    let row = rows.get(measure.name);
    if (!row) {
      row = node("div", "", { class: "measure", "data-name": measure.name });
      row.append(sign("UNKNOWN"), node("span", named(measure.name), { class: "name" }), node("span", "", { class: "value" }),
        node("span", "", { class: "target" }), node("p", "", { class: "words" }));
    }
    rows.delete(measure.name);
    if (box.children[place] !== row) box.insertBefore(row, box.children[place] || null);
    row.dataset.verdict = measure.verdict;
    turnSign(row.children[0], measure.verdict);
    const value = row.children[2], text = `${shown(measure)} ${measure.unit}`;
    if (value.textContent !== text) value.replaceChildren(shown(measure), node("small", ` ${measure.unit}`));
    put(row.children[3], `target ${measure.target}`);
    put(row.children[4], measure.words);
    row.title = measure.source;
  });
  for (const row of rows.values()) row.remove();
}

function show(next) {
  if (state && state.job && !next.job && next.trouble) say(next.trouble);
  state = next;
  if (!restored) restore();
  put($("camera"), state.camera);
  put($("left"), `${Math.ceil(state.left_s / 60)} min`);
  const sees = state.state === "live";
  alarm(state.state === "lost" ? `No picture: ${state.why}` : state.state === "barred" ? `The unit captures nothing here and now: rule ${state.why}` : "");
  $("dark").hidden = sees;
  put($("dark"), state.state === "waiting" ? "Waiting for the first picture …" : state.state === "barred" ? "Capture is forbidden here" : "No picture");
  const light = { day: "daylight", infrared: "infra-red" }[state.light] || "";
  put($("about"), sees ? [`${state.size[0]} × ${state.size[1]}`, state.fps ? `${number(state.fps, 0)} pictures a second` : "", light, state.lens].filter(Boolean).join(" · ") : " ");
  Drawing.showFound(sees ? state : { ...state, plates: [], card: null });
  showSteps();
  showMeasures(document.querySelector('[data-measures="all"]'), state.measures);
  for (const name of ["aim", "focus"]) {
    const wanted = state.measures.filter((m) => OF_STEP[name].includes(m.name));
    showMeasures(document.querySelector(`[data-measures="${name}"]`), wanted);
  }
  const roadwise = state.measures.filter((m) => OF_STEP.card.includes(m.name));
  showMeasures(document.querySelector('[data-measures="geometry"]'), state.cards.length ? state.geometry.concat(roadwise) : []);
  const count = (verdict) => state.measures.filter((m) => m.verdict === verdict).length;
  put($("tally"), state.measures.length ? `${count("PASS")} on target, ${count("WARN")} with loss, ${count("FAIL")} will not do, ${count("UNKNOWN")} not measured` : "none yet");
  turn("aim", state.turn.aim); turn("focus", state.turn.focus); turn("card", state.turn.card); turn("proof", state.turn.proof);
  showFocus(); showLane(); showCards(); showPrediction(); showProof(); showSaved();
}

function turn(name, words) {
  const good = !words && state.steps[name] === "PASS";
  $(`turn-${name}`).dataset.verdict = good ? "PASS" : "";
  put($(`turn-${name}`), good ? "✓ On target" : words || "");
}

function showSteps() {
  STEPS.forEach(([name], n) => {
    const button = $("steps").children[n].firstChild, verdict = state.steps[name];
    const mark = button.firstChild;
    if (verdict && mark.tagName !== "svg") mark.replaceWith(sign(verdict));
    else if (verdict) turnSign(mark, verdict);
    else if (mark.tagName === "svg") mark.replaceWith(node("span", String(n + 1), { class: "number" }));
  });
}

function showFocus() {
  const focus = state.focus, best = $("of-best"), bar = $("bar");
  put(best, focus.of_best === null ? "–" : String(Math.round(focus.of_best * 100)));
  const share = focus.of_best === null ? 0 : Math.round(focus.of_best * 100);
  bar.firstElementChild.style.width = `${share}%`;
  bar.setAttribute("aria-valuenow", share);
  bar.dataset.verdict = focus.of_best === null ? "UNKNOWN" : share >= 90 ? "PASS" : share >= 70 ? "WARN" : "FAIL";
  $("course").firstElementChild.setAttribute("points", focus.course.map((v, n) => `${(n * 300 / Math.max(1, focus.course.length - 1)).toFixed(1)},${(58 - v * 56).toFixed(1)}`).join(" "));
  put($("patch-hint"), focus.patch ? "Measured on the dashed patch." : "Measured on the plate or card, wherever it is.");
  if (Drawing.tool() !== "patch") Drawing.shapes.patch = focus.patch ? [...focus.patch] : null;
}

function showLane() {
  const rows = [];
  const { lane, masks, travel } = Drawing.shapes;
  put($("turn-lane"), { lane: lane.length < 3 ? "Tap the lane’s corners on the picture, one after the other." : "Drag a corner to move it, tap to add one.",
    mask: "Draw a box with a finger over what must not be read.", travel: "Draw an arrow the way cars go." }[chosenTool()]);
  rows.push(lane.length ? `Lane: ${lane.length} points` : "Lane: not drawn; the whole picture counts");
  masks.forEach((mask, n) => rows.push(`No-go area ${n + 1}: ${mask.length} points`));
  rows.push(travel ? "Travel: drawn" : "Travel: not drawn");
  list($("drawings"), rows);
}

function list(box, rows) {
  while (box.children.length > rows.length) box.lastChild.remove();
  rows.forEach((words, n) => {
    if (!box.children[n]) box.append(node("li"));
    put(box.children[n], words);
  });
}

function showCards() {
  const box = $("cards");
  while (box.children.length > state.cards.length) box.lastChild.remove();
  state.cards.forEach((card, n) => {
    if (!box.children[n]) {
      const row = node("li");
      row.append(node("img", "", { src: `/card/${card.number}`, alt: `The card at the ${card.place} edge` }), node("span"));
      box.append(row);
    }
    const row = box.children[n];
    if (row.dataset.number !== String(card.number)) { row.dataset.number = card.number; row.firstChild.src = `/card/${card.number}`; }
    const where = card.distance_m === null ? "" : `${number(card.distance_m, 2)} m (${number(card.distance_m / 0.3048, 1)} ft), `;
    put(row.lastChild, `${card.place[0].toUpperCase()}${card.place.slice(1)}: ${where}${number(card.width_px, 0)} px${card.angles ? `, ${card.angles}` : ""}`);
  });
  const findings = $("findings");
  findings.replaceChildren(...state.findings.map((finding) => { const row = node("li"); row.append(node("b", finding.what), finding.cure); return row; }));
  $("forget-cards").disabled = !state.cards.length;
  for (const each of document.querySelectorAll("[data-capture]")) each.disabled = busy || !state.card;
}

function showPrediction() {
  const working = state.job === "predict";
  $("predict").disabled = working || !state.can_predict;
  $("predicting").hidden = !working;
  $("predicted").hidden = !state.prediction;
  if (!state.prediction) return;
  const told = state.prediction;
  put($("exact"), String(Math.round(told.exact.share * 100)));
  put($("exact-interval"), `surely ${percent(told.exact.low)} to ${percent(told.exact.high)}, from ${told.exact.total} rendered plates`);
  put($("predict-words"), capital(told.words) + ".");
  if ($("curves").dataset.of === state.prediction_number.toString()) return;
  $("curves").dataset.of = state.prediction_number;
  $("curves").replaceChildren(...told.curves.map(curve));
}

const QUANTITY = { width_px: ["Plate width", "px"], yaw: ["Angle sideways", "°"], blur_px: ["Blur", "px"] };
function curve(told) {
  const [title, unit] = QUANTITY[told.quantity] || [named(told.quantity), ""];
  const figure = node("figure", "", { class: "curve" }), W = 380, H = 170, left = 58, right = 14, top = 12, foot = 26;
  const xs = told.points.map((p) => p.value).concat(told.today), low = Math.min(...xs), high = Math.max(...xs);
  const x = (v) => left + ((v - low) / Math.max(1e-9, high - low)) * (W - left - right), y = (v) => top + (1 - v) * (H - top - foot);
  const SVG = "http://www.w3.org/2000/svg", svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${W} ${H}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", `${title}: ${told.points.map((p) => `${number(p.value, 1)} ${unit} ${percent(p.exact.share)}`).join(", ")}; today ${number(told.today, 1)} ${unit}`);
  const draw = (name, attributes, words) => {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (words) made.textContent = words;
    svg.append(made);
  };
  for (const v of [0, 0.5, 1]) {
    draw("line", { class: "grid", x1: left, x2: W - right, y1: y(v), y2: y(v) });
    draw("text", { x: left - 6, y: y(v) + 5, "text-anchor": "end" }, percent(v));
  }
  const pts = (pick) => told.points.map((p) => `${x(p.value).toFixed(1)},${y(pick(p)).toFixed(1)}`);
  draw("polygon", { class: "band", points: pts((p) => p.exact.high).concat(pts((p) => p.exact.low).reverse()).join(" ") });
  draw("polyline", { class: "line", points: pts((p) => p.exact.share).join(" ") });
  draw("line", { class: "today", x1: x(told.today), x2: x(told.today), y1: top, y2: H - foot });
  const side = x(told.today) > W / 2 ? "end" : "start";
  draw("text", { x: x(told.today) + (side === "end" ? -6 : 6), y: H - foot - 8, "text-anchor": side }, "today");
  draw("text", { x: left, y: H - 6 }, `${number(low, low % 1 ? 1 : 0)} ${unit}`);
  draw("text", { x: W - right, y: H - 6, "text-anchor": "end" }, `${number(high, high % 1 ? 1 : 0)} ${unit}`);
  figure.append(node("figcaption", `${title}: how many plates would be read exactly`), svg);
  return figure;
}

function showProof() {
  const proof = state.proof;
  $("prove").hidden = proof.running;
  $("end-proof").hidden = !proof.running;
  $("known").disabled = proof.running;
  $("proved-big").hidden = !proof.share;
  if (proof.share) {
    put($("proved"), `${proof.share.hits}/${proof.share.total}`);
    put($("proved-of"), proof.running ? "read exactly so far" : `read exactly, surely ${percent(proof.share.low)} to ${percent(proof.share.high)}`);
  }
  list($("passes"), proof.passes);
}

function showSaved() {
  list($("summary"), state.summary);
  $("save").disabled = busy || state.job === "save" || !state.can_save;
  $("saved").hidden = !state.saved;
  if (!state.saved) return;
  put($("record-id"), state.saved.id);
  put($("saved-where"), state.saved.words);
}

/* Doing */
function go(name) {
  step = name;
  document.body.dataset.step = name;
  for (const [each] of STEPS) $(`step-${each}`).hidden = each !== name;
  STEPS.forEach(([each], n) => {
    const button = $("steps").children[n].firstChild;
    if (each === name) { button.setAttribute("aria-current", "step"); button.scrollIntoView({ block: "nearest", inline: "center" }); }
    else button.removeAttribute("aria-current");
  });
  const at = STEPS.findIndex(([each]) => each === name);
  $("back").disabled = at === 0;
  $("next").disabled = at === STEPS.length - 1;
  put($("next"), at < STEPS.length - 1 ? `Next: ${STEPS[at + 1][1]}` : "Done");
  put($("back"), at ? `Back: ${STEPS[at - 1][1]}` : "Back");
  say("");
  $("patch").setAttribute("aria-pressed", "false");
  Drawing.use(name === "lane" ? chosenTool() : null);
  if (state) does("watch-focus", { on: name === "focus" });
  document.querySelector(".panel").scrollTop = 0;
  const panel = document.querySelector(".panel");
  if (panel.getBoundingClientRect().top < 0) window.scrollTo({ top: 0 });
}
const chosenTool = () => document.querySelector('[data-tool][aria-pressed="true"]').dataset.tool;

function restore() { // what the unit knows already, after the page was loaded again
  restored = true;
  const { settings } = state;
  $("speed").value = Math.round(settings.speed_mph);
  if (settings.exposure_s) $("shutter").value = Math.round(1 / settings.exposure_s);
  if (settings.field_of_view_deg) $("fov").value = settings.field_of_view_deg;
  if (settings.ruler_mm) $("ruler").value = settings.ruler_mm;
  if (settings.tape_m) $("tape").value = settings.tape_m;
  Drawing.shapes.lane.push(...state.lane);
  Drawing.shapes.masks.push(...state.masks);
  Drawing.shapes.travel = state.travel;
  Drawing.showDrawn();
}

let sending = 0;
Drawing.onChange(() => {
  clearTimeout(sending);
  sending = setTimeout(() => {
    if (Drawing.tool() === "patch") {
      const p = Drawing.shapes.patch;
      if (p) does("patch", { corner: [p[0], p[1]], size: [p[2], p[3]] });
      return;
    }
    const { lane, masks, travel } = Drawing.shapes;
    does("draw", { lane: lane.length > 2 ? lane : null, masks: masks.filter((m) => m.length > 2), travel });
  }, 300);
});

function settings() {
  const value = (id) => (Number($(id).value) > 0 ? Number($(id).value) : null);
  const speed = value("speed");
  if (speed) does("settings", { speed_mph: speed, exposure_s: value("shutter") ? 1 / value("shutter") : null, field_of_view_deg: value("fov"), ruler_mm: value("ruler"), tape_m: value("tape") });
}

STEPS.forEach(([name, word], n) => {
  const item = node("li"), button = node("button", "", { type: "button" });
  button.append(node("span", String(n + 1), { class: "number" }), node("span", word, { class: "word" }));
  button.addEventListener("click", () => go(name));
  item.append(button);
  $("steps").append(item);
});
$("next").addEventListener("click", () => go(STEPS[STEPS.findIndex(([n]) => n === step) + 1][0]));
$("back").addEventListener("click", () => go(STEPS[STEPS.findIndex(([n]) => n === step) - 1][0]));
for (const id of ["speed", "shutter", "fov", "ruler", "tape"]) $(id).addEventListener("change", settings);
for (const button of document.querySelectorAll("[data-tool]")) button.addEventListener("click", () => {
  for (const each of document.querySelectorAll("[data-tool]")) each.setAttribute("aria-pressed", String(each === button));
  Drawing.use(button.dataset.tool);
});
$("add").addEventListener("click", Drawing.add);
$("undo").addEventListener("click", Drawing.undo);
$("clear").addEventListener("click", Drawing.clear);
$("patch").addEventListener("click", () => {
  const on = $("patch").getAttribute("aria-pressed") !== "true";
  $("patch").setAttribute("aria-pressed", String(on));
  if (on && !Drawing.shapes.patch) Drawing.shapes.patch = [0.44, 0.45, 0.12, 0.1];
  Drawing.use(on ? "patch" : null);
  if (on) say("Draw a patch on the picture with a finger, on something with edges at the plates’ distance.");
});
$("patch-auto").addEventListener("click", () => { $("patch").setAttribute("aria-pressed", "false"); Drawing.use(null); does("patch", {}, "Measured on the plate or card now."); });
$("focus-again").addEventListener("click", () => does("focus-again", {}, "The best is forgotten; turn through the sharpest point again."));
for (const button of document.querySelectorAll("[data-capture]")) button.addEventListener("click", async () => {
  busy = true;
  button.disabled = true;
  say("Hold still …");
  await does("capture", { place: button.dataset.capture }, `Taken: ${button.dataset.capture}.`);
  busy = false;
});
$("forget-cards").addEventListener("click", () => does("forget-cards", {}, "All cards are forgotten."));
$("predict").addEventListener("click", () => does("predict"));
$("prove").addEventListener("click", () => {
  const passes = $("known").value.split(/[\n,;]+/).map((p) => p.trim().toUpperCase()).filter(Boolean).join("\n");
  if (!passes) { say("Type the plates that will drive by first."); return; }
  does("prove", { passes });
});
$("end-proof").addEventListener("click", () => does("end-proof"));
$("save").addEventListener("click", async () => {
  const technician = $("technician").value.trim();
  if (!technician) { say("Type your name first: it stands in the record."); $("technician").focus(); return; }
  busy = true;
  await does("save", { technician }, "");
  busy = false;
});
window.addEventListener("resize", () => Drawing.showDrawn());
go("aim");
look();

// The page of a run: asks for news, and draws them.
"use strict";

const EVERY = 700; // milliseconds between two questions
const COLOURS = ["#b54708", "#0b7d5a", "#7b4fb5", "#b5344f", "#2f7fc1", "#8a7a12", "#a0439c", "#4c8c2b", "#c26a1a", "#5566cc"];
const LABELS = { waiting: "waiting", preparing: "preparing", running: "running", finished: "finished", stopped: "stopped", failed: "failed" };

const part = (id) => document.getElementById(id);
let run = 0;
let since = 0;
let rows = [];
let shown = 0;
let loading = false;
let phase = "waiting";

function text(id, words) {
  const node = part(id);
  if (node.textContent !== words) node.textContent = words;
}

function figures(value) {
  return Number(value).toPrecision(3);
}

function duration(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

function element(kind, attributes, words) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", kind);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (words !== undefined) node.textContent = words;
  return node;
}

function total(row) {
  return Object.values(row.losses).reduce((sum, one) => sum + one, 0);
}

// Names of terms, and how each reads a row; the sum of all comes first.
function lines() {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row.losses)))];
  const found = [["loss", total, "var(--ink)"]];
  names.forEach((name, at) => found.push([name, (row) => row.losses[name], COLOURS[at % COLOURS.length]]));
  return found;
}

function drawCurve() {
  const [left, right, top, bottom] = [40, 314, 8, 158];
  const all = lines();
  const values = rows.flatMap((row) => all.map(([, read]) => read(row))).filter((one) => one > 0);
  if (rows.length < 2 || values.length === 0) return;
  const high = Math.log10(Math.max(...values));
  const low = Math.max(Math.log10(Math.min(...values)), high - 6);
  const [first, last] = [rows[0].step, rows[rows.length - 1].step];
  const x = (step) => left + ((right - left) * (step - first)) / Math.max(1, last - first);
  const y = (value) => bottom - ((bottom - top) * (Math.max(Math.log10(value), low) - low)) / Math.max(1e-6, high - low);
  const drawn = [];
  const powers = [];
  for (let power = Math.ceil(low); power <= Math.floor(high); power += 1) powers.push(power);
  for (const power of powers) {
    const at = y(10 ** power);
    drawn.push(element("line", { x1: left, x2: right, y1: at, y2: at, class: "axis" }));
    drawn.push(element("text", { x: left - 5, y: at + 4, "text-anchor": "end" }, power < -3 ? `1e${power}` : String(10 ** power)));
  }
  rows.forEach((row, at) => {
    if (at && row.scale !== rows[at - 1].scale)
      drawn.push(element("line", { x1: x(row.step), x2: x(row.step), y1: top, y2: bottom, class: "axis", "stroke-dasharray": "3 3" }));
  });
  drawn.push(element("text", { x: left, y: 174 }, `step ${first}`));
  drawn.push(element("text", { x: right, y: 174, "text-anchor": "end" }, String(last)));
  for (const [, read, colour] of all.slice().reverse()) {
    const points = rows.filter((row) => read(row) > 0).map((row) => `${x(row.step).toFixed(1)},${y(read(row)).toFixed(1)}`);
    drawn.push(element("polyline", { points: points.join(" "), style: `stroke: ${colour}` }));
  }
  part("curve").replaceChildren(...drawn);
  const now = rows[rows.length - 1];
  const named = all.flatMap(([name, read, colour]) => {
    const term = document.createElement("dt");
    term.textContent = name;
    term.style.setProperty("--colour", colour);
    const value = document.createElement("dd");
    value.textContent = read(now) === undefined ? "" : figures(read(now));
    return [term, value];
  });
  part("terms").replaceChildren(...named);
  part("losses").hidden = false;
}

async function showImage(step) {
  if (loading || step === shown) return;
  loading = true;
  try {
    const answer = await fetch(`/image?step=${step}`);
    if (!answer.ok) return;
    const image = part("image");
    const old = image.src;
    image.src = URL.createObjectURL(await answer.blob());
    await image.decode();
    if (old) URL.revokeObjectURL(old);
    image.hidden = false;
    part("empty").hidden = true;
    shown = step;
  } finally {
    loading = false;
  }
}

function showFacts(facts) {
  const nodes = Object.entries(facts).flatMap(([name, words]) => {
    const block = document.createElement("div");
    const term = document.createElement("dt");
    const value = document.createElement("dd");
    [term.textContent, value.textContent] = [name, words];
    block.append(term, value);
    return [block];
  });
  part("facts").replaceChildren(...nodes);
  part("about").hidden = nodes.length === 0;
}

function show(news) {
  if (news.run !== run) {
    [run, rows, shown] = [news.run, [], 0];
    part("losses").hidden = true;
    showFacts(news.facts);
  }
  phase = news.phase;
  text("title", news.title);
  text("phase", LABELS[phase]);
  part("phase").className = phase;
  const busy = phase === "running" || phase === "preparing";
  part("stop").disabled = !busy;
  if (part("begin")) part("begin").querySelector("button").disabled = busy;
  text("left", news.left === null ? "" : `about ${duration(news.left)} left`);
  const state = news.state;
  part("share").value = state ? state.share : 0;
  const words = state
    ? `step ${state.step} of ${state.steps}, scale ${state.scale + 1} of ${state.scales}, ${state.width} x ${state.height}`
    : "";
  text("words", [words, news.note].filter(Boolean).join("; "));
  document.title = state && busy ? `${Math.floor(100 * state.share)} % gramstyle` : "gramstyle";
  if (news.rows.length) {
    rows.push(...news.rows);
    if (rows.length > 2000) rows = rows.filter((_, at) => at % 2 === 0 || at === rows.length - 1);
    drawCurve();
  }
  since = state ? state.step : 0;
  if (state) showImage(state.step);
}

async function ask() {
  try {
    const answer = await fetch(`/news?run=${run}&since=${since}`);
    const before = phase;
    show(await answer.json());
    if (before !== phase) await showResults();
  } catch (error) {
    part("stop").disabled = true;
    text("left", "");
    text("words", "The program has ended; what it wrote is in its files.");
  }
  setTimeout(ask, EVERY);
}

async function showResults() {
  if (!part("results")) return;
  const found = await (await fetch("/results")).json();
  const nodes = found.map((one) => {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = `/results/${encodeURIComponent(one.name)}`;
    const image = document.createElement("img");
    image.loading = "lazy";
    image.alt = one.name;
    if (one.drawn) {
      image.src = `${link.href}?of=${one.changed}`;
      link.append(image);
    }
    const name = document.createElement("span");
    name.className = "name";
    name.textContent = one.name;
    link.append(name);
    item.append(link);
    if (one.manifest) {
      const manifest = document.createElement("a");
      manifest.href = `/results/${encodeURIComponent(one.manifest)}`;
      manifest.textContent = "how it was made";
      item.append(manifest);
    }
    if (one.unfinished) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = "Go on";
      button.disabled = phase === "running" || phase === "preparing";
      button.addEventListener("click", () => begin(`${link.href}/resume`));
      item.append(" ", button);
    }
    return item;
  });
  part("results").replaceChildren(...nodes);
  part("gallery").hidden = nodes.length === 0;
}

async function begin(place, body) {
  const errors = part("errors");
  errors.hidden = true;
  const answer = await fetch(place, { method: "POST", body });
  if (!answer.ok) {
    errors.textContent = (await answer.json()).error;
    errors.hidden = false;
  }
}

part("stop").addEventListener("click", () => {
  part("stop").disabled = true;
  fetch("/stop", { method: "POST" });
});
if (part("begin")) {
  part("begin").addEventListener("submit", (event) => {
    event.preventDefault();
    begin("/runs", new FormData(event.target));
  });
  showResults();
}
ask();

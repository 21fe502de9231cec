"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const memory = "selfplay-review-" + data.draw;
const labels = recall();
let place = Math.max(0, data.samples.findIndex((sample) => !labels[sample.id]?.label));

function recall() {
  try { return JSON.parse(localStorage.getItem(memory)) ?? {}; } catch { return {}; }
}

function remember() {
  try { localStorage.setItem(memory, JSON.stringify(labels)); } catch { /* kept in this page alone */ }
}

function show() {
  const sample = data.samples[place];
  for (const part of ["task", "prompt", "reference", "completion"]) {
    document.getElementById(part).textContent = sample[part];
  }
  const said = labels[sample.id] ?? {};
  document.getElementById("note").value = said.note ?? "";
  for (const button of document.querySelectorAll("[data-label]")) {
    button.setAttribute("aria-pressed", String(button.dataset.label === said.label));
  }
  const done = data.samples.filter((one) => labels[one.id]?.label).length;
  document.getElementById("progress").textContent = `${place + 1} of ${data.samples.length}, ${done} labelled`;
}

function move(steps) {
  place = Math.min(data.samples.length - 1, Math.max(0, place + steps));
  show();
  scrollTo(0, 0);
}

function say(label) {
  const id = data.samples[place].id;
  labels[id] = { ...labels[id], label };
  remember();
  show();
  if (place + 1 < data.samples.length) move(1);
}

function save() {
  const rows = data.samples.filter((one) => labels[one.id]?.label).map((one) => ({ id: one.id, ...labels[one.id] }));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify({ draw: data.draw, labels: rows })]));
  link.download = "labels.json";
  link.click();
}

const keys = {
  r: () => say("right"), w: () => say("wrong"), u: () => say("unsure"), s: save,
  ArrowLeft: () => move(-1), ArrowRight: () => move(1),
};
document.addEventListener("keydown", (event) => {
  if (event.target.id === "note") {
    if (event.key === "Enter" || event.key === "Escape") event.target.blur();
  } else if (keys[event.key] && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    keys[event.key]();
  }
});
document.getElementById("note").addEventListener("change", (event) => {
  const id = data.samples[place].id;
  labels[id] = { ...labels[id], note: event.target.value };
  remember();
});
for (const button of document.querySelectorAll("[data-label]")) button.addEventListener("click", () => say(button.dataset.label));
document.getElementById("back").addEventListener("click", () => move(-1));
document.getElementById("next").addEventListener("click", () => move(1));
document.getElementById("save").addEventListener("click", save);
show();

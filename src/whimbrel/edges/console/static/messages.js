// The list of messages: moments of the filters in the viewer's zone, and the live tail, which never moves what is read.
"use strict";

const KEPT = 400; // rows that a tail leaves in the table
const pad = (n) => String(n).padStart(2, "0");
const local = (date) => `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}T${pad(date.getHours())}:${pad(date.getMinutes())}`;

for (const form of document.querySelectorAll("form[data-moments]")) {
  for (const field of form.querySelectorAll("input[type=datetime-local]")) {
    if (field.value) field.value = local(new Date(`${field.value}Z`));
  }
  for (const zone of form.querySelectorAll("[data-zone]")) zone.textContent = Intl.DateTimeFormat().resolvedOptions().timeZone;
  form.addEventListener("formdata", (event) => {
    for (const [name, value] of [...event.formData]) {
      const field = form.elements[name];
      if (value === "") event.formData.delete(name);
      else if (field && field.type === "datetime-local") event.formData.set(name, `${new Date(value).toISOString().slice(0, 16)}:00Z`);
    }
  });
}

let stream = null;
let held = new Map(); // by id, rows that came while somebody read
let missed = 0; // and how many more there were

const rows = () => document.querySelector("[data-rows]");

function isRead(body) {
  const chosen = getSelection();
  return body.matches(":hover") || body.contains(document.activeElement) || body.getBoundingClientRect().top < 0
    || (!chosen.isCollapsed && body.contains(chosen.anchorNode));
}

// A row in its place: over what it was before, or above the first older one.
function put(body, row) {
  const known = document.getElementById(row.id);
  if (known) { known.replaceChildren(...row.childNodes); return; }
  row.classList.add("fresh");
  const below = [...body.children].find((other) => other.id && other.id < row.id);
  if (below) body.insertBefore(row, below); else body.prepend(row);
}

function tell() {
  const pill = document.querySelector("[data-held]");
  if (!pill) return;
  pill.hidden = held.size === 0;
  pill.textContent = pill.dataset.held.replace("{}", held.size + missed);
}

function release() {
  for (const row of held.values()) put(rows(), row);
  held = new Map();
  missed = 0;
  tell();
}

// What is far below leaves, so that a long tail stays light; never what is on the screen.
function trim(body) {
  for (let more = body.children.length - KEPT; more > 0; more -= 1) {
    const last = [...body.children].reverse().find((row) => !row.classList.contains("more-row"));
    if (!last || last.getBoundingClientRect().top < innerHeight) return;
    last.remove();
  }
}

function take(html) {
  const body = rows();
  if (!body) { document.querySelector("form[data-moments]").requestSubmit(); return; }
  const parsed = document.createElement("template");
  parsed.innerHTML = html;
  const gap = parsed.content.querySelector(".gap-row");
  const came = [...parsed.content.children].filter((row) => row.id);
  const reading = isRead(body);
  for (const row of came) {
    const known = document.getElementById(row.id);
    if (known ? known.contains(document.activeElement) : reading) held.set(row.id, row); else put(body, row);
  }
  if (gap && reading) missed += Number(gap.dataset.more);
  else if (gap) document.getElementById(came.at(-1).id).after(gap);
  while (held.size > KEPT) { held.delete(held.keys().next().value); missed += 1; }
  tell();
  if (!reading) trim(body);
  showTimes(body);
}

function stop() {
  if (stream) stream.close();
  stream = null;
  held = new Map();
  missed = 0;
}

function start(button) {
  button.setAttribute("aria-pressed", "true");
  stream = new EventSource(button.dataset.tail);
  stream.addEventListener("rows", (message) => take(message.data));
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.held !== undefined) { release(); return; }
  if (button.dataset.tail === undefined) return;
  const wasOn = stream !== null;
  stop();
  tell();
  button.setAttribute("aria-pressed", "false");
  if (!wasOn) start(button);
});

// With other filters the tail goes on under them. Of one message: what was opened stays open while the page follows it.
let goesOn = false;
let opened = [];
document.addEventListener("htmx:beforeSwap", (event) => {
  const target = event.detail.target;
  if (target && target.id === "results") { goesOn = stream !== null; stop(); }
  if (target && target.id === "message") opened = [...target.querySelectorAll("details[open][id]")].map((each) => each.id);
});
document.addEventListener("htmx:afterSettle", () => {
  const button = document.querySelector("[data-tail]");
  if (goesOn && button) { goesOn = false; start(button); }
  for (const id of opened) { const each = document.getElementById(id); if (each) each.open = true; }
  opened = [];
});

// What pages need beside htmx: times in the viewer's zone, copying, asking before what cannot be undone, messages.
"use strict";

const language = document.documentElement.lang;
const full = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" });
const clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hour12: false });
const minutes = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hour12: false });
const seconds = new Intl.DateTimeFormat(language, { timeStyle: "medium", hour12: false });
const day = new Intl.DateTimeFormat(language, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hour12: false });
const ago = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
const spans = [["second", 60], ["minute", 60], ["hour", 24], ["day", 30], ["month", 12], ["year", Infinity]];

function since(moment) {
  let value = (moment - Date.now()) / 1000;
  for (const [unit, many] of spans) {
    if (Math.abs(value) < many) return ago.format(Math.round(value), unit);
    value /= many;
  }
  return full.format(moment);
}

// Today by the clock, this year without the year.
function brief(moment) {
  const now = new Date();
  if (moment.toDateString() === now.toDateString()) return seconds.format(moment);
  return (moment.getFullYear() === now.getFullYear() ? day : full).format(moment);
}

const shownAs = { full: (moment) => full.format(moment), time: (moment) => clock.format(moment), minute: (moment) => minutes.format(moment), ago: since, brief };

function showTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(time.dateTime);
    if (isNaN(moment)) continue;
    const shown = shownAs[time.dataset.form] || shownAs.full;
    time.textContent = shown(moment);
  }
}

function toast(html, bad) {
  const said = document.createElement("p");
  said.className = bad ? "toast bad" : "toast";
  if (html instanceof Node) said.append(html); else said.textContent = html;
  document.getElementById("toasts").append(said);
  setTimeout(() => said.remove(), bad ? 12000 : 5000);
}

function ask(form) {
  const dialog = document.createElement("dialog");
  const question = document.createElement("p");
  question.textContent = form.dataset.ask;
  const acts = document.createElement("div");
  acts.className = "acts";
  const not = document.createElement("button");
  not.className = "button quiet";
  not.textContent = form.dataset.askNot;
  const act = document.createElement("button");
  act.className = form.querySelector("button.danger, button.quiet") ? "button danger" : "button";
  act.textContent = form.dataset.askAct;
  acts.append(not, act);
  dialog.append(question, acts);
  document.body.append(dialog);
  not.addEventListener("click", () => dialog.close());
  act.addEventListener("click", () => { form.dataset.asked = "yes"; dialog.close(); form.requestSubmit(); });
  dialog.addEventListener("close", () => dialog.remove());
  dialog.showModal();
  not.focus();
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.ask && form.dataset.asked !== "yes") {
    event.preventDefault();
    event.stopImmediatePropagation();
    ask(form);
  }
}, true);

// What was typed and not sent stays in the browser over a reload, and not for whoever uses it next.
document.addEventListener("submit", (event) => {
  if (event.target.getAttribute("action") !== "/console/sign-out") return;
  for (const name of Object.keys(localStorage)) if (name.startsWith("draft:")) localStorage.removeItem(name);
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.copy !== undefined) {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.classList.add("copied");
    setTimeout(() => button.classList.remove("copied"), 1500);
  } else if (button.dataset.themeToggle !== undefined) {
    const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    localStorage.setItem("theme", next);
  } else if (button.dataset.menu !== undefined) {
    const open = document.getElementById("menu").classList.toggle("open");
    button.setAttribute("aria-expanded", String(open));
  }
});

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key === "/" && !typing) {
    const search = document.querySelector("[data-search]");
    if (search) { event.preventDefault(); search.focus(); search.select(); }
  }
});

// One drop-down at a time, and none after Escape or a press beside it.
document.addEventListener("click", (event) => {
  for (const drop of document.querySelectorAll(".drop[open]")) if (!drop.contains(event.target)) drop.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const drop of document.querySelectorAll(".drop[open]")) { drop.open = false; drop.querySelector("summary").focus(); }
});

// Where a form was refused, the writing goes on at the first field that is wrong.
function goToWrong(root) {
  root.querySelector("[aria-invalid='true']")?.focus();
}

// Of tabs or of a menu that do not fit, what is open is in sight; who one is always is.
for (const tab of document.querySelectorAll(".tabs [aria-current], #menu li [aria-current]")) tab.scrollIntoView({ block: "nearest", inline: "nearest" });

// What scrolls sideways is scrolled by keys too.
function reachScrollers() {
  for (const box of document.querySelectorAll(".scroll")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0; else box.removeAttribute("tabindex");
  }
}

// A request as code is shown in the language that was opened last, also after its part was fetched anew.
let openCode = "curl";
document.addEventListener("toggle", (event) => {
  if (event.target.dataset.code && event.target.open) openCode = event.target.dataset.code;
}, true);

function openSnippet() {
  for (const part of document.querySelectorAll("details[data-code]")) part.open = part.dataset.code === openCode;
}

document.addEventListener("htmx:afterSwap", (event) => { showTimes(event.target); goToWrong(event.target); openSnippet(); });
document.addEventListener("htmx:afterSettle", reachScrollers);
window.addEventListener("resize", reachScrollers);
document.addEventListener("htmx:responseError", (event) => {
  const page = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html");
  const said = page.querySelector(".toast");
  const words = document.createDocumentFragment();
  if (said) words.append(...said.childNodes); else words.append(String(event.detail.xhr.status));
  toast(words, true);
});
document.addEventListener("htmx:oobAfterSwap", (event) => showTimes(event.target));
document.addEventListener("htmx:sseMessage", (event) => showTimes(event.target));

showTimes(document);
goToWrong(document);
reachScrollers();
setInterval(() => showTimes(document), 30000);
const done = document.querySelector("#toasts .toast");
if (done) {
  const undo = done.querySelector("form");
  const fade = () => { if (done.matches(":hover, :focus-within")) setTimeout(fade, 2000); else done.remove(); };
  setTimeout(fade, undo ? 20000 : 6000);
  const url = new URL(location);
  url.searchParams.delete("done");
  history.replaceState(null, "", url);
}
const atOnce = document.querySelector("form[data-submit-at-once]");
if (atOnce) atOnce.submit();

// Inbox: drafts that outlive everything that happens meanwhile, canned answers, threads that stand at their end, and
// telling that what is on the screen was read.
"use strict";

const form = document.querySelector("[data-draft]");
const scroller = document.getElementById("scroll");
const thread = document.getElementById("thread");

// ---- drafts: in the browser, by person and conversation
if (form) {
  const field = form.elements.text;
  const place = `draft:${form.dataset.draft}`;
  const kept = document.getElementById("kept");
  const keep = () => {
    try {
      if (field.value) localStorage.setItem(place, field.value); else localStorage.removeItem(place);
      kept.hidden = !field.value;
    } catch { kept.hidden = true; }
  };
  let sent = "";
  if (!field.value) field.value = localStorage.getItem(place) || "";
  keep();
  field.addEventListener("input", keep);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      const send = form.querySelector("button.send");
      if (!send.disabled) form.requestSubmit(send);
    }
  });
  form.addEventListener("htmx:beforeRequest", (event) => { if (event.detail.elt === form) sent = field.value; });
  form.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.elt !== form || !event.detail.successful) return;
    // what was typed on while the answer was under way stays
    field.value = field.value.startsWith(sent) ? field.value.slice(sent.length).trimStart() : field.value;
    keep();
    field.focus();
    toEnd();
  });
  form.addEventListener("htmx:sendError", () => {
    const after = document.getElementById("after");
    const why = after.querySelector(".error") || after.appendChild(document.createElement("p"));
    why.className = "error";
    why.setAttribute("role", "alert");
    why.textContent = form.dataset.unsent;
  });
  form.addEventListener("click", (event) => {
    const canned = event.target.closest("[data-insert]");
    if (!canned) return;
    const before = field.value.slice(0, field.selectionStart);
    const gap = before && !/\s$/.test(before) ? " " : "";
    field.setRangeText(gap + canned.dataset.insert, field.selectionStart, field.selectionEnd, "end");
    canned.closest("details").open = false;
    keep();
    field.focus();
  });
  document.addEventListener("click", (event) => {
    const open = form.querySelector("details.canned[open]");
    if (open && !open.contains(event.target)) open.open = false;
  });
  document.addEventListener("keydown", (event) => {
    const open = event.key === "Escape" && form.querySelector("details.canned[open]");
    if (open) { open.open = false; field.focus(); }
  });
}

// ---- the thread
function toEnd() { if (scroller) scroller.scrollTop = scroller.scrollHeight; }

let isAtEnd = true;
let told = newest();

function newest() {
  const all = thread ? thread.querySelectorAll("[data-id]") : [];
  return all.length ? all[all.length - 1].dataset.id : "";
}

function tell() {
  const now = newest();
  if (!now || now === told || document.visibilityState !== "visible") return;
  told = now;
  htmx.ajax("POST", thread.dataset.read, { source: document.body, values: { message_id: now }, swap: "none" })
    .then(() => htmx.trigger(document.body, "inbox-read"));
}

if (scroller) {
  scroller.addEventListener("scroll", () => {
    isAtEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 60;
  });
  thread.addEventListener("htmx:sseMessage", () => { if (isAtEnd) toEnd(); tell(); });
  document.addEventListener("htmx:oobAfterSwap", (event) => { if (event.target === thread) { toEnd(); tell(); } });
  document.addEventListener("visibilitychange", tell);
  toEnd();
}

// ---- the list: the menu counts with it. A text may be on the screen before it is counted: what is open and unread
// all the same is told once more.
const talks = document.getElementById("talks");
if (talks) talks.addEventListener("htmx:sseMessage", () => {
  if (thread && talks.querySelector(".unread[aria-current]")) { told = ""; tell(); }
  htmx.trigger(document.body, "inbox-read");
});

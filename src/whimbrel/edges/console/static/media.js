// Media: files that are chosen are brought one after the other. Then the list shows them, or the form that sends has
// them by their ids.
"use strict";

function readyToBring() {
  for (const box of document.querySelectorAll("[data-bring][hidden]")) box.hidden = false;
  const attached = document.getElementById("attached");
  const text = attached && document.getElementById(attached.dataset.forText);
  if (text) text.required = !attached.querySelector("[name=media]");
}

async function wordsOf(answer) {
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return (page.querySelector(".toast, [role=alert]") || page.body).textContent.trim() || String(answer.status);
}

async function bringFiles(field) {
  const box = field.closest("[data-bring]");
  const told = box.querySelector("[role=status]");
  const token = document.querySelector("main [name=csrf]").value;
  const headers = { "content-type": "application/octet-stream", "x-csrf-token": token, "hx-request": "true" };
  const ids = [];
  let wrong = "";
  field.disabled = true;
  for (const file of field.files) {
    told.textContent = file.name;
    if (file.size > Number(box.dataset.most)) { wrong = `${file.name}: ${box.dataset.large}`; break; }
    const asked = new URLSearchParams({ name: file.name.slice(-120) });
    const answer = await fetch(`${box.dataset.bring}?${asked}`, { method: "POST", body: file, headers }).catch(() => null);
    if (!answer || !answer.ok) { wrong = `${file.name}: ${answer ? await wordsOf(answer) : box.dataset.broke}`; break; }
    ids.push(await answer.text());
  }
  field.disabled = false;
  field.value = "";
  told.textContent = wrong;
  if (!ids.length) return;
  if (box.dataset.open) {
    if (!wrong) location.assign(ids.length === 1 ? `${box.dataset.open}/${ids[0]}` : box.dataset.open);
    return;
  }
  const add = document.getElementById("f-add_media");
  add.value = [add.value, ...ids].join(" ").trim();
  document.querySelector("[data-attach]").click();
  if (wrong) document.addEventListener("htmx:afterSettle", () => { document.querySelector("#attached [role=status]").textContent = wrong; }, { once: true });
}

document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-bring] input[type=file]")) return;
  event.stopPropagation();
  bringFiles(event.target);
}, true);

document.addEventListener("htmx:afterSwap", readyToBring);
readyToBring();

// Compose: the browser's clock beside a chosen time, a CSV file that is read here and looked at by the server, and going on
// where sending many stopped.
"use strict";

const FILE_MAX = 4000000;
let fileText = "";

function readyFile() {
  for (const part of document.querySelectorAll(".from-file[hidden]")) part.hidden = false;
}

function setOffset(field) {
  const chosen = new Date(field.value);
  document.getElementById("f-offset").value = isNaN(chosen) ? "" : String(chosen.getTimezoneOffset());
}

async function lookAtFile(field) {
  const file = field.files[0];
  if (!file) return;
  if (file.size > FILE_MAX) {
    document.getElementById("file").textContent = field.dataset.tooLarge;
    return;
  }
  fileText = await file.text();
  htmx.ajax("POST", "/console/compose/file", { target: "#file", swap: "innerHTML", values: { csv: fileText } });
  field.value = "";
}

document.addEventListener("change", (event) => {
  if (event.target.id === "f-file") {
    event.stopPropagation();
    lookAtFile(event.target);
  } else if (event.target.id === "f-send_at") {
    setOffset(event.target);
  }
}, true);

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.column !== undefined) {
    const values = { csv: fileText, column: button.dataset.column };
    htmx.ajax("POST", "/console/compose/file", { target: "#recipients", swap: "outerHTML", values });
    document.getElementById("file").replaceChildren();
  } else if (button.dataset.tick) {
    const box = document.getElementById(button.dataset.tick);
    box.checked = true;
    box.dispatchEvent(new Event("change", { bubbles: true }));
  } else if (button.id === "go-on") {
    htmx.trigger(button.parentElement, "load");
  }
});

document.addEventListener("htmx:afterSwap", readyFile);

for (const name of ["htmx:responseError", "htmx:sendError"]) {
  document.addEventListener(name, () => {
    const button = document.getElementById("go-on");
    if (button) button.hidden = false;
  });
}

readyFile();

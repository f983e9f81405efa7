// Imports of contacts: the browser brings the file in pieces, says how far it is, and goes on after a piece was lost.
"use strict";

(() => {
  const PIECE = 4 * 1024 * 1024;
  const TRIES = 3;
  const card = document.getElementById("bring");
  const field = document.getElementById("f-file");
  const bar = document.getElementById("come");
  const told = document.getElementById("how-far");
  const token = document.querySelector("main [name=csrf]").value;
  const base = "/console/contacts/imports";
  card.hidden = false;

  function post(path, body, type) {
    return fetch(path, { method: "POST", body, headers: { "content-type": type, "x-csrf-token": token, "hx-request": "true" } });
  }

  async function said(answer) {
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    return (page.querySelector(".toast, [role=alert]") || page.body).textContent.trim() || String(answer.status);
  }

  async function bring(file, place) {
    let size = 0;
    for (let failed = 0; size < file.size;) {
      bar.value = size / file.size;
      told.textContent = `${Math.floor(100 * size / file.size)} %`;
      const answer = await post(`${place}/file?offset=${size}`, file.slice(size, size + PIECE), "application/octet-stream").catch(() => null);
      if (answer && answer.ok) { size = Number(await answer.text()); failed = 0; continue; }
      failed += 1;
      if (failed === TRIES) throw new Error(answer ? await said(answer) : card.dataset.broke);
    }
    bar.value = 1;
  }

  field.addEventListener("change", async () => {
    const file = field.files[0];
    if (!file) return;
    document.getElementById("coming").hidden = false;
    if (file.size > Number(card.dataset.most)) { told.textContent = card.dataset.large; return; }
    field.disabled = true;
    try {
      const made = await post(`${base}/new`, new URLSearchParams({ name: file.name.slice(-120) }), "application/x-www-form-urlencoded");
      const place = made.headers.get("hx-redirect");
      if (!place) throw new Error(await said(made));
      await bring(file, place);
      location.assign(place);
    } catch (error) {
      told.textContent = error.message;
      field.disabled = false;
      field.value = "";
    }
  });
})();

// Registrations: a paper is sent as the browser reads it, and questions that are asked only beside some answer are hidden
// where that is not given.
"use strict";

(() => {
  for (const box of document.querySelectorAll("[data-bring]")) {
    const field = box.querySelector("input[type=file]");
    const purpose = box.querySelector("select");
    const told = box.querySelector("[role=status]");
    const token = document.querySelector("main [name=csrf]").value;
    box.hidden = false;

    const say = (words) => { told.textContent = words; told.hidden = false; field.disabled = false; field.value = ""; };

    field.addEventListener("change", async () => {
      const file = field.files[0];
      if (!file) return;
      if (file.size > Number(box.dataset.most)) { say(box.dataset.large); return; }
      field.disabled = true;
      const asked = new URLSearchParams({ name: file.name.slice(-120), purpose: purpose ? purpose.value : "" });
      const headers = { "content-type": "application/octet-stream", "x-csrf-token": token, "hx-request": "true" };
      const answer = await fetch(`${box.dataset.bring}?${asked}`, { method: "POST", body: file, headers }).catch(() => null);
      if (answer && answer.ok) { location.reload(); return; }
      if (!answer) { say(box.dataset.broke); return; }
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      say((page.querySelector(".toast, [role=alert]") || page.body).textContent.trim() || String(answer.status));
    });
  }

  const waiting = document.querySelectorAll(".question[data-only]");
  function look() {
    for (const each of waiting) {
      const other = document.getElementsByName(each.dataset.only)[0];
      each.hidden = Boolean(other) && !each.dataset.values.split(" ").includes(other.value.toLowerCase());
    }
  }
  if (waiting.length) {
    document.getElementById("answers").addEventListener("change", look);
    look();
  }
})();

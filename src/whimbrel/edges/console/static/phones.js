// Phones: threads stand at their end, quick answers, an empty field after an answer, and flash texts that are dismissed.
"use strict";

const dismissed = new Set();

function settle(root) {
  for (const thread of root.querySelectorAll(".thread")) thread.scrollTop = thread.scrollHeight;
  for (const flash of root.querySelectorAll("[data-flash]")) flash.hidden = dismissed.has(flash.dataset.flash);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.dismiss) {
    dismissed.add(button.dataset.dismiss);
    settle(button.closest(".screen"));
  } else if (button.dataset.say) {
    const form = document.getElementById(button.dataset.form);
    form.elements.text.value = button.dataset.say;
    form.requestSubmit();
  }
});

document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.detail.elt;
  if (form.matches("[data-answer]") && event.detail.successful) {
    form.reset();
    form.elements.text.focus();
  }
});

document.addEventListener("htmx:afterSwap", (event) => settle(event.target));
document.addEventListener("htmx:sseMessage", (event) => settle(event.target));
settle(document);

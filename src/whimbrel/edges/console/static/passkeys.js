// Passkeys: the server's options go to the device, what it answers goes back in the form.
"use strict";

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!window.PublicKeyCredential?.parseRequestOptionsFromJSON) continue;
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    if (form.elements.credential.value) return;
    event.preventDefault();
    const token = form.elements.csrf?.value;
    const answer = await fetch(form.dataset.options, { method: "POST", headers: token ? { "x-csrf-token": token } : {} });
    if (answer.redirected || !answer.ok) { location.assign(answer.redirected ? answer.url : location.href); return; }
    const options = await answer.json();
    try {
      const credential = form.dataset.passkey === "create"
        ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
        : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
      form.elements.credential.value = JSON.stringify(credential.toJSON());
      form.requestSubmit();
    } catch (error) {
      if (error.name !== "NotAllowedError") throw error;  // the person said no: nothing to tell
    }
  });
}

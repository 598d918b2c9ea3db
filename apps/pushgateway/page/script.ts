// The page's script: what was opened stays open over a reload, and deletions ask first. Without it everything can be read.
export const SCRIPT = `"use strict";
const KEY = "narthex-pushgateway-open";
const open = new Set(JSON.parse(sessionStorage.getItem(KEY) ?? "[]"));
for (const each of document.querySelectorAll("details[data-key]")) {
  if (open.has(each.dataset.key)) each.open = true;
  each.addEventListener("toggle", () => {
    if (each.open) open.add(each.dataset.key);
    else open.delete(each.dataset.key);
    sessionStorage.setItem(KEY, JSON.stringify([...open].slice(-1000)));
  });
}
const dialog = document.querySelector("dialog");
for (const button of document.querySelectorAll("button[data-method]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    dialog.querySelector("p").textContent = button.dataset.question;
    dialog.querySelector("[role=alert]").textContent = "";
    dialog.querySelector(".danger").onclick = async () => {
      const answer = await fetch(button.dataset.url, { method: button.dataset.method }).catch((error) => ({ ok: false, statusText: error.message }));
      if (answer.ok) location.reload();
      else dialog.querySelector("[role=alert]").textContent = "It did not work: " + answer.statusText;
    };
    dialog.showModal();
  });
}
`;

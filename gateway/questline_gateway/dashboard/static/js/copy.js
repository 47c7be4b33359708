// Copies text: also on plain HTTP, where browsers give pages no clipboard of their own.
import { say } from "./say.js";

function copy(text) {
  const area = Object.assign(document.createElement("textarea"), { value: text, className: "vh" });
  (document.querySelector("dialog[open]") ?? document.body).append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

export function copyOnClick() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    copy(document.querySelector(button.dataset.copy)?.innerText ?? "");
    button.focus();
    button.dataset.copied = "";
    setTimeout(() => delete button.dataset.copied, 1500);
    say("Copied");
  });
}

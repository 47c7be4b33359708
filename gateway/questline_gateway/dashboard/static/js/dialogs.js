// Forms open as dialogs over the page that they are about, and give the focus back.
const box = () => document.getElementById("dialog");

export const anyOpen = () => document.querySelector("dialog[open]") !== null;

export function dialogs() {
  document.addEventListener("htmx:after:swap", () => {
    const dialog = box();
    if (dialog?.firstElementChild && !dialog.open) {
      dialog.showModal();
      (dialog.querySelector("[autofocus], textarea, input:not([type=hidden])") ?? dialog.querySelector(".main-act"))?.focus();
    }
  });
  document.addEventListener("click", (event) => {
    const closing = event.target.closest("[data-do=close]");
    const dialog = closing?.closest("dialog");
    if (dialog) {
      event.preventDefault();
      dialog.close();
    } else if (event.target.closest("[data-do=keys]")) {
      document.getElementById("keys").showModal();
    }
  });
  document.addEventListener("close", (event) => {
    if (event.target === box()) box().replaceChildren();
  }, true);
  document.addEventListener("submit", (event) => event.submitter?.setAttribute("aria-busy", "true"));
}

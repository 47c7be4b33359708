// The lane of the step that stands beside the timeline is the marked one.
export function lanes() {
  document.addEventListener("htmx:after:request", (event) => {
    const chosen = event.target.closest?.("[data-lane]");
    if (!chosen) return;
    document.querySelector("[data-lane][aria-current]")?.removeAttribute("aria-current");
    chosen.setAttribute("aria-current", "true");
  });
}

/* Forms: the warning before something typed would be lost, one submission only, and the focus on the error summary.
   A form that saves as it goes carries data-keeps and is never warned about; data-guard asks for the warning. */
(() => {
  "use strict";

  const changed = new Set();

  document.addEventListener("input", (event) => {
    const form = event.target.closest && event.target.closest("form[data-guard]");
    if (form) changed.add(form);
  });

  document.addEventListener("submit", (event) => {
    const form = event.target;
    changed.delete(form);
    if ((form.getAttribute("method") || "get").toLowerCase() !== "post") return;
    if (form.dataset.sent === "yes") {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    if (event.submitter) event.submitter.setAttribute("aria-disabled", "true");
  });

  const release = (form) => {
    delete form.dataset.sent;
    form.querySelectorAll("[aria-disabled=true]").forEach((button) => button.removeAttribute("aria-disabled"));
  };
  /* back from the browser's cache, or answered by htmx: the form may be sent again */
  window.addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach(release));
  document.addEventListener("htmx:afterRequest", (event) => {
    const form = event.target.closest && event.target.closest("form[data-sent]");
    if (form) release(form);
  });

  window.addEventListener("beforeunload", (event) => {
    if ([...changed].some((form) => form.isConnected)) event.preventDefault();
  });

  const focusSummary = (root) => {
    const summary = root.querySelector("[data-focus]");
    if (summary) summary.focus();
  };
  focusSummary(document);
  document.addEventListener("htmx:afterSwap", (event) => focusSummary(event.target));
})();

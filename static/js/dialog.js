/* Dialogs. A link <a href="#name" data-dialog> opens <dialog id="name"> modally; without this script the
   dialog shows as the page's target. Esc and the cancel button close it and the focus returns to the link. */
(() => {
  "use strict";

  const open = (dialog) => {
    if (!dialog.open) dialog.showModal();
    const first = dialog.querySelector("textarea, input:not([type=hidden]), select");
    if (first) first.focus();
  };

  document.addEventListener("click", (event) => {
    const opener = event.target.closest("a[data-dialog]");
    if (opener) {
      const dialog = document.getElementById(opener.hash.slice(1));
      if (dialog instanceof HTMLDialogElement) {
        event.preventDefault();
        open(dialog);
      }
      return;
    }
    const closer = event.target.closest("[data-dialog-close]");
    const dialog = closer && closer.closest("dialog[open]");
    if (dialog) {
      event.preventDefault();
      dialog.close();
    }
  });

  /* an address that ends in #name (a page sent back with a fault in the dialog) opens it too */
  const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
  if (target instanceof HTMLDialogElement) {
    history.replaceState(null, "", location.pathname + location.search);
    open(target);
  }
})();

/* File drop: drag files onto the field, see their names and sizes, and hear of one that is too large before it is sent.
   The field is a plain file input; the server decides what is accepted. */
(() => {
  "use strict";

  const size = (bytes) =>
    bytes >= 1048576 ? `${(bytes / 1048576).toFixed(1)} MB` : `${Math.max(1, Math.round(bytes / 1024))} KB`;

  const show = (input) => {
    const drop = input.closest("[data-file-drop]");
    const list = input.closest("[data-file-field]").querySelector("[data-file-list]");
    const limit = Number(drop.dataset.maxMb || 0) * 1048576;
    list.querySelectorAll("[data-chosen]").forEach((row) => row.remove());
    for (const file of input.files) {
      const row = document.createElement("li");
      const name = document.createElement("span");
      const about = document.createElement("span");
      row.dataset.chosen = "";
      name.textContent = file.name;
      about.textContent = size(file.size);
      about.className = "muted";
      if (limit && file.size > limit) {
        about.textContent += ` · ${drop.dataset.tooLarge}`;
        about.className = "is-wrong";
      }
      row.append(name, about);
      list.append(row);
    }
    list.hidden = !list.children.length;
  };

  const ready = (root) =>
    root.querySelectorAll("[data-file-drop]:not(.file-drop--ready)").forEach((drop) => drop.classList.add("file-drop--ready"));

  document.addEventListener("change", (event) => {
    if (event.target.matches && event.target.matches("[data-file-drop] input[type=file]")) show(event.target);
  });

  for (const name of ["dragenter", "dragover"]) {
    document.addEventListener(name, (event) => {
      const drop = event.target.closest && event.target.closest("[data-file-drop]");
      if (!drop) return;
      event.preventDefault();
      drop.classList.add("is-over");
    });
  }
  for (const name of ["dragleave", "drop"]) {
    document.addEventListener(name, (event) => {
      const drop = event.target.closest && event.target.closest("[data-file-drop]");
      if (!drop || (name === "dragleave" && drop.contains(event.relatedTarget))) return;
      drop.classList.remove("is-over");
      if (name !== "drop") return;
      event.preventDefault();
      const input = drop.querySelector("input[type=file]");
      const given = new DataTransfer();
      const files = [...event.dataTransfer.files];
      (input.multiple ? files : files.slice(0, 1)).forEach((file) => given.items.add(file));
      input.files = given.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    });
  }

  ready(document);
  document.addEventListener("htmx:afterSwap", (event) => ready(event.target));
})();

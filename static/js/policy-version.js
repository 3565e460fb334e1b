/* A version's page: rows are added without a round trip, a condition shows the fields that its kind needs, links lead to a
   field wherever it is folded away, and leaving warns only when something is not saved. Without script the page works all
   the same: "add" saves and brings an empty row. */
(() => {
  "use strict";

  const page = document.querySelector("[data-version]");
  if (!page) return;
  const form = page.querySelector("form[data-guard-version]");
  const phone = matchMedia("(max-width: 1199px)");
  if (phone.matches) page.querySelectorAll("[data-index]").forEach((index) => index.removeAttribute("open"));

  /* --- links into the page: unfold what the target stands in, then go there --- */
  const reveal = (hash) => {
    const target = hash.length > 1 && document.getElementById(decodeURIComponent(hash.slice(1)));
    if (!target) return false;
    for (let holder = target; holder; holder = holder.parentElement) {
      if (holder.tagName === "DETAILS") holder.open = true;
    }
    target.scrollIntoView({ block: target.matches("input, select, textarea") ? "center" : "start" });
    target.focus({ preventScroll: true });
    return true;
  };
  page.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#']");
    if (link && reveal(link.hash)) {
      event.preventDefault();
      history.replaceState(null, "", link.hash);
    }
  });
  reveal(location.hash);
  const summary = page.querySelector("[data-summary]");
  if (summary) summary.focus();

  const guide = JSON.parse((document.getElementById("gate-guide") || { textContent: "{}" }).textContent);
  const conditional = new Set(Object.values(guide.fields || {}).flat());

  /* --- a condition shows what its kind needs; what is filled is never hidden --- */
  const filled = (cell) =>
    [...cell.querySelectorAll("input, select, textarea")].some((field) => {
      if (field.type === "checkbox") return field.checked;
      return field.matches("select") ? field.selectedIndex > 0 : field.value.trim() !== "";
    });
  const suit = (select) => {
    const row = select.closest("[data-row]");
    const kind = select.value;
    const needed = (guide.fields && guide.fields[kind]) || [];
    row.querySelectorAll("[data-field]").forEach((cell) => {
      const name = cell.dataset.field;
      if (!conditional.has(name)) return;
      if (name === "values") {
        cell.querySelectorAll("label").forEach((label) => {
          const box = label.querySelector("input");
          label.hidden = !box || !(box.value.startsWith(`${kind}:`) || (box.checked && !kind));
        });
      }
      cell.hidden = !needed.includes(name) && !(filled(cell) && name !== "values") && !cell.classList.contains("is-wrong");
    });
    const cell = select.closest("[data-field]");
    let words = cell.querySelector(".cell__guide");
    if (!words) {
      words = document.createElement("p");
      words.className = "cell__guide";
      select.after(words);
    }
    words.textContent = (guide.guide && guide.guide[kind]) || "";
    words.hidden = !words.textContent;
  };
  const kinds = (root) => root.querySelectorAll("select[name^='policygate_rows-'][name$='-kind']");
  if (form) {
    kinds(form).forEach(suit);
    form.addEventListener("change", (event) => {
      if (event.target.matches("select[name^='policygate_rows-'][name$='-kind']")) suit(event.target);
    });
  }
  if (!form) return;

  /* --- unsaved --- */
  let changed = false;
  const unsaved = form.querySelector("[data-unsaved]");
  const touch = () => {
    changed = true;
    unsaved.hidden = false;
  };
  form.addEventListener("input", touch);
  form.addEventListener("change", touch);
  window.addEventListener("beforeunload", (event) => {
    if (changed) event.preventDefault();
  });
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent === "yes") {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    changed = false;
  });
  window.addEventListener("pageshow", () => delete form.dataset.sent);

  /* --- choices that name other rows of this page: documents and ways of support --- */
  const everywhere = (selector) => [
    ...form.querySelectorAll(selector),
    ...[...form.querySelectorAll("template")].flatMap((blank) => [...blank.content.querySelectorAll(selector)]),
  ];
  const offer = (selector, value, label) => {
    if (!value) return;
    everywhere(selector).forEach((select) => {
      const known = [...select.options].find((option) => option.value === value);
      if (known) known.textContent = label;
      else select.insertBefore(new Option(label, value), select.options[select.options.length - 1] || null);
    });
  };
  form.addEventListener("change", (event) => {
    const name = event.target.name || "";
    if (/^policydocument_rows-\d+-document_no$/.test(name)) {
      offer("select[name$='-cite_document'], select[name='cite_document']", event.target.value.trim(), event.target.value.trim());
    }
    if (/^policytrack_rows-\d+-(code|name)$/.test(name)) {
      const row = event.target.closest("[data-row]");
      const code = row.querySelector("[name$='-code']").value;
      offer("select[name$='-track']", code, `${row.querySelector("[name$='-name']").value || code}（${code}）`);
    }
  });

  /* --- add and drop rows --- */
  const freeCode = (rows) => {
    const taken = new Set([...rows.querySelectorAll("[name$='-code']")].map((field) => field.value));
    let number = 1;
    let code = rows.dataset.stem;
    while (taken.has(code)) code = `${rows.dataset.stem}_${++number}`;
    return code;
  };
  form.addEventListener("click", (event) => {
    const add = event.target.closest("[data-add-row]");
    if (add) {
      event.preventDefault();
      const rows = add.closest("[data-rows]");
      const total = rows.querySelector(`[name='${rows.dataset.rows}-TOTAL_FORMS']`);
      const blank = rows.querySelector("template[data-blank]");
      const holder = document.createElement("div");
      holder.innerHTML = blank.innerHTML.replaceAll("__prefix__", total.value);
      const row = holder.firstElementChild;
      add.closest(".rows__add").before(row);
      total.value = String(Number(total.value) + 1);
      const code = row.querySelector("[name$='-code']");
      if (code && !code.value && rows.dataset.rows === "policytrack_rows") code.value = freeCode(rows);
      kinds(row).forEach(suit);
      touch();
      const first = row.querySelector(".cell input:not([type=hidden]), .cell select, .cell textarea");
      if (first) first.focus();
      return;
    }
    const drop = event.target.closest("[data-drop-row]");
    if (drop) {
      const row = drop.closest("[data-row]");
      const mark = document.createElement("input");
      mark.type = "hidden";
      mark.name = `${row.id}-DELETE`;
      mark.value = "on";
      row.append(mark);
      row.hidden = true;
      const again = row.closest("[data-rows]").querySelector("[data-add-row]");
      if (again) again.focus();
    }
  });
})();

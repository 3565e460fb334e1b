/* Batch bar: counts the chosen rows of a list and adds up their amounts, exactly, in fen. The sums that decide
   anything are made again by the server on the preview page. */
(() => {
  "use strict";

  const fen = (text) => {
    const match = /^(-?)(\d+)(?:\.(\d{1,2}))?$/.exec(text || "");
    if (!match) return 0n;
    const value = BigInt(match[2]) * 100n + BigInt((match[3] || "").padEnd(2, "0") || "0");
    return match[1] ? -value : value;
  };
  const yuan = (value) => {
    const digits = (value < 0n ? -value : value).toString().padStart(3, "0");
    const whole = digits.slice(0, -2).replace(/\B(?=(\d{3})+$)/g, ",");
    return `${value < 0n ? "-" : ""}${whole}.${digits.slice(-2)}`;
  };

  const boxes = (bar) =>
    [...document.querySelectorAll('input[type=checkbox][name="chosen"]')].filter(
      (box) => box.form && box.form.id === bar.dataset.batchBar,
    );

  const count = (bar) => {
    const all = boxes(bar);
    const chosen = all.filter((box) => box.checked);
    const sum = chosen.reduce((total, box) => total + fen(box.dataset.amount), 0n);
    const text = bar.querySelector("[data-batch-sum]");
    bar.dataset.ready = "";
    bar.dataset.count = String(chosen.length);
    text.textContent = chosen.length
      ? text.dataset.some.replace("{count}", chosen.length) +
        (chosen.some((box) => box.dataset.amount) ? text.dataset.amount.replace("{amount}", yuan(sum)) : "")
      : text.dataset.none;
    bar.querySelectorAll("button").forEach((button) => (button.disabled = !chosen.length));
    const whole = document.querySelector(`input[data-choose-all="${bar.dataset.batchBar}"]`);
    if (whole) {
      whole.checked = all.length > 0 && chosen.length === all.length;
      whole.indeterminate = chosen.length > 0 && chosen.length < all.length;
    }
  };

  const countAll = () => document.querySelectorAll("[data-batch-bar]").forEach(count);

  document.addEventListener("change", (event) => {
    const whole = event.target.dataset && event.target.dataset.chooseAll;
    if (whole) {
      document.querySelectorAll(`[data-batch-bar="${whole}"]`).forEach((bar) => {
        boxes(bar).forEach((box) => (box.checked = event.target.checked));
      });
    }
    if (whole || event.target.name === "chosen") countAll();
  });
  countAll();
  document.addEventListener("htmx:afterSwap", countAll);
  window.addEventListener("pageshow", countAll);
})();

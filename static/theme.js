/** Light, dark, or as the system: remembered, and set before the first paint. A classic script. */
(function () {
  const KEY = "overture.theme";
  const ORDER = ["system", "light", "dark"];
  const WORDS = { system: "as the system", light: "light", dark: "dark" };

  function stored() {
    try {
      const theme = localStorage.getItem(KEY);
      return ORDER.includes(theme) ? theme : "system";
    } catch {
      return "system"; // storage is forbidden in some private windows
    }
  }

  function apply(theme) {
    document.documentElement.dataset.theme = theme;
    const button = document.getElementById("theme");
    if (button) {
      button.setAttribute("aria-label", `Colours: ${WORDS[theme]}`);
      button.title = `Colours: ${WORDS[theme]}`;
    }
    document.dispatchEvent(new Event("overture:theme")); // for what is drawn on a canvas
  }

  apply(stored());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => apply(stored()));
  document.addEventListener("DOMContentLoaded", () => {
    apply(stored());
    document.getElementById("theme").addEventListener("click", () => {
      const shown = document.documentElement.dataset.theme;
      const next = ORDER[(ORDER.indexOf(shown) + 1) % ORDER.length];
      try {
        localStorage.setItem(KEY, next);
      } catch {
        // not remembered, still applied
      }
      apply(next);
    });
  });
})();

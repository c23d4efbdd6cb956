// Light or dark.

/** Light or dark by hand; until then as the system has it. */
export function switchTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  try {
    localStorage.setItem("faultmap-theme", root.dataset.theme);
  } catch {
    // Some browsers keep nothing for a file; the choice lasts as long as the page.
  }
  dispatchEvent(new Event("themechange"));
}

export function rememberedTheme() {
  try {
    const theme = localStorage.getItem("faultmap-theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch {
    // As above.
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => dispatchEvent(new Event("themechange")));
}

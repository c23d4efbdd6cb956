// The views that the menu offers.

export const MENU: [string, string][] = [
  ["overview", "Overview"],
  ["slices", "Slices"],
  ["taxonomy", "Errors"],
  ["signatures", "Signatures"],
  ["comparison", "Comparison"],
  ["coverage", "Coverage"],
  ["quality", "Data quality"],
  ["examples", "Examples"],
  ["trends", "Trends"],
  ["run", "Run"],
];

/** Which entry of the menu a view belongs to. */
export const UNDER: Record<string, string> = {
  slice: "slices",
  category: "taxonomy",
  pair: "comparison",
  pairslice: "comparison",
  gap: "coverage",
  production: "coverage",
  topic: "coverage",
  example: "examples",
};

/** The views that this page is about; a page that says nothing has all. */
export const ONLY = document.documentElement.dataset.views?.split(" ");

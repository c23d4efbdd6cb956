// Where this page's data come from: a page that a server sent bears a token.

import { FileSource } from "./file_source.ts";
import { ServerSource } from "./server_source.ts";
import type { DataSource } from "./source.ts";

const { token } = document.documentElement.dataset;

export const source: DataSource = token ? new ServerSource(token) : new FileSource();

// The address that opened this page bears the token; a cookie bears it from here on, and no history or link does.
if (new URLSearchParams(location.search).has("token"))
  history.replaceState(null, "", location.pathname + location.hash);

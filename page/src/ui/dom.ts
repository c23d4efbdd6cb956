// Elements. Text from outside goes in as text nodes and nothing else; no other module makes elements.

export type Child = Node | string | number | null | undefined | false;

export type Attributes = Record<string, string | number | boolean | null | undefined | ((event: Event) => void)>;

const SVG = "http://www.w3.org/2000/svg";

/** Make an element. A function among the attributes listens to the event that its name names. */
export function el<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes?: Attributes | null,
  ...children: (Child | Child[])[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  dress(made, attributes);
  made.append(...nodes(children));
  return made;
}

/** Make an element of a drawing. */
export function svg<Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  attributes?: Attributes | null,
  ...children: (Child | Child[])[]
): SVGElementTagNameMap[Tag] {
  const made = document.createElementNS(SVG, tag);
  dress(made, attributes);
  made.append(...nodes(children));
  return made;
}

function dress(made: Element, attributes?: Attributes | null) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") {
      made.addEventListener(name, value);
      continue;
    }
    // Only places in this page are linked to: no text from outside becomes an address.
    if (name === "href" && !String(value).startsWith("#")) throw new Error(`not a place in this page: ${value}`);
    made.setAttribute(name, value === true ? "" : String(value));
  }
}

export function nodes(children: (Child | Child[])[]): (Node | string)[] {
  return children
    .flat()
    .filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : String(child)));
}

// Making elements: no page has inline styles or markup out of texts.

/** An element with `properties` (of the DOM) and `children` (nodes and texts; what is false or null is left out). */
export const element = (tag, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children.filter((child) => child !== false && child != null));
  return made;
};

/** An SVG element with `attributes`. */
export const drawn = (tag, attributes = {}, ...children) => {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
};

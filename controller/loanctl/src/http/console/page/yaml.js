// Plain data as YAML text.

export function yaml(value, indent = "") {
  if (Array.isArray(value)) {
    if (!value.length) return " []\n";
    return `\n${value.map((item) => `${indent}-${entry(item, `${indent}  `)}`).join("")}`;
  }
  if (value !== null && typeof value === "object") {
    const fields = Object.entries(value);
    if (!fields.length) return " {}\n";
    return `\n${fields.map(([name, field]) => `${indent}${text(name)}:${yaml(field, `${indent}  `)}`).join("")}`;
  }
  return ` ${scalar(value)}\n`;
}

/** An item's first field stands beside its dash. */
function entry(item, indent) {
  const isNested = item !== null && typeof item === "object" && Object.keys(item).length > 0;
  return isNested ? ` ${yaml(item, indent).slice(1 + indent.length)}` : yaml(item, indent);
}

const scalar = (value) => (typeof value === "string" ? text(value) : String(value));

/** As it is where that cannot be read as anything else, quoted otherwise. */
function text(value) {
  const isPlain = /^[A-Za-z/][\w./ -]*$/.test(value) && !/^(true|false|null|yes|no|on|off)$/i.test(value) && !value.endsWith(" ");
  const isDuration = /^\d+(ms|s|m|h|d)$/.test(value);
  const isUrl = /^[a-z]+:[\w./:-]+$/.test(value);
  return isPlain || isDuration || isUrl ? value : JSON.stringify(value);
}

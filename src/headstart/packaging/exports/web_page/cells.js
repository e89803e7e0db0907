// What people write into a cell, read as headstart.data.table_cells and written_numbers read it.

export const BLANKS = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/u; // where Python's str.split splits

const AROUND_NUMBERS = /^[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+|[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+$/gu; // of Python's float
const AROUND = new RegExp(`^${BLANKS.source}|${BLANKS.source}$`, "gu");
const INVISIBLE = /[\u00ad\u200b\u2060\ufeff]/gu;
const JOINERS = /[\u200c\u200d]/gu;
const MISSING = new Set(["nan", "na", "n/a", "null", "<na>"]);
const NO_VALUE = new Set(["?", "#n/a", "#na"]);
const NO_NUMBER = new Set([...NO_VALUE, "-", "--", ".", "none", "missing", "#div/0!", "#value!", "#num!", "#null!", "#ref!"]);
const TRUTH = new Map([["true", "True"], ["false", "False"]]);

const CURRENCY =
  "(?:(?:[A-Z]{1,2})?[$\u20ac\u00a3\u00a5\u20b9\u20bd\u20a9\u20ba\u20aa]|Rs\\.?|kr\\.?|z\u0142|K\u010d|" +
  "(?:USD|EUR|GBP|JPY|CHF|CAD|AUD|NZD|CNY|RMB|INR|BRL|MXN|ZAR|SEK|NOK|DKK|PLN|CZK|HUF|TRY|RUB|KRW|SGD|HKD|ILS|AED|SAR|THB))";
const WORD = "[\\p{L}\\p{N}_]";
const UNIT = `(?:%|(?!(?:st|nd|rd|th)(?!${WORD}))(?:[\\p{L}\\p{Nl}\\p{No}]|[\\/\u00b2\u00b3 ]){1,12}|\u00b0${WORD}?)`;
const WRITTEN = new RegExp(
  `^(?<sign>-?)\\s*(?<before>${CURRENCY}|)\\s*(?<minus>-?)(?<digits>\\p{Nd}[\\p{Nd}.,' ]*?)\\s*(?<behind>${CURRENCY}(?:\\/${WORD}+)?|${UNIT}|)$`,
  "u",
);
const POINT = /^(?:\p{Nd}+|\p{Nd}{1,3}(?:([,' ])\p{Nd}{2,3})*[,' ]\p{Nd}{3})(?:\.\p{Nd}+)?$/u;
const COMMA = /^(?:\p{Nd}+|\p{Nd}{1,3}(?:([.' ])\p{Nd}{3})(?:\1\p{Nd}{3})*)(?:,\p{Nd}+)?$/u;
const FACTORS = new Map(Object.entries({ k: 1e3, K: 1e3, M: 1e6, mn: 1e6, B: 1e9, bn: 1e9 }));

/** The name of a category; "" where there is none. */
export function readCategory(text) {
  if (isMissing(text)) return "";
  const name = text.normalize("NFC").replace(INVISIBLE, "").split(BLANKS).filter(Boolean).join(" ");
  const small = name.toLowerCase();
  return NO_VALUE.has(small) ? "" : (TRUTH.get(small) ?? name);
}

/** A number; NaN where there is none, null where something else is written. `written` is as in the bundle's fields: ",|EUR". */
export function readNumber(text, written = "") {
  if (isMissing(text) || NO_NUMBER.has(stripped(text).toLowerCase())) return NaN;
  const [decimal, ...units] = written.split("|");
  if (!written) return plainNumber(text);
  const plain = decimal === "." ? plainNumber(text) : null;
  if (plain !== null) return plain;
  const found = takenApart(text);
  if (found === null || !units.includes(found.unit)) return null;
  const value = valueOf(found.figures, decimal);
  return value === null ? null : value * factorOf(found.unit, units);
}

/** A number as a column has it written, so that `readNumber` reads the same; "" where that cannot be. */
export function writeNumber(number, written = "") {
  const [decimal, ...units] = written.split("|");
  const unit = units.includes("") ? "" : (units[0] ?? "");
  const figures = String(number / factorOf(unit, units)).replace(".", decimal || ".");
  const text = unit ? `${figures} ${unit}` : figures;
  return readNumber(text, written) === number ? text : "";
}

/** Seconds since 1970 UTC of what a date input holds, such as 2026-01-31T12:00; NaN where it is empty, null where that is no date. */
export function readDate(value) {
  if (value === "") return NaN;
  const moment = Date.parse(value.includes("T") ? `${value}Z` : `${value}T00:00Z`);
  return Number.isNaN(moment) ? null : moment / 1000;
}

function isMissing(text) {
  const seen = text.replace(INVISIBLE, "").replace(JOINERS, "").split(BLANKS).join("");
  return seen === "" || (Array.from(text).length < 10 && MISSING.has(stripped(text).toLowerCase()));
}

function stripped(text) {
  return text.replace(AROUND, "");
}

function plainNumber(text) {
  const plain = text.replace(AROUND_NUMBERS, "").replace(/\p{Nd}/gu, figure);
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(plain)) return null;
  const number = Number(plain);
  return Number.isFinite(number) ? number : null;
}

/** A figure of any script as one of 0 to 9: ten stand in a row, from a place that ends on 0 or 6, those of mathematics elsewhere. */
function figure(character) {
  const place = character.codePointAt(0);
  if (place >= 0x1d7ce && place <= 0x1d7ff) return String((place - 0x1d7ce) % 10);
  const row = place - (place % 16);
  return String(place - (/\p{Nd}/u.test(String.fromCodePoint(row)) ? row : row + 6));
}

function takenApart(cell) {
  let text = cell.replace(/[\u2212\u2013\u2014]/g, "-").replace(/[\u00a0\u202f\u2009]/g, " ").replace(/\u2019/g, "'");
  text = stripped(text);
  if (text.startsWith("(") && text.endsWith(")")) text = `-${text.slice(1, -1)}`;
  text = text.replace(/[.,]\s*-+$/, "");
  const match = WRITTEN.exec(text);
  if (!match) return plainNumber(text) === null ? null : { figures: text, unit: "" };
  const { sign, before, minus, digits, behind } = match.groups;
  return { figures: (sign || minus) + stripped(digits), unit: stripped(before + behind) };
}

function valueOf(figures, decimal) {
  const unsigned = figures.replace(/^-/, "");
  if ((decimal === "." ? POINT : COMMA).test(unsigned)) {
    return plainNumber(figures.replace(decimal === "." ? /[,' ]/g : /[.' ]/g, "").replace(",", "."));
  }
  return decimal === "." ? plainNumber(figures) : null;
}

function factorOf(unit, units) {
  const named = units.filter(Boolean);
  return named.length && named.every((one) => FACTORS.has(one)) ? (FACTORS.get(unit) ?? 1) : 1;
}

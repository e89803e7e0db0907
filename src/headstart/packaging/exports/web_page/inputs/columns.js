// Rows of a table: numbers, codes of levels and parts of dates, as headstart.sources.preprocessors.columns reads them.

const LIMIT = 1e30;
const UNSEEN = -1;
const DAY_S = 86_400;
const YEAR_2000_S = 946_684_800;
const YEAR_DAYS = 365.2425;
const SATURDAY = 5;

/** An input for rows, or the values of one column: `columns`. Numbers and seconds are NaN, categories "" where they are missing. */
export async function make({ columns, is_alone }, files) {
  const levels = "levels.json" in files ? JSON.parse(files["levels.json"]) : {};
  const readers = columns.map(({ name, holds }) => {
    const read = holds === "category" ? coded(levels[name]) : holds === "date" ? dateParts : (number) => [number];
    return (item) => read(is_alone ? item : item[name]);
  });
  return async (item) => {
    const data = Float32Array.from(readers.flatMap((read) => read(item)), bounded);
    return { columns: { type: "float32", dims: [1, data.length], data } };
  };
}

function bounded(number) {
  return Math.min(Math.max(number, -LIMIT), LIMIT); // NaN stays
}

function coded(levels) {
  const codes = new Map([...levels.map((level, code) => [level, code]), ["", NaN]]);
  return (level) => [codes.get(level) ?? UNSEEN];
}

function dateParts(seconds) {
  const days = (seconds - YEAR_2000_S) / DAY_S;
  const year = days / YEAR_DAYS;
  const day = Math.floor(days);
  const week = day + SATURDAY;
  const weekday = week - Math.floor(week / 7) * 7;
  const late = weekday - (SATURDAY - 1);
  const clock = days - day;
  return [days, wave(year), wave(year + 0.25), weekday, (late + Math.abs(late)) / 2, clock * 24, wave(clock), wave(clock + 0.25)];
}

function wave(turns) {
  return Math.abs(turns - Math.floor(turns) - 0.5) * 4 - 1;
}

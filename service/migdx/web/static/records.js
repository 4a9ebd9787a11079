/* What a CSV is made of: its records, as RFC 4180 and the service read them, and the texts of periods. */

const LONGEST = 1 << 22; // characters of one record, as of the service: an unclosed quote ends with its line then
const OPENING = /^"?(?:DATAFLOW|STRUCTURE(?:\[[^\]]*\])?)"?([,;\t|])/;

/** What is left to the service, by a key of the page's words. */
export class NotHere extends Error {}

/** The records of a text that comes in pieces: {cells, line, open}; cells are null where a quote is never closed. */
export class Records {
  constructor() { this.rest = ''; this.line = 1; this.separator = ''; }

  * of(piece, last) {
    const data = this.rest + piece, breaks = /\r\n|[\r\n]/g;
    let at = 0;
    while (at < data.length) {
      const end = this.end(data, at, last, breaks);
      if (!end) break;
      const text = data.slice(at, end.index);
      const said = !this.separator && /^sep=([,;\t|])$/.exec(text); // as spreadsheets are told
      if (!this.separator && text) this.separator = said ? said[1] : separatorOf(text);
      let record = null, stop = end;
      if (text && text.includes('"')) {
        const found = this.quoted(data, at, last);
        if (!found) break;
        stop = this.end(data, found.end, last, breaks);
        if (!stop) break;
        record = { cells: found.cells, line: this.line, open: found.cells ? 0 : found.column };
      } else if (text) {
        record = { cells: text.split(this.separator), line: this.line, open: 0 };
      }
      if (stop !== end) this.line += data.slice(at, stop.index).match(breaks)?.length ?? 0;
      this.line += 1;
      at = stop.after;
      if (record && !said) yield record;
    }
    this.rest = data.slice(at);
  }

  /** Where the line that holds `at` ends; null while that may still come. */
  end(data, at, last, breaks) {
    breaks.lastIndex = at;
    const found = breaks.exec(data);
    if (!found) return last ? { index: data.length, after: data.length } : null;
    if (found[0] === '\r' && found.index + 1 === data.length && !last) return null;
    return { index: found.index, after: found.index + found[0].length };
  }

  /** A quoted cell begins right after a separator or a line end, and one of them follows its last quote. */
  quoted(data, at, last) {
    const cells = [], stop = (sign) => sign === this.separator || sign === '\n' || sign === '\r';
    for (let from = at; ; from += 1) {
      let to = from;
      if (data[from] === '"') {
        let close = from + 1;
        for (; ; close += 2) {
          close = data.indexOf('"', close);
          if (close < 0 || data[close + 1] !== '"') break;
        }
        const missing = close < 0 || close + 1 === data.length;
        if (missing && !last && data.length - at < LONGEST) return null;
        if (close < 0 || (close + 1 < data.length && !stop(data[close + 1])))
          return { cells: null, column: cells.length + 1, end: from };
        cells.push(data.slice(from + 1, close).replaceAll('""', '"'));
        to = close + 1;
      } else {
        while (to < data.length && !stop(data[to])) to += 1;
        if (to === data.length && !last) return null;
        cells.push(data.slice(from, to));
      }
      if (data[to] !== this.separator) return { cells, end: to };
      from = to;
    }
  }
}

function separatorOf(line) {
  const found = OPENING.exec(line);
  if (!found) throw new NotHere('form');
  return found[1];
}

// --- periods (as periods.py has them) ----------------------------------------------------------------------------

const MONTHS = { A: 12, S: 6, T: 4, Q: 3, M: 1 };

function isDay(year, month, day) {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return year > 0 && month > 0 && month < 13 && day > 0
    && day <= (month === 2 ? 28 + leap : [4, 6, 9, 11].includes(month) ? 30 : 31);
}

function gregorian(text) {
  const found = /^(\d{4})(?:-(\d\d)(?:-(\d\d))?)?(?:Z|[+-]\d\d:\d\d)?$/.exec(text);
  if (!found || !isDay(+found[1], +(found[2] ?? 1), +(found[3] ?? 1))) return '';
  return found[3] ? 'D' : found[2] ? 'M' : 'A';
}

/** The kind of a period; '' where it is none, null where only the service can tell. */
export function kindOf(text) {
  const plain = gregorian(text);
  if (plain) return plain;
  const found = /^(\d{4})-(?:(A)(1)|([ST])(\d)|(Q)([1-4])|(M)(\d\d)|(W)(\d\d)|(D)(\d{3}))$/.exec(text);
  if (found) {
    const [kind, number] = found.slice(2).filter((part) => part !== undefined), year = +found[1], count = +number;
    const first = new Date(0), last = new Date(0);
    first.setUTCFullYear(year, 0, 1);
    last.setUTCFullYear(year, 11, 31);
    const long = first.getUTCDay() === 4 || last.getUTCDay() === 4; // ISO 8601: such a year has 53 weeks
    const most = kind === 'W' ? 52 + long : kind === 'D' ? 365 + isDay(year, 2, 29) : 12 / MONTHS[kind];
    return year > 0 && count > 0 && count <= most ? kind : '';
  }
  const slash = text.indexOf('/');
  if (slash >= 0) {
    const length = /^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T[\dHMS.]+)?$/.exec(text.slice(slash + 1));
    if (!length || length[0] === 'P') return '';
    const head = text.slice(0, slash);
    return gregorian(head) === 'D' || head.includes('T') ? null : '';
  }
  return text.includes('T') && /^\d{4}/.test(text) ? null : '';
}

/** Whether a text is an instant; null where only the service can tell. */
export function isInstant(text) {
  const found = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d))?(?:Z|[+-](\d\d):(\d\d))?$/.exec(text);
  if (!found) return text.includes('T') ? null : false;
  const [, year, month, day, hour, minute, second = 0, zone = 0, more = 0] = found.map((part) => part && +part);
  return isDay(year, month, day) && hour < 24 && minute < 60 && second < 60 && zone < 24 && more < 60;
}

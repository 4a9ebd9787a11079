/* Looks at an SDMX-CSV file before it is sent, by the rule pack of its dataflow; nothing of the file leaves the browser.

   The verdicts are those of the service for the codes that the pack lists (tests/web/test_browser_check.py holds both to
   one corpus). A value is judged once, however many rows have it. `check` knows no page, and what follows it is the page. */

import { NotHere, Records } from './records.js';
import { Column, Tally } from './values.js';

export { NotHere };

const KEYS = 4e6; // keys that are remembered; a Map takes 16 million

// --- a file ------------------------------------------------------------------------------------------------------

class Reading {
  constructor(cells, line) {
    this.line = line; this.width = cells.length; this.tally = new Tally(); this.file = new Tally();
    this.rows = 0; this.read = 0; this.elsewhere = 0; this.later = this.deleted = 0; this.many = 0; this.unnamed = [];
    this.terms = {}; this.ids = new Map(); this.pack = null; this.keys = new Map(); this.first = []; this.twice = new Map();
    this.series = new Map(); this.wrongHeader = false; this.combined = [];
    const [first] = cells, words = cells.map((cell) => cell.trim());
    const reserved = words[0] === 'DATAFLOW' ? ['DATAFLOW'] : ['STRUCTURE', 'STRUCTURE_ID', 'ACTION', 'SERIES_KEY', 'OBS_KEY'];
    if (first.startsWith('STRUCTURE[') || words.includes('STRUCTURE_NAME')) throw new NotHere('names');
    if (reserved.length > 1 && words[1] !== 'STRUCTURE_ID') throw new NotHere('form');
    const blank = words.filter((word, at) => word !== cells[at]).length;
    words.forEach((word, at) => {
      if (reserved.includes(word) && !(word in this.terms)) this.terms[word] = at;
      else if (/: |\[[^\]]*\]/.test(word)) throw new NotHere('names');
      else if (!word) this.unnamed.push(at);
      else if (this.ids.has(word) || word in this.terms) {
        this.wrongHeader = true;
        this.file.add('duplicate_column', word, null, line, at + 1);
      } else this.ids.set(word, at);
    });
    if (blank) this.file.add('surrounding_blanks', '', null, line, 1, { reason: 'header' }, blank);
  }

  /** The dataflow that a row names. */
  flow(cells) {
    const other = /^(datastructure|dataprovision|provisionagreement)$/i.test(cells[this.terms.STRUCTURE ?? -1]?.trim());
    return other ? '' : cells[this.terms.STRUCTURE_ID ?? this.terms.DATAFLOW].trim();
  }

  bind(pack, flow) {
    this.pack = pack;
    this.named = flow;
    const has = (id) => this.ids.has(id), own = pack.components.filter((component) => has(component.id));
    this.columns = own.map((component) => new Column(component, this.ids.get(component.id), pack, this.tally));
    this.by = Object.fromEntries(this.columns.map((column) => [column.id, column]));
    const split = Object.entries(pack.combined).find(([name, into]) => has(name) && !into.some(has));
    this.combined = split ? [split[0], ...split[1]] : [];
    this.absent = pack.components.filter((one) => (one.mandatory || one.role === 'measure') && !has(one.id));
    this.strange = [...this.ids.keys()].filter((id) => !pack.components.some((one) => one.id === id));
    this.wide = this.columns.filter((column) => column.series && !column.number);
    this.free = this.columns.filter((column) => !column.inKey);
    this.parts = (ids) => (ids.every((id) => this.by[id]) ? ids.map((id) => this.columns.indexOf(this.by[id])) : null);
    this.key = this.parts(pack.key);
    this.seriesKey = this.parts(pack.series);
    this.secret = this.by[pack.confidential.component];
    this.masked = new Set(pack.confidential.masked);
    this.frequency = this.columns.indexOf(this.by[pack.frequency]);
    this.time = this.columns.findIndex((column) => column.role === 'time');
  }

  /** Whether a record can be read as a row. */
  sound({ cells, line, open }) {
    this.read += 1;
    if (cells?.length > this.width && !cells.slice(this.width).some(Boolean)) cells.length = this.width;
    if (!cells) this.file.add('unclosed_quote', '', null, line, open);
    else if (cells.length !== this.width) this.file.add('wrong_number_of_cells', '', null, line, 0, { expected: this.width });
    return cells?.length === this.width;
  }

  row({ cells, line }) {
    for (const at of this.unnamed)
      if (cells[at]) this.wrongHeader = this.file.add('wrong_header', '', null, this.line, at + 1, { reason: 'unnamed_column', row: this.line, column: at + 1, given: '' }) ?? true;
    if (this.named !== null && this.flow(cells) !== this.named) return void (this.elsewhere += 1);
    if (['D', 'Delete'].includes(cells[this.terms.ACTION ?? -1]?.trim())) return void (this.deleted += 1);
    this.rows += 1;
    const hidden = this.secret ? this.secret.of(cells[this.secret.at]) : null;
    const secret = hidden !== null && hidden.index >= 0 && hidden.text !== this.pack.confidential.free;
    const seen = this.columns.map((column) => {
      const text = cells[column.at];
      if (column.number) return column.counted(text, line, secret && this.masked.has(column.id));
      const found = column.of(text);
      for (const [code, value, values] of found.faults) column.tell(code, value, line, values);
      if (found.kind === null) this.later += 1;
      return found;
    });
    this.period(seen[this.frequency], seen[this.time], line);
    this.keyed(seen, cells, line);
  }

  period(frequency, time, line) {
    const kind = frequency && time?.kind && this.pack.periods.of[frequency.text];
    if (!kind || kind === time.kind) return;
    const { name, example } = this.pack.periods.kinds[kind];
    this.columns[this.time].tell('period_not_of_frequency', time.text, line, { frequency: frequency.text, kind: name, example });
  }

  keyed(seen, cells, line) {
    const joined = (places) => (places?.every((at) => seen[at].index >= 0) ? places.map((at) => seen[at].index).join() : '');
    const series = joined(this.seriesKey);
    if (series && this.wide.length) {
      let known = this.series.get(series);
      if (!known) this.series.set(series, known = this.wide.map(() => ({ text: null, rows: 0, line, varies: false })));
      this.wide.forEach((column, at) => {
        const own = seen[this.columns.indexOf(column)], of = known[at];
        if (own.index < 0 || !own.sound) return;
        of.varies ||= of.text !== null && of.text !== own.text;
        if (!of.rows) { of.text = own.text; of.line = line; }
        of.rows += 1;
      });
    }
    const key = joined(this.key);
    if (!key) return;
    const action = { R: 'R', A: 'A', Replace: 'R', Append: 'A' }[cells[this.terms.ACTION ?? -1]?.trim()] ?? 'M';
    const name = action + key, content = hash(this.free.map((column) => {
      const own = seen[this.columns.indexOf(column)];
      return column.number ? own : own.text;
    }).join('\0'));
    const known = this.keys.get(name);
    if (known === undefined) {
      if (this.keys.size >= KEYS) return void (this.many += 1);
      this.keys.set(name, this.first.push(line, content) - 2);
      return;
    }
    const of = this.twice.get(known) ?? { rows: 1, differs: false, line: this.first[known] };
    of.rows += 1;
    of.differs ||= content !== this.first[known + 1];
    this.twice.set(known, of);
  }

  done() {
    const { pack, tally } = this, notHere = (pack?.not_here ?? []).map((reason) => ({ reason, count: 0 }));
    if (!this.read) this.file.add('no_rows', '', null, this.line, 0);
    const value = this.by?.OBS_VALUE, comma = Boolean(value && this.separator !== ',' && value.isDecimal && value.fraction);
    if (comma) this.file.add('decimal_comma', value.id, null, this.line, value.at + 1, {}, value.commaRows);
    for (const column of this.columns ?? []) column.done(comma);
    const every = Math.max(1, this.rows), about = { dsd: pack?.structure };
    if (this.deleted && !this.rows) this.absent = [];
    for (const id of (this.strange ?? []).filter((id) => !this.combined.includes(id) && !(id in this.terms)))
      tally.add('unknown_component', '', id, this.line, this.ids.get(id) + 1, about, every);
    for (const { id } of (this.absent ?? []).filter((one) => !this.combined.includes(one.id)))
      tally.add('missing_component', id, null, this.line, 0, about, every);
    const groups = { true: [], false: [] };
    for (const of of this.twice.values()) groups[of.differs].push(of);
    for (const [code, of] of [['duplicate_key', groups.true], ['repeated_row', groups.false]])
      if (of.length) tally.add(code, '', null, Math.min(...lines(of)), 0, { keys: of.length }, sum(of));
    this.wide?.forEach((column, at) => {
      const of = [...this.series.values()].map((known) => known[at]).filter((one) => one.varies);
      if (of.length) column.tell('series_attribute_varies', null, of.reduce((a, b) => (a.line < b.line ? a : b)).line, { series: of.length }, sum(of));
    });
    for (const [reason, count] of [['elsewhere', this.elsewhere], ['later', this.later], ['deleted', this.deleted], ['many', this.many], ['combined', this.combined.length ? this.rows : 0]])
      if (count) notHere.push({ reason, count });
    const order = Object.keys(pack?.codes ?? {}), content = this.wrongHeader ? [] : tally.told(order);
    return { rows: this.read, findings: [...this.file.told(order), ...content], notHere, pack };
  }
}

const sum = (of) => of.reduce((total, one) => total + one.rows, 0);
const lines = (of) => [of.reduce((a, b) => (a.line < b.line ? a : b)).line];

/** 53 bits of a text (cyrb53): two rows of one key are compared by it. */
function hash(text) {
  let a = 0xdeadbeef, b = 0x41c6ce57;
  for (let at = 0; at < text.length; at += 1) {
    const sign = text.charCodeAt(at);
    a = Math.imul(a ^ sign, 2654435761);
    b = Math.imul(b ^ sign, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return 4294967296 * (2097151 & b) + (a >>> 0);
}

/** Reads pieces of text; `packFor` gives the pack of a dataflow: the one that is `chosen`, or that the first row names. */
export async function check(pieces, packFor, chosen = '', seen = () => {}) {
  const records = new Records();
  let reading = null;
  const take = async (piece, last) => {
    for (const record of records.of(piece, last)) {
      if (!reading) {
        if (!record.cells) throw new NotHere('form');
        reading = new Reading(record.cells, record.line);
        reading.separator = records.separator;
        continue;
      }
      if (!reading.sound(record)) continue;
      if (!reading.pack) {
        const flow = chosen || reading.flow(record.cells);
        if (!flow) throw new NotHere('dataflow');
        reading.bind(await packFor(flow), chosen ? null : flow);
      }
      reading.row(record);
    }
    seen(reading?.read ?? 0);
  };
  let first = true;
  for await (const piece of pieces) {
    await take(first ? piece.replace(/^\uFEFF/, '') : piece, false);
    first = false;
  }
  await take('', true);
  if (!reading) throw new NotHere('form');
  return reading.done();
}

// --- the page ----------------------------------------------------------------------------------------------------

const made = (tag, className, ...inside) => {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...inside);
  return element;
};

/** The text of a file, piece by piece; its bytes are counted on the way. */
async function* texts(file, counted) {
  const head = new Uint8Array(await file.slice(0, 2).arrayBuffer()), mark = head[0] * 256 + head[1];
  const decoder = new TextDecoder({ 0xFFFE: 'utf-16le', 0xFEFF: 'utf-16be' }[mark] ?? 'utf-8', { fatal: true });
  const reader = file.stream().getReader();
  try {
    for (let { value, done } = await reader.read(); !done; { value, done } = await reader.read()) {
      counted(value.length);
      yield decoder.decode(value, { stream: true });
    }
    yield decoder.decode();
  } catch (fault) {
    throw fault instanceof TypeError ? new NotHere('encoding') : fault;
  } finally { reader.cancel(); }
}

class Page {
  constructor(form, box) {
    Object.assign(this, { form, box, words: JSON.parse(box.dataset.words), turn: 0 });
    this.number = (value) => value.toLocaleString(document.documentElement.lang);
    form.addEventListener('change', ({ target }) => target.matches('#file, #provider, #dataflow') && this.look());
  }

  fill(template, values) {
    return template.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? '');
  }

  async look() {
    const turn = this.turn += 1, [file] = this.form.elements.file.files, { provider, dataflow } = this.form.elements;
    this.box.hidden = !file;
    if (!file) return;
    let bytes = 0;
    const bar = made('progress', ''), count = made('p', 'how');
    bar.max = file.size;
    this.box.replaceChildren(made('h3', '', this.words.title), bar, count);
    const seen = (rows) => {
      if (turn !== this.turn) throw new NotHere('stopped');
      bar.value = bytes;
      count.textContent = this.fill(this.words.reading, { rows: this.number(rows) });
    };
    try {
      const pieces = texts(file, (size) => { bytes += size; });
      this.show(await check(pieces, (flow) => this.pack(flow, provider.value), dataflow.value, seen));
    } catch (fault) {
      if (turn !== this.turn) return;
      const why = fault instanceof NotHere ? fault.message : 'failed';
      this.box.replaceChildren(made('h3', '', this.words.title), made('p', '', this.words.not[why] ?? this.words.not.failed));
    }
  }

  async pack(flow, provider) {
    const address = this.box.dataset.rules.replace('DATAFLOW', encodeURIComponent(flow));
    const asked = new URLSearchParams({ lang: document.documentElement.lang, ...(provider && { provider }) });
    const answer = await fetch(`${address}?${asked}`);
    if (!answer.ok) throw new NotHere('dataflow');
    return answer.json();
  }

  show({ rows, findings, notHere, pack }) {
    const { words } = this, list = made('ol', 'findings', ...findings.map((one) => this.finding(one, pack)));
    const not = notHere.map(({ reason, count }) => made('li', '', this.fill(words.not[reason], { count: this.number(count) })));
    const said = findings.length ? words.found : words.nothing;
    this.box.replaceChildren(
      made('h3', '', words.title),
      made('p', '', this.fill(said, { rows: this.number(rows), findings: this.number(findings.length) })),
      list, made('h4', '', words.unchecked), made('ul', 'unchecked', ...not),
    );
  }

  finding({ code, component, value, count, line, column, values }, pack) {
    const { words } = this, severity = pack?.codes[code] ?? 'error', told = pack?.messages ?? {};
    const variant = values.distinctValues ? 'several' : values.reason;
    const template = told[`${code}.${variant}`] ?? told[code] ?? words.messages[code] ?? code;
    const rows = count === 1 ? words.row : this.fill(words.rows, { count: this.number(count) });
    const where = this.fill(column ? words.cell : words.line, { line: this.number(line), column });
    const help = made('a', '', words.why);
    help.href = this.box.dataset.help.replace('CODE', code);
    return made('li', `finding ${severity}`,
      made('p', 'kicker', made('span', 'severity', words[severity]), made('span', '', rows), made('span', '', where)),
      made('h4', '', this.fill(template, { component, value, count, ...values })),
      made('p', 'code', made('code', '', code), help));
  }
}

if (typeof document !== 'undefined') {
  const box = document.querySelector('[data-check]');
  if (box) new Page(box.closest('form'), box);
}

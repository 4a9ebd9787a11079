/* What a value is by the pack, and the findings that add up: by code, component and value, with the first line. */

import { isInstant, kindOf } from './records.js';

const OWN = 100; // wrong values of a component that are told one by one
const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/;
const GROUPED = /^[+-]?[1-9]\d{0,2}(\.\d{3})+$/;
const COMMA = /^[+-]?\d*,\d+([eE][+-]?\d+)?$/;
const COMMAS = /^([+-]?\d+(,\d+)?|NaN|#N\/A|)$/;
const FRACTION = /^[+-]?(\d+,(\d{1,2}|\d{4,})|(0|\d{4,}),\d{3})$/;

// --- findings ----------------------------------------------------------------------------------------------------

export class Tally {
  constructor() { this.groups = new Map(); }

  add(code, component, value, line, column, values = {}, count = 1) {
    const name = JSON.stringify([code, component, values.frequency ?? '', value]);
    const found = this.groups.get(name);
    if (found) { found.count += count; found.line = Math.min(found.line, line); }
    else this.groups.set(name, { code, component, value, count, line, column, values });
  }

  /** The findings, those with most rows first; of one component the values beyond the first hundred together. */
  told(order) {
    const all = [...this.groups.values()].sort((a, b) => b.count - a.count), own = new Map(), told = [];
    for (const one of all) {
      const name = JSON.stringify([one.code, one.component, one.values.frequency ?? '']);
      const seen = own.get(name) ?? { count: 0, rest: null };
      own.set(name, seen);
      if (one.value === null || (seen.count += 1) <= OWN) { told.push(one); continue; }
      if (!seen.rest) told.push(seen.rest = { ...one, value: null, count: 0, values: { ...one.values, distinctValues: 0 } });
      seen.rest.count += one.count;
      seen.rest.values.distinctValues += 1;
      seen.rest.line = Math.min(seen.rest.line, one.line);
    }
    return told.sort((a, b) => order.indexOf(a.code) - order.indexOf(b.code) || b.count - a.count);
  }
}

// --- the columns -------------------------------------------------------------------------------------------------

export class Column {
  constructor(given, at, pack, tally) {
    Object.assign(this, given);
    this.at = at;
    this.known = new Map(); this.indices = new Map();
    this.number = this.kind === 'number' || this.kind === 'integer';
    this.codes = pack.lists[given.list] && new Set(pack.lists[given.list]);
    this.limits = [['outside_constraint', given.allowed], ['not_your_area', given.granted]]
      .filter(([, codes]) => codes).map(([code, codes]) => [code, new Set(codes)]);
    this.inKey = given.role === 'dimension' || given.role === 'time';
    this.purpose = this.inKey ? pack.missing.key : pack.missing.other;
    this.pack = pack;
    this.tally = tally;
    this.points = 0; this.grouped = new Map(); this.groupedRows = 0; this.groupedBad = false; this.commas = [];
    this.isDecimal = true; this.fraction = false; this.commaRows = 0;
  }

  /** What a text is, judged when it is first met: {index, text, faults, kind, sound}; index -1 says nothing. */
  of(given) {
    let found = this.known.get(given);
    if (found === undefined) {
      found = this.judged(given);
      if (this.kind !== 'text' || this.known.size < 1e5) this.known.set(given, found);
    }
    return found;
  }

  judged(given) {
    const text = this.trimmed ? given.trim() : given, faults = [];
    if (text !== given) faults.push(['surrounding_blanks', null, {}]);
    if (text === this.purpose) {
      if (this.inKey) faults.push(['partial_key', text, {}]);
      return { index: -1, text: '', faults, kind: '', sound: false };
    }
    if (text === '') {
      if (this.mandatory) faults.push(['missing_value', '', {}]);
      return { index: -1, text, faults, kind: '', sound: false };
    }
    const isCode = !this.codes || this.codes.has(text);
    if (!isCode) faults.push(['unknown_code', text, { codelist: this.list }]);
    for (const [code, limit] of this.limits) {
      const values = this.codes ? { codelist: this.list } : { reason: 'value' };
      if (!limit.has(text) && isCode) faults.push([code, text, values]);
    }
    let kind = '';
    if (this.kind === 'period') kind = kindOf(text);
    if (this.kind === 'instant') kind = { true: 'I', false: '', null: null }[isInstant(text)];
    if (kind === '' && (this.kind === 'period' || this.kind === 'instant')) {
      const example = this.kind === 'instant' ? '2023-01-31T12:00:00Z' : '2023, 2023-Q1, 2023-01, 2023-01-31';
      faults.push(['invalid_period', text, { example }]);
    }
    if (!this.indices.has(text)) this.indices.set(text, this.indices.size);
    return { index: this.indices.get(text), text, faults, kind, sound: isCode };
  }

  /** A cell of a numeric column; what the service would compare it as. */
  counted(given, line, hidden) {
    const text = given.trim(), fault = (value = text) => [hidden ? null : value, line];
    this.commaRows += text.includes(',');
    this.isDecimal &&= COMMAS.test(text);
    this.fraction ||= FRACTION.test(text);
    if (text === '' || text === this.pack.missing.number || text === this.pack.missing.other) {
      if (given === '' && this.mandatory) this.tell('missing_value', '', line);
      return '';
    }
    if (text.includes('.')) {
      this.points += 1;
      if (GROUPED.test(text)) this.groupedRows += 1;
    }
    const isNumber = NUMBER.test(text) && Number.isFinite(+text) && (this.kind !== 'integer' || +text % 1 === 0);
    if (this.points && this.points === this.groupedRows && GROUPED.test(text)) {
      this.groupedBad ||= !isNumber;
      const [value] = fault(), seen = this.grouped.get(value) ?? { count: 0, line };
      seen.count += 1;
      if (isNumber) this.grouped.set(value, seen);
    } else if (this.grouped.size && this.points !== this.groupedRows) {
      this.grouped.clear();
    }
    if (isNumber) return String(+text);
    if (COMMA.test(text)) { this.commas.push(fault()); return text.replace(',', '.'); }
    this.tell('not_a_number', ...fault(), { type: this.type });
    return '';
  }

  tell(code, value, line, values = {}, count = 1) {
    const more = value === null && code === 'not_a_number' ? { value: '(confidential)' } : {};
    this.tally.add(code, this.id, value, line, this.at + 1, { ...values, ...more }, count);
  }

  done(decimalComma) {
    if (!this.number) return;
    for (const [value, line] of decimalComma ? [] : this.commas) this.tell('not_a_number', value, line, { type: this.type });
    if (!this.points || this.points !== this.groupedRows) return;
    for (const [value, { count, line }] of this.grouped) {
      if (this.groupedBad) this.tell('not_a_number', value, line, { type: this.type }, count);
      else if (this.kind !== 'integer') this.tell('grouped_by_points', null, line, {}, count);
    }
  }
}

"""Every way to damage a row that a rule names is found: a row of each (bench/mutations.py tries more)."""

import pytest
from conftest import sent
from mutated import KINDS, opened, read_here, scores, told
from sound_tables import tables

TABLES = {table.name: table for table in tables()}


@pytest.fixture(scope="module")
def exchange(tmp_path_factory):
    with read_here(), opened(tmp_path_factory.mktemp("mutations") / "run", list(TABLES.values())) as made:
        yield made


def test_there_are_enough_kinds():
    assert len({kind.name for kind in KINDS}) == len(KINDS) >= 40
    assert all(kind.named != bool(kind.unseen) for kind in KINDS)


@pytest.mark.parametrize("name", TABLES)
def test_the_tables_are_sound(exchange, name):
    report = exchange.check(sent(TABLES[name].csv(TABLES[name].rows), TABLES[name].provider))
    assert {finding.severity for finding in report.findings} <= {"information"}, told(report)


@pytest.mark.parametrize("name", TABLES)
def test_what_a_rule_names_is_found(exchange, name):
    for kind, score in scores(exchange, TABLES[name], [kind for kind in KINDS if kind.named], most=1):
        assert score.found == score.tried, (kind.name, score.missed)


def test_every_kind_is_tried_in_some_table():
    for kind in KINDS:
        assert any(
            kind.damage(table.rows, i) is not None
            for table in TABLES.values()
            for i in range(len(table.rows))
        ), kind.name

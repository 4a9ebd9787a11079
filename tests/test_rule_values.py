"""Rules have the values that their checks take: a rule that does not is refused as the service starts."""

import ast
import inspect
import sys
from dataclasses import replace
from functools import cache

import pytest

from migdx.checks.asked import ASKED, asked
from migdx.checks.judging import BY_NAME, wanted
from migdx.errors import StructureFault
from migdx.folders import shipped_structures
from migdx.registry import load_structures
from migdx.rulebook import bound, read_rules

OF_NEEDS = {"related": {"dataflow"}, "partners": {"dataflow", "area"}, "control": {"table"}}
"""What supply takes of a rule."""

BY_PARTS = {"code_not_valid_then": {"from", "to"}, "unusual_ratio": {"lower", "upper"}}
BY_PARTS["crude_rate"] = BY_PARTS["unusual_ratio"]
"""Names that the code puts together."""


@cache
def taken(module, name):
    """The names of the values that a function or class takes from its rule, what it uses among them."""
    found = set()
    top = {
        node.name: node for node in ast.parse(inspect.getsource(sys.modules[module])).body if has_name(node)
    }
    inside, others = set(), {}
    todo = [name]
    while todo:
        for node in ast.walk(top[todo.pop()]):
            used = getattr(node, "id", None) if isinstance(node, ast.Name) else None
            if used in top and used not in inside:
                inside.add(used)
                todo.append(used)
            elif used:
                others[used] = getattr(sys.modules[module], used, None)
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "value" and node.args:
                found |= {node.args[0].value} if isinstance(node.args[0], ast.Constant) else set()
            if isinstance(node, ast.Attribute) and node.attr == "component" and ends(node) == "rule":
                found.add("component")
    for own in others.values():
        home = getattr(own, "__module__", None) or ""
        if home.startswith("migdx.checks.") and home != module and hasattr(own, "__name__"):
            found |= taken(home, own.__name__)
    return found


def has_name(node):
    return isinstance(node, ast.FunctionDef | ast.ClassDef)


def ends(node):
    return getattr(node.value, "attr", getattr(node.value, "id", ""))


@pytest.mark.parametrize("check", sorted(BY_NAME))
def test_the_table_says_what_the_code_takes(check):
    needed, more = asked(check)
    own = taken(BY_NAME[check][0].__module__, check) | BY_PARTS.get(check, set())
    own = own.union(*(OF_NEEDS.get(need, ()) for need in wanted(check)))
    assert not needed & more
    assert needed | more | {"component"} == own | {"component"}
    assert set(ASKED) == set(BY_NAME)


RANGE = """
[[rule]]
id = "S08"
check = "outside_range"
level = 1
severity = "error"
lower = 0
upper = 100
"""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (RANGE.replace("lower = 0\n", ""), r"own\.rules\.toml: rule S08 .* lacks the value lower; expected"),
        (
            RANGE + "uper = 100\n",
            r"own\.rules\.toml: rule S08 .* has the value uper; expected: except, lower",
        ),
        (RANGE.replace("outside_range", "outside"), r"own\.rules\.toml: rule S08 names the check outside"),
    ],
)
def test_a_rule_that_does_not_fit_its_check_is_refused(tmp_path, text, reason):
    (tmp_path / "own.rules.toml").write_text(text)
    with pytest.raises(StructureFault, match=reason):
        read_rules([tmp_path])


def test_values_of_a_whole_file_are_for_those_that_take_them(tmp_path):
    (tmp_path / "own.rules.toml").write_text("[values]\nrelative = 0.5\nupper = 1\n" + RANGE)
    (rule,) = read_rules([tmp_path])
    assert (rule.values["relative"], rule.values["upper"]) == (0.5, 100)


def test_a_kept_book_without_its_control_table_or_check_is_told():
    book, registry = read_rules(shipped_structures()), load_structures()
    with pytest.raises(StructureFault, match="names the control table UN_"):
        bound(replace(book, controls={}), registry)
    with pytest.raises(StructureFault, match="names the check gone"):
        bound(replace(book, rules=(replace(book.rules[0], check="gone"),)), registry)

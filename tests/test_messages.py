"""The message catalogue: every finding has its sentence in every language, and help."""

import ast
import re
import string
from pathlib import Path

import pytest

import migdx
from migdx import checks
from migdx.report import Finding, catalogue, message, told
from migdx.web.help import entries
from migdx.web.wording import LANGUAGES, _phrases

PACKAGE = Path(migdx.__file__).parent
CALLS = {"Finding", "finding", "_only_one"}
CODE = re.compile(r"[a-z]+(_[a-z0-9]+)*\Z")
ALWAYS_THERE = {"component", "value", "count"}

CHECKS = {checks.name(check) for check in checks.ALWAYS} | set(checks.BY_NAME)
REASON = "not_checked."
"""What the keys of sentences begin with that say why a rule could not run."""

each_language = pytest.mark.parametrize("language", LANGUAGES)


def code_of(node):
    """The code that a call gives to a finding, None where it is no such call or the code is a variable."""
    name = getattr(node.func, "id", getattr(node.func, "attr", ""))
    first = node.args[0] if node.args else None
    given = first.value if isinstance(first, ast.Constant) else None
    return given if name in CALLS and isinstance(given, str) and CODE.match(given) else None


def found():
    """code -> the words that its module gives to findings: the keys of dicts, and of keywords."""
    words = {}
    for path in PACKAGE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        codes = {code for node in calls if (code := code_of(node))}
        if path.parent.name == "checks":
            functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
            codes |= functions & CHECKS
        keys = {
            key.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Dict)
            for key in node.keys
            if isinstance(key, ast.Constant)
        }
        keys |= {keyword.arg for node in calls for keyword in node.keywords}
        for code in codes:
            words.setdefault(code, set()).update(keys)
    return words


def reasons():
    """Why rules say that they could not run, as far as it is said where they do, and every text there is."""
    given, strings = set(), set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                strings.add(node.value)
            first = node.args[0] if isinstance(node, ast.Call) and node.args else None
            if isinstance(first, ast.Constant) and ast.unparse(node.func) in (
                "NotChecked",
                "NotChecked.of",
                "Given.nothing",
            ):
                given.add(first.value)
    return given, strings


FOUND = found()
REASONS, STRINGS = reasons()


def test_the_codes_are_found():
    assert {
        "unreadable",
        "unknown_code",
        "unclosed_quote",
        "append_changes_existing",
    } <= set(FOUND)
    assert set(FOUND) >= CHECKS


@each_language
def test_every_code_has_its_sentence_and_no_sentence_is_left_over(language):
    known = {code for code in catalogue(language) if not code.startswith(REASON)}
    plain = {code for code in known if "." not in code}
    assert plain == set(FOUND)
    assert {code.partition(".")[0] for code in known} == plain


@each_language
def test_every_reason_not_to_check_has_its_sentence_and_none_is_left_over(language):
    known = {code.removeprefix(REASON) for code in catalogue(language) if code.startswith(REASON)}
    assert known >= REASONS
    assert known <= STRINGS


def test_the_languages_say_the_same():
    assert len({frozenset(catalogue(language)) for language in LANGUAGES}) == 1
    phrases = {frozenset(_phrases(language)) for language in LANGUAGES}
    assert len(phrases) == 1
    assert len({frozenset(told(language, "copies")) for language in LANGUAGES}) == 1


@each_language
def test_sentences_use_only_words_that_their_check_gives(language):
    for code, template in catalogue(language).items():
        if code.startswith(REASON):
            continue
        used = {name for _, name, _, _ in string.Formatter().parse(template) if name}
        assert used <= FOUND[code.partition(".")[0]] | ALWAYS_THERE, code


@each_language
def test_every_code_has_help(language):
    known = entries(language)
    assert set(known) == set(FOUND)
    for code, help in known.items():
        assert all((help.fault, help.why, help.fix, help.example)), code


def test_a_message_is_in_the_best_language():
    finding = Finding("unknown_code", component="SEX", value="Female", expected={"codelist": "A:B(1.0)"})
    assert (
        message(finding, ("fr-CA", "en")) == "SEX n’a pas de code « Female » ; attendu : un code de A:B(1.0)."
    )
    assert message(finding, ("xx",)) == "SEX has no code 'Female'; expected a code of A:B(1.0)."

"""Reports in their forms: as JSON with links to the others, as a page, as ValidatReport; and their schema."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.resources import files

from flask import Blueprint, Response, request

from ..errors import NotFound
from ..formats.content import WORKBOOKS
from ..formats.validat import validations
from ..report import SCHEMA, Report
from ..rules import Rule
from . import help, pages, sending
from .frame import served

blueprint = Blueprint("reports", __name__)

_PATHS = {"csv": "findings.csv", "rejected": "rejected", "annotated": "annotated", "validat": "validat"}
"""Where a submission has the forms of its report."""


@blueprint.get(SCHEMA)
def schema() -> Response:
    """The JSON Schema of a report, and of the events of a check that is followed."""
    body = files("migdx").joinpath("schemas", "report.json").read_bytes()
    headers = {"Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=3600"}
    return Response(body, headers=headers, content_type="application/schema+json")


def given(report: Report, form: str = "json", submission: str = "") -> Response:
    """A report in one of sending.FORMS that is no copy; the links are those of a submission if it has one."""
    if form == "html":
        return pages.render_report(report, submission)
    wanted = sending.asked_languages()
    if form == "validat":
        trigger = f"submission {submission}" if submission else "check"
        at = datetime.fromisoformat(report.rules["at"]) if "at" in report.rules else datetime.now(UTC)
        known = help.entries(wanted[0])

        def explained(code: str) -> str:
            return known[code].fault if code in known else code  # an old report may name a check that is gone

        told = validations(report, _rules(report), at, trigger, explained, wanted)
        return sending.json(told)
    exported = exports(submission, str(report.subject.get("format")))
    return sending.json({**report.as_dict(wanted), "exports": exported})


def exports(submission: str, format: str) -> dict[str, str]:
    """Addresses of other forms: of a submission to GET, of a check to POST the file to once more."""
    names = [name for name in _PATHS if name != "annotated" or format in WORKBOOKS]
    if submission:
        paths, base = {**_PATHS, "receipt": "receipt"}, f"{request.script_root}/submissions/{submission}"
        return {name: f"{base}/{paths[name]}" for name in (*names, "receipt")}
    return {name: f"{request.script_root}/check?format={name}" for name in names}


def _rules(report: Report) -> list[Rule]:
    """The rules that a report was made by, none where they are not those of now."""
    exchange = served()
    registry, book = exchange.registry, exchange.rules(exchange.registry)
    if book.digest != report.rules.get("pack"):
        return []
    found: dict[str, Rule] = {}
    for part in report.subject.get("parts", (report.subject,)):
        try:
            schema = registry.schema(registry.dataflow(part["dataflow"] or "").reference)
        except NotFound:
            continue
        found |= {rule.id: rule for rule in book.of_schema(schema)}
    return list(found.values())

"""The pages, for people: what is here, one movement seen from both sides, queries to copy, a file to check.

Plain HTML that needs no script. What they say of the subject comes from the structures, and from pages.toml
beside them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Blueprint, Response, current_app, make_response, request, url_for
from markupsafe import Markup, escape

from ..errors import NotFound, SyntaxFault
from ..formats.content import WORKBOOKS
from ..public import Public
from ..report import Report
from ..rule_pack import READING, messages
from ..schema import Schema, SchemaComponent
from ..structures import Dataflow, Item
from . import pair, samples, sending, structure_pages
from .coverage import Coverage, coverage
from .findings import SHOWN, sections
from .frame import base, drawn, kept, link, providers, said, served, static
from .help import Help, entries, is_check, is_rule_check
from .help_examples import sentence, specimen, used_by
from .mirror import every, mirror, view
from .report_sections import drawn_sections, unchecked
from .wording import Words, collated

blueprint = Blueprint("pages", __name__)
blueprint.register_blueprint(structure_pages.blueprint)

LISTED = 40
"""A component's codes are written out on the page of a dataflow up to this many."""


# --- the pages ----------------------------------------------------------------------


@blueprint.get("/")
def index() -> Response:
    """The first page."""
    exchange, words = served(), Words.of(request)
    public = exchange.public()

    def page() -> str:
        coverages = [coverage(exchange, flow, public) for flow in exchange.registry.of(Dataflow)]
        coverages.sort(key=lambda covered: not covered.shares)  # what there is comes first
        about = words.text(said().get("site", {}).get("about", {}))
        return drawn(
            "index.html", words, about=about, coverages=coverages, choices=_choices(words),
            **_both_sides(coverages, words, public),
        )  # fmt: skip

    return kept(page, words, public)


def _both_sides(coverages: list[Coverage], words: Words, public: Public) -> dict[str, Any]:
    """The pair of areas that the URL asks for, what else may be asked, and the queries for it."""
    exchange = served()
    sides = mirror(said(), exchange)
    if sides is None:
        return {}
    told = next(covered for covered in coverages if covered.dataflow is sides.dataflow)
    a, b = pair.chosen(sides, told, (request.args.get("from", ""), request.args.get("to", "")))
    seen = view(sides, exchange, a, b, public)
    queries = samples.data_queries(words, base(), sides.dataflow, seen.keys[0]) if seen.rows else ()
    return {
        "pair": pair.told_of(seen, told, words),
        "offered": pair.offered(sides, told, words),
        "queries": queries,
    }


@blueprint.get("/mirror.csv")
def mirrors() -> Response:
    """What both sides say of all pairs of areas."""
    exchange, words = served(), Words.of(request)
    public, sides = exchange.public(), mirror(said(), exchange)
    if sides is None:
        raise NotFound("No two series are compared here: pages.toml names none")

    def page() -> Response:
        heads = [words.text(text) for text in (sides.texts["from"], sides.texts["to"])]
        heads += (words.text(side.short) for side in sides.sides)
        return Response(every(sides, exchange, public, heads), content_type="text/csv; charset=utf-8")

    return kept(page, words, public)


@blueprint.get("/dataflows/<agency>/<id>")
def dataflow(agency: str, id: str) -> Response:
    """A dataflow: what it is, who released what, how it is built, how to ask for it."""
    exchange, words = served(), Words.of(request)
    public = exchange.public()
    found = [flow for flow in exchange.registry.of(Dataflow) if (flow.agency, flow.id) == (agency, id)]
    if not found:
        raise NotFound(f"There is no dataflow {agency}:{id}")
    flow = found[-1]
    schema = exchange.registry.schema(flow.reference)

    def page() -> str:
        covered = coverage(exchange, flow, public)
        key, code = _slice(schema, covered)
        return drawn(
            "dataflow.html", words, flow=flow, schema=schema, coverage=covered,
            description=words.text(flow.descriptions) or words.text(schema.dsd.descriptions),
            shares=sorted(covered.shares, key=lambda share: collated(words.name(share.provider))),
            notes=list(dict.fromkeys(s.release.note for s in covered.shares if s.release and s.release.note)),
            components=[(component, _codes(component, words)) for component in schema.components],
            queries=samples.dataflow_queries(words, base(), flow, key, code),
        )  # fmt: skip

    return kept(page, words, public)


@blueprint.get("/help")
def help_index() -> Response:
    """Every finding there may be."""
    words = Words.of(request)

    def page() -> str:
        known = entries(words.language)
        kinds = [(code, help, is_check(code), is_rule_check(code)) for code, help in known.items()]
        sections = (
            (words("help_content"), [(code, help) for code, help, always, _ in kinds if always]),
            (words("help_by_rule"), [(code, help) for code, help, _, ruled in kinds if ruled]),
            (words("help_reading"), [(code, help) for code, help, *known in kinds if not any(known)]),
        )
        return drawn("help_index.html", words, sections=sections)

    return kept(page, words)


@blueprint.get("/help/<code>")
def help(code: str) -> Response:
    """What a finding means and how to correct it."""
    words = Words.of(request)
    known: Help | None = entries(words.language).get(code)
    if known is None:
        raise NotFound(f"There is no check {code}")

    def page() -> str:
        exchange = served()
        book = exchange.rules(exchange.registry)
        return drawn(
            "help.html", words, code=code, help=known, is_rule_check=is_rule_check(code),
            rules=used_by(code, book, words), specimen=specimen(code, words),
            message=sentence(code, exchange, words.language),
        )  # fmt: skip

    return kept(page, words)


@blueprint.post("/check/report")
def check() -> Response:
    """Checks a file without an account, and shows the report.

    Nothing outlives the request: the form's file is in memory up to 500 KB, beyond that in a temporary file
    that werkzeug opens without a name (tempfile.TemporaryFile), which is gone when it is closed.
    """
    words, form = Words.of(request), request.form.get("format", "html")
    file = request.files.get("file")
    if file is None or not file.filename:
        raise SyntaxFault(words("check_no_file"))
    try:
        with sending.sent() as sent:
            if form in ("annotated", "rejected"):
                found = served().examined(sent)
                return sending.copy(served(), form, sent, found, words.languages)
            return render_report(served().check(sent))
    finally:
        file.close()


def render_report(report: Report, submission: str = "") -> Response:
    """The page of a report in the language of the request; that of a `submission` has its copies."""
    from .settling import settled  # which answers with this page

    words, subject = Words.of(request), report.subject
    tense = "was" if submission or subject.get("submission") else "would"
    text = (
        "rejected_text"
        if report.verdict == "rejected"
        else "accepted_some_text"
        if report.findings
        else "accepted_text"
    )
    names = (
        "received",
        "accepted",
        "rejected",
        "errors",
        "warnings",
        *(["waived"] if report.counts.waived else []),
    )
    about = {
        "file_name": subject.get("fileName"), "dataflow": subject.get("dataflow"),
        "provider": subject.get("provider"), "format": subject.get("format"), "digest": subject.get("sha256"),
    }  # fmt: skip
    if subject.get("bytes") is not None:
        about["size"] = words("bytes", count=words.number(subject["bytes"]))
    page = drawn(
        "report.html", words, report=report, sections=sections(report, words),
        verdict=words(f"{tense}_{report.verdict}"),
        verdict_text=words(text) if tense == "would" or report.verdict == "rejected" else "",
        counts=[(words(name), getattr(report.counts, name)) for name in names],
        subject=[(words(name), value) for name, value in about.items() if value],
        told=drawn_sections(report, words), unchecked=unchecked(report, words),
        hidden=max(0, len(report.findings) - SHOWN), levels=report.levels(),
        choices=_choices(words), submission=submission, is_workbook=subject.get("format") in WORKBOOKS,
        settled=settled(served(), submission) if submission else {},
        needs_token=current_app.extensions["migdx-token"] is not None,
    )  # fmt: skip
    response = make_response(page)
    response.headers["Cache-Control"] = "no-store"
    return response


def render_fault(reason: str) -> str:
    """The page that says why there is no other."""
    return drawn("fault.html", Words.of(request), reason=reason)


@blueprint.app_template_filter("ticks")
def _ticks(text: str) -> Markup:
    """`code` in backticks as <code>."""
    parts = [escape(part) for part in text.split("`")]
    return Markup().join(
        Markup("<code>{}</code>").format(part) if at % 2 else part for at, part in enumerate(parts)
    )


# --- the other parts ----------------------------------------------------------------------


def _choices(words: Words) -> dict[str, Any]:
    """What the form that checks a file offers."""
    flows = served().registry.of(Dataflow)
    return {
        "action": link(words, "pages.check"), "providers": providers(words),
        "dataflows": [(flow.reference.short, words.name(flow)) for flow in flows],
        "provider": request.form.get("provider", ""), "dataflow": request.form.get("dataflow", ""),
        "form": request.form.get("format", "html"),
        "command": samples.check_command(f"{base()}/check"),
        "rules": url_for("packs.pack", name="DATAFLOW.json"), "script": static("check.js"),
        "help": link(words, "pages.help", code="CODE"), "messages": messages(words.language, READING),
    }  # fmt: skip


def _codes(component: SchemaComponent, words: Words) -> list[tuple[str, str]]:
    """The codes that may be sent, with their names, when they are few."""
    items: Iterable[Item] = component.codelist.items if component.codelist else ()
    valid = [item for item in items if item.id in component.valid]
    return [(item.id, words.name(item)) for item in valid] if len(valid) <= LISTED else []


def _slice(schema: Schema, covered: Coverage) -> tuple[str, str]:
    """A key for a part of what there is: one code of the dimension that splits it most; and that code."""
    codes = {dimension.id: covered.codes(dimension.id) for dimension in schema.series_dimensions}
    widest = max(codes, key=lambda id: len(codes[id]), default="")
    if not codes.get(widest):
        return "", ""
    code = min(codes[widest])
    key = ".".join(code if dimension.id == widest else "*" for dimension in schema.series_dimensions)
    return key, f"{widest} {code}"

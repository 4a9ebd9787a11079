"""SDMX-JSON: what all artefacts have: ids, names, annotations, links; and contacts.

sdmx-json v2.0.0 and v2.1.0, structure-message/docs/1-sdmx-json-field-guide.md. `uri` is that of the link to
the artefact itself.
"""

from __future__ import annotations

from typing import Any

from ..structures import Annotation, Contact, Identifiable, Link, Maintainable
from .json2_urns import class_of, has_urn, instant, take_id, take_path, take_version, urn_told
from .json_shapes import (
    By,
    Json,
    Part,
    Reading,
    Shape,
    Told,
    Words,
    each,
    flag,
    many,
    only_written,
    take_object,
    take_text,
    text,
)

# --- annotations -------------------------------------------------------------------------------------------


_OLD_TAGS = ("en-GB-oed", "sgn-BE-FR", "sgn-BE-NL", "sgn-CH-DE")


def language_told(tag: str) -> str:
    """Where the schema wants a tag in small letters, but for some that were registered before."""
    return tag if tag in _OLD_TAGS else tag.lower()


def _write_urls(value: Annotation, into: Json, told: Told) -> None:
    """As links of relation `self`, the only one that readers look for."""
    links = [
        {"href": url, "rel": "self", **({"hreflang": language_told(language)} if language else {})}
        for language, url in value.urls.items()
    ]
    if links:
        into["links"] = links


def _read_urls(given: Json, into: Json, reading: Reading) -> None:
    urls: dict[str, str] = {}
    for link in links_of(given, reading):
        language = link.get("hreflang", "")
        if language in urls:
            reading.skip("links", f"has more than one address in the language '{language}'")
        elif url := link.get("href") or link.get("uri"):
            urls[language] = url
    if urls:
        into["urls"] = urls


_LINK = frozenset(("href", "rel", "urn", "uri", "title", "titles", "type", "hreflang"))


def links_of(given: Json, reading: Reading) -> list[dict[str, str]]:
    """The links of an object, with those properties that are text."""
    if "links" not in given:
        return []

    def take(link: Any, reading: Reading) -> dict[str, str]:
        found: dict[str, str] = take_object(link, reading)
        for name, value in found.items():
            if name not in _LINK:
                reading.skip(name)
            elif name != "titles" and type(value) is not str:
                reading.steps.append(name)
                raise reading.wrong("a text", value)
        return found

    links: list[dict[str, str]] = reading.part(given, "links", each(take))
    return links


ANNOTATION = Shape(
    Annotation,
    (
        text("id"),
        text("title"),
        text("type"),
        text("value", since="2.0"),
        Words("text", "texts", "texts"),
        By(("links",), _write_urls, _read_urls),
    ),
)

ANNOTATED: Part = many("annotations", "annotations", ANNOTATION)


# --- links -------------------------------------------------------------------------------------------------


def _write_links(value: Any, into: Json, told: Told) -> None:
    links: list[Json] = []
    if isinstance(value, Maintainable):
        own = urn_told(value, told)
        if own:
            links.append({"rel": "self", "urn": own, "type": value.kind.lower()})
        addresses = (("structure", value.structure_url), ("service", value.service_url))
        links += [{"rel": rel, "href": url, "type": value.kind.lower()} for rel, url in addresses if url]
    if uri := getattr(value, "uri", ""):  # which only what has an id has
        if not links or "urn" not in links[0]:
            links.insert(0, {"rel": "self", "href": uri})
        links[0]["uri"] = uri
    for link in value.links:
        pairs = (("href", link.url), ("urn", link.urn), ("type", link.type))
        # the schema demands an address, which XML may leave empty
        parts = {name: given for name, given in pairs if given or (name == "href" and not link.urn)}
        if link.urn and not has_urn(class_of(link.urn), told):
            parts |= {"href": parts.pop("urn"), **({"uri": link.url} if link.url else {})}
        links.append({"rel": link.rel, **parts})
    if links:
        into["links"] = links


def _read_links(given: Json, into: Json, reading: Reading, *, maintained: bool = False) -> None:
    """What is said of the artefact itself is known, but for `uri`; any other link is kept, `self` or not."""
    links: list[Link] = []
    for link in links_of(given, reading):
        rel, url, urn = link.get("rel", ""), link.get("href", ""), link.get("urn", "")
        if rel == "self" and _names_itself(link, into):
            into |= {"uri": link["uri"]} if "uri" in link else {}
        elif maintained and rel in ("structure", "service") and not urn and url:
            into[f"{rel}_url"] = url
        else:
            if url.startswith("urn:sdmx:") and not urn:  # of a class that the schema has no URN for
                url, urn = "", url
            links.append(Link(rel, url or link.get("uri", ""), urn, link.get("type", "")))
            if link.keys() & {"title", "titles", "hreflang"}:
                reading.skip("links", "has titles or languages, which are not kept")
    if links:
        into["links"] = tuple(links)


def _names_itself(link: dict[str, str], known: Json) -> bool:
    """By the URN, which ends in the identity of an artefact, or in the id of an item."""
    if "urn" not in link:
        return "uri" in link and link["uri"] == link.get("href", link["uri"])
    name, id = link["urn"].partition("=")[2], known.get("id", "")
    if "agency" in known:
        return name == f"{known['agency']}:{id}({known.get('version', '1.0')})"
    return bool(id) and name.endswith(f".{id}")


LINKED = By(("links",), _write_links, _read_links)

NAMED_LIKE: tuple[Part, ...] = (
    Words("name", "names", "names", instead="id"),
    Words("description", "descriptions", "descriptions"),
)

IDENTIFIED: tuple[Part, ...] = (text("id", take=take_id, required=True), ANNOTATED, LINKED)
NAMED: tuple[Part, ...] = (text("id", take=take_id, required=True), *NAMED_LIKE, ANNOTATED, LINKED)


def _is_final(artefact: Maintainable, told: Told) -> bool | None:
    if told.version != "1.0" or artefact.kind in ORGANISATION_SCHEMES:  # which are never final
        return None
    return "-" not in artefact.version


def _write_version(artefact: Maintainable, into: Json, told: Told) -> None:
    into["version"] = "1.0" if artefact.kind in ORGANISATION_SCHEMES else artefact.version


def _read_version(given: Json, into: Json, reading: Reading) -> None:
    if "version" in given:
        into["version"] = reading.part(given, "version", take_version)


ORGANISATION_SCHEMES = (
    "AgencyScheme", "DataConsumerScheme", "DataProviderScheme", "MetadataProviderScheme",
    "OrganisationUnitScheme",
)  # fmt: skip
"""Their version is 1.0 always."""

MAINTAINED: tuple[Part, ...] = (
    *NAMED[:-2],
    text("agencyID", "agency", take=take_path, required=True),
    By(("version",), _write_version, _read_version),
    instant("validFrom", "valid_from"),
    instant("validTo", "valid_to"),
    flag("isExternalReference", "is_external", always=True),
    only_written("isFinal", _is_final),
    flag("isPartialLanguage", "is_partial_language", since="2.1"),
    ANNOTATED,
    By(("links",), _write_links, lambda *given: _read_links(*given, maintained=True)),
)

PARTIAL: Part = flag("isPartial", "is_partial")


# --- contacts ----------------------------------------------------------------------------------------------

_DETAILS = {
    "telephones": "Telephone",
    "faxes": "Fax",
    "x400s": "X400",
    "uris": "URI",
    "emails": "Email",
}


def _write_details(contact: Contact, into: Json, told: Told) -> None:
    for name, kind in _DETAILS.items():
        if found := [detail for of, detail in contact.details if of == kind]:
            into[name] = found


def _read_details(given: Json, into: Json, reading: Reading) -> None:
    details: list[tuple[str, str]] = []
    for name, kind in _DETAILS.items():
        if name in given:
            details += [(kind, detail) for detail in reading.part(given, name, each(take_text))]
    if details:
        into["details"] = tuple(details)


CONTACT = Shape(
    Contact,
    (
        text("id", since="2.0"),
        Words("name", "names", "names"),
        Words("department", "departments", "departments"),
        Words("role", "roles", "roles"),
        By(tuple(_DETAILS), _write_details, _read_details),
    ),
)


def noted(id: str, holder: str = "component_lists") -> By:
    """What is noted on a list of components itself: an entry of `holder` by the id of the list."""
    shape = Shape(Identifiable, (ANNOTATED, LINKED))

    def write(value: Any, into: Json, told: Told) -> None:
        for listed in getattr(value, holder):
            if listed.id == id:
                into.update(shape.put(listed, told))

    def read(given: Json, into: Json, reading: Reading) -> None:
        found: Json = {"id": id}
        for part in shape.parts:
            part.read(given, found, reading)
        if len(found) > 1:
            into[holder] = (*into.get(holder, ()), Identifiable(**found))

    return By(("annotations", "links"), write, read)

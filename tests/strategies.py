"""What hypothesis draws from: texts that formats trip over, numbers at their edges, observations, cuts."""

from __future__ import annotations

from hypothesis import strategies as st

Row = dict[str, str | float | None]
"""One observation by component: texts, a number for the measure, None where missing."""

FREQUENCIES = ("A", "Q")
AREAS = ("AA", "BB", "CC")
STATUSES = ("A", "E", "M")
YEARS = tuple(str(year) for year in range(2001, 2008))

odd_texts = st.one_of(
    st.sampled_from(
        ['"', '""', ",", ";", "a,b", "line\nbreak", "cr\rlf\r\n", "\t tab ", "<b>&amp;</b>", "]]>", "=1+1",
         "+1", "@x", "'", "NaN", "NA", "null", "é ü 漢字 🌍", "\u202eright to left", "\x00", "\x1b[31m",
         "\ufffe", "\u2028", " "]
    ),
    st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=20),
)  # fmt: skip

odd_numbers = st.one_of(
    st.sampled_from(
        [0.0, -0.0, 1.0, -1.0, 0.1, 1e-7, 1e10, 12345678901.5, 1e15, 2.0**53, 1e18, 1e21, 1e300, 5e-324]
    ),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(10**12), 10**12).map(float),
)


@st.composite
def observations(draw: st.DrawFn, texts: st.SearchStrategy[str] = odd_texts) -> list[Row]:
    """Rows in natural order, one value per series and component where the structure says so."""
    keys = draw(
        st.lists(
            st.tuples(st.sampled_from(FREQUENCIES), st.sampled_from(AREAS), st.sampled_from(YEARS)),
            unique=True, max_size=25,
        )
    )  # fmt: skip
    source = draw(st.none() | texts)
    titles: dict[tuple[str, str], str | None] = {}
    rows: list[Row] = []
    for frequency, area, year in sorted(keys):
        series = (frequency, area)
        if series not in titles:
            titles[series] = draw(st.none() | texts)
        rows.append({
            "FREQ": frequency, "AREA": area, "TIME_PERIOD": year, "OBS_VALUE": draw(st.none() | odd_numbers),
            "SOURCE": source, "TITLE": titles[series], "DECIMALS": "2" if area == "AA" else None,
            "STATUS": draw(st.none() | st.sampled_from(STATUSES)), "NOTE": draw(st.none() | texts),
        })  # fmt: skip
    return rows


def cuts(size: int) -> st.SearchStrategy[list[int]]:
    """Where to cut `size` rows into batches; a cut twice makes an empty batch."""
    return st.lists(st.integers(0, size), max_size=6).map(sorted)

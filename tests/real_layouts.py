"""What a person answers about two real layouts: German names of areas, and headings of a national office."""

from __future__ import annotations

AREAS = {
    "Belgien": "056", "Bulgarien": "100", "Estland": "233", "Finnland": "246", "Frankreich": "250",
    "Griechenland": "300", "Irland": "372", "Italien": "380", "Lettland": "428", "Litauen": "440",
    "Luxemburg": "442", "Niederlande": "528", "Österreich": "040", "Polen": "616", "Rumänien": "642",
    "Schweden": "752", "Slowakei": "703", "Slowenien": "705", "Spanien": "724",
    "Tschechische Republik": "203", "Ungarn": "348", "Vereinigtes Königreich": "826", "Zypern": "196",
    "Albanien": "008", "Bosnien und Herzegowina": "070", "Island": "352", "Kosovo": "412",
    "Kroatien": "191", "Mazedonien": "807", "Norwegen": "578", "Russische Föderation": "643",
    "Schweiz": "756", "Serbien": "688", "Serbien und Montenegro": "891", "Türkei": "792", "Afrika": "002",
    "Ägypten": "818", "Algerien": "012", "Äthiopien": "231", "Côte de'lvoire": "384", "Kamerun": "120",
    "Kenia": "404", "Kongo, Republik": "178", "Kongo, Dem. Republik": "180", "Libyen": "434",
    "Marokko": "504", "Ruanda": "646", "Südafrika": "710", "Tansania": "834", "Tunesien": "788",
    "Zentralafrikanische Republik": "140", "Amerika": "019", "Argentinien": "032", "Bolivien": "068",
    "Brasilien": "076", "Kanada": "124", "Kolumbien": "170", "Mexiko": "484", "Venezuela": "862",
    "Vereinigte Staaten, auch USA": "840", "Asien": "142", "Armenien": "051", "Aserbaidschan": "031",
    "Georgien": "268", "Indien": "356", "Indonesien": "360", "Irak": "368", "Iran": "364", "Jemen": "887",
    "Jordanien": "400", "Kasachstan": "398", "Korea, Dem. Volksrepublik": "408",
    "Korea, Dem. Republik": "410", "Libanon": "422", "Philippinen": "608", "Saudi-Arabien": "682",
    "Syrien": "760", "Usbekistan": "860", "Vereinigte Arabsiche Emirate": "784", "Vietnam": "704",
    "Australien und Ozeanien": "009", "Australien": "036", "Neuseeland": "554", "Ohne Angabe": "_U",
    "Insgesamt": "_T", "Weißrussland": "112", "Côte d'lvoire": "384", "Kirgigistan": "417",
    "Syrien, Arabsiche Republik": "760", "Tadschikistan": "762",
}  # fmt: skip

COMPONENTS = {"Zugezogene": "IMMIG", "Fortgezogene": "EMIG", "Saldo": "NET"}
CITIZENSHIPS = {"Insgesamt": "_T", "Deutsche": "CIT", "Nichtdeutsche": "FOR"}
SEXES = {"Ins-gesamt": "_T", "Insgesamt": "_T", "männlich": "M"}

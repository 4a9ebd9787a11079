"""Rules of the tests' own, so that waivers, thresholds and reruns do not hang on what is shipped."""

from migdx.rules import RuleBook

RULES = """
structures = ["MIGDX:DSD_MIG_FLOW"]

[[rule]]
id = "SEXES"
check = "sum_of_parts"
level = 1
severity = "error"
component = "SEX"
hierarchies = ["MIGDX:H_SEX(1.0.0)"]
remainder = 0.05
title = { en = "Women and men add up", fr = "Femmes et hommes font le total" }

[[rule]]
id = "WHOLE"
check = "not_whole"
level = 1
severity = "error"
title = { en = "Counts are whole", fr = "Les effectifs sont entiers" }

[[rule]]
id = "BELOW"
check = "negative_count"
level = 1
severity = "error"
final = true
title = { en = "Counts are not negative", fr = "Les effectifs ne sont pas négatifs" }
"""


def ruled(exchange, text=RULES):
    """The exchange with other rules; they are read as those of a folder are."""
    exchange.book = RuleBook.parse([("own.rules.toml", text)])
    exchange._bound_rules.clear()
    return exchange

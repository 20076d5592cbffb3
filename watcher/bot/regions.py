"""The states by region of the world, for people to choose from.

Subregions of the United Nations' M49 (https://unstats.un.org/unsd/methodology/m49/), with Oceania as a whole; CLDR has
their names in every language. Taiwan and Kosovo, which M49 does not list, stand where their neighbours do.
"""

from __future__ import annotations

from collections.abc import Mapping

REGIONS: Mapping[str, tuple[str, ...]] = {
    number: tuple(codes.split())
    for number, codes in (
        ("145", "AE AM AZ BH CY GE IL IQ JO KW LB OM PS QA SA SY TR YE"),  # Western Asia
        ("151", "BG BY CZ HU MD PL RO RU SK UA"),  # Eastern Europe
        ("143", "KG KZ TJ TM UZ"),  # Central Asia
        ("034", "AF BD BT IN IR LK MV NP PK"),  # Southern Asia
        ("030", "CN JP KP KR MN TW"),  # Eastern Asia
        ("035", "BN ID KH LA MM MY PH SG TH TL VN"),  # South-eastern Asia
        ("039", "AD AL BA ES GR HR IT ME MK MT PT RS SI SM VA XK"),  # Southern Europe
        ("154", "DK EE FI GB IE IS LT LV NO SE"),  # Northern Europe
        ("155", "AT BE CH DE FR LI LU MC NL"),  # Western Europe
        ("015", "DZ EG LY MA SD TN"),  # Northern Africa
        ("011", "BF BJ CI CV GH GM GN GW LR ML MR NE NG SL SN TG"),  # Western Africa
        ("017", "AO CD CF CG CM GA GQ ST TD"),  # Middle Africa
        ("014", "BI DJ ER ET KE KM MG MU MW MZ RW SC SO SS TZ UG ZM ZW"),  # Eastern Africa
        ("018", "BW LS NA SZ ZA"),  # Southern Africa
        ("021", "CA US"),  # Northern America
        ("013", "BZ CR GT HN MX NI PA SV"),  # Central America
        ("029", "AG BB BS CU DM DO GD HT JM KN LC TT VC"),  # Caribbean
        ("005", "AR BO BR CL CO EC GY PE PY SR UY VE"),  # South America
        ("009", "AU FJ FM KI MH NR NZ PG PW SB TO TV VU WS"),  # Oceania
    )
}

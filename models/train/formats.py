"""What plates of each region look like: serial patterns, colours, header, slogan, emblem. Facts, not pictures.

Serial patterns: ``L`` letter, ``N`` digit, ``-`` dash, ``.`` dot, space a gap, ``*`` the region's emblem between the
characters, ``[..]`` small stacked letters which are *not* part of the serial (``[?]`` draws a random pair). Everything
else stands for itself when quoted by ``!`` (``!T`` is the letter T).
"""

# ruff: noqa: E501  (tables: one design or glyph a line)
from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Design:
    """One plate design. Colours are names in `COLOURS`; `ground` is one colour or stops from top to bottom."""

    region: str
    header: str
    header_kind: str  # sans, serif, script
    header_colour: str
    ground: tuple[str, ...]
    serial_colour: str
    patterns: tuple[str, ...]
    slogan: str = ""
    top_band: str = ""
    bottom_band: str = ""
    emblem: str = ""  # between the characters where a pattern has "*", else behind or left of them
    emblem_colour: str = "grey"
    scenery: str = ""  # hills, mountains, city, waves, picture
    header_low: bool = False  # the region's name stands at the bottom, the slogan on top
    weight: float = 1.0


COLOURS: dict[str, tuple[int, int, int]] = {
    "white": (236, 238, 238), "cream": (240, 232, 205), "grey": (150, 155, 160), "pale": (214, 222, 228),
    "black": (26, 26, 30), "navy": (28, 40, 92), "blue": (36, 70, 160), "royal": (30, 60, 190), "sky": (140, 190, 228),
    "ice": (196, 220, 238), "teal": (30, 110, 120), "green": (20, 96, 62), "forest": (18, 70, 48),
    "lime": (150, 190, 110), "mint": (196, 224, 200), "red": (188, 30, 44), "maroon": (112, 24, 40),
    "orange": (232, 130, 40), "peach": (246, 196, 150), "gold": (240, 178, 40), "yellow": (248, 214, 60),
    "lemon": (250, 240, 150), "purple": (88, 50, 130), "lilac": (196, 180, 216), "pink": (240, 190, 200),
    "brown": (104, 70, 44), "tan": (214, 190, 150), "silver": (192, 196, 200), "sage": (170, 190, 160),
}  # fmt: skip


def _d(region: str, header: str, kind: str, colour: str, ground: str, serial: str, patterns: str, **more: object) -> Design:
    return Design(region, header, kind, colour, tuple(ground.split("/")), serial, tuple(patterns.split(",")), **more)  # type: ignore[arg-type]


DESIGNS: tuple[Design, ...] = (
    _d("US-AL", "Alabama", "script", "red", "white", "red", "NLNNNNL,NNLNNNN,NNLNNLL", slogan="Stars Fell On", scenery="stars", header_low=True),
    _d("US-AL", "Alabama", "serif", "navy", "sky/white/mint", "navy", "NNLNNNN,NLNNNNN,NLNNLNN", slogan="Sweet Home", scenery="hills"),
    _d("US-AL", "ALABAMA", "sans", "white", "sky/white/tan", "navy", "NLNNNNN,NNLLNNN", slogan="Heart of Dixie", top_band="navy", scenery="waves"),
    _d("US-AK", "ALASKA", "sans", "navy", "yellow/gold", "navy", "LLL NNN,LLLNNN", slogan="The Last Frontier", emblem="flag", emblem_colour="navy"),
    _d("US-AK", "ALASKA", "sans", "navy", "yellow/gold/orange", "navy", "LLLNNN,LLL NNN", slogan="CELEBRATING STATEHOOD", emblem="block", emblem_colour="navy", scenery="blobs"),
    _d("US-AK", "ALASKA", "serif", "red", "white/ice/yellow", "navy", "LLLNNN", slogan="The Last Frontier", scenery="picture"),
    _d("US-AZ", "ARIZONA", "serif", "teal", "tan/cream/white", "teal", "LLL.NNNN,NNN.LLL,LLLNNNN", slogan="GRAND CANYON STATE", scenery="desert"),
    _d("US-AZ", "ARIZONA", "serif", "green", "teal/cream/peach", "forest", "LLLNNNN,LNLNLNL,LLL NNNN", slogan="GRAND CANYON STATE", scenery="desert"),
    _d("US-AR", "Arkansas", "serif", "red", "white", "black", "NNN*LLL,LLL*NNL,NNN LLL", slogan="The Natural State", emblem="diamond", emblem_colour="silver"),
    _d("US-AR", "ARKANSAS", "sans", "maroon", "white/ice", "navy", "LLL NNL,NNN LLL", slogan="The Natural State", emblem="diamond", emblem_colour="sky"),
    _d("US-CA", "California", "script", "red", "white", "navy", "NLLLNNN", weight=4),
    _d("US-CA", "CALIFORNIA", "sans", "gold", "black", "yellow", "NLLLNNN,LLLNNN,LLL NNN", weight=0.6),
    _d("US-CA", "California", "script", "red", "white", "navy", "NLNNNNN,NNNNNLN,NLNNNNN", slogan="dmv.ca.gov"),
    _d("US-CO", "COLORADO", "sans", "white", "green", "white", "NNN-LLL,LLL-NNN,LLNNNN", scenery="mountains", weight=1.0),
    _d("US-CO", "COLORADO", "sans", "green", "white", "green", "LLL-LNN,LLL NNN,NNN*LLL", scenery="mountains_dark", weight=2),
    _d("US-CT", "Connecticut", "serif", "navy", "sky/ice/white", "navy", "NNN.LLL,LL.NNNNN,NLLLLN,NLL LLN,LLNNNNN,LLL NNN,LLLLNN,NLLLLN,LL NNNNN", slogan="Constitution State", emblem="outline", emblem_colour="blue", weight=6),
    _d("US-CT", "CONNECTICUT", "sans", "white", "blue", "white", "NNN.LLL,NNN LLL,LLNNNN", slogan="CONSTITUTION STATE", weight=0.6),
    _d("US-CT", "Connecticut", "serif", "navy", "sky/ice/white", "navy", "[CT]LNNNNN,LNNNNN,[CO]CNNNNNN,NNNNN[LT],[LT]NNNNN,CNNNNN", slogan="COMBINATION", emblem="outline", emblem_colour="blue", weight=1.4),
    _d("US-CT", "Connecticut", "serif", "navy", "sky/ice/white", "navy", "NNN LLL,NNLLN,LLLNN,NNNLL", slogan="PRESERVE THE SOUND", scenery="picture", weight=0.8),
    _d("US-DE", "DELAWARE", "sans", "gold", "navy", "gold", "NNNNNN,NNNNN,NNNNNN,NNNN", slogan="THE FIRST STATE", header_low=True, weight=1.5),
    _d("US-DE", "DELAWARE", "sans", "black", "black", "white", "NNNNNN,NNNNN,NNNN", weight=0.4),
    _d("US-DE", "DELAWARE", "sans", "gold", "royal", "gold", "PCNNNNN,[PC]NNNNN,C!LNNNNN", slogan="THE FIRST STATE", header_low=True, weight=0.6),
    _d("US-DC", "WASHINGTON, DC", "sans", "navy", "white", "blue", "LL*NNNN,NNN*NNN", slogan="TAXATION WITHOUT REPRESENTATION", emblem="dcflag", emblem_colour="red", weight=1.5),
    _d("US-DC", "Washington, D.C.", "script", "blue", "white/ice", "blue", "LL*NNNN,NNN*NNN", slogan="www.washingtondc.gov", emblem="dcflag", emblem_colour="red"),
    _d("US-FL", "FLORIDA", "sans", "green", "white", "green", "LNN*LLL,LLL*LNN,LLLNNL,LNN*NLL,NNN*LLL", slogan="SUNSHINE STATE", emblem="oranges", emblem_colour="orange", weight=2),
    _d("US-FL", "MYFLORIDA.COM", "serif", "green", "white/mint", "forest", "LNN*LLL,LLL*LNN,LNNNNN,LLLLNN", slogan="SUNSHINE STATE", emblem="oranges", emblem_colour="orange", weight=2),
    _d("US-GA", "GEORGIA.gov", "serif", "black", "white/cream", "black", "LLL*NNNN,NNNN*LLL", slogan="FULTON", emblem="peach", emblem_colour="peach"),
    _d("US-GA", "GEORGIA", "serif", "black", "peach/cream/mint", "black", "LLLNNNN,LLL NNNN", slogan="GWINNETT", emblem="peach", emblem_colour="orange"),
    _d("US-HI", "HAWAII", "sans", "black", "white/ice", "black", "LLL NNN", slogan="ALOHA STATE", scenery="rainbow"),
    _d("US-ID", "IDAHO", "sans", "white", "red/white/ice", "navy", "NL LNNNN,NLNNNNL,LNNNNNL,[NL]NNNNN,NL NNNL", slogan="FAMOUS POTATOES", scenery="mountains"),
    _d("US-ID", "IDAHO", "sans", "red", "pink/white/ice", "navy", "NL LNNNN,LNNNNNL,NLNNNNN", slogan="FAMOUS POTATOES", scenery="mountains"),
    _d("US-IL", "Illinois", "script", "blue", "white/ice", "maroon", "LNN NNNN,NNN NNNN,LL NNNNN,LNNNNNN", slogan="Land of Lincoln", emblem="portrait", emblem_colour="sky", weight=1.5),
    _d("US-IL", "Illinois", "serif", "navy", "ice/white/sky", "maroon", "LL NNNNN,LNNNNNN,NNNNNNL", slogan="Land of Lincoln", emblem="portrait", emblem_colour="grey", scenery="city", weight=1.5),
    _d("US-IN", "INDIANA", "sans", "navy", "white/ice", "navy", "NNNLLL,NNN LLL,LLLNNN,NNNL", slogan="In God We Trust", scenery="hills"),
    _d("US-IN", "INDIANA", "serif", "white", "royal", "white", "NNNLLL,LLLNNN", slogan="29 - Hamilton", emblem="torch", emblem_colour="white"),
    _d("US-IN", "INDIANA", "sans", "navy", "gold/white", "blue", "NNNLLL,NNLNNNN", slogan="BICENTENNIAL", scenery="picture"),
    _d("US-IA", "IOWA", "serif", "blue", "sky/white/pale", "blue", "NNN LLL,LLL NNN,NNNN LL", slogan="POLK", scenery="city"),
    _d("US-IA", "IOWA", "serif", "navy", "white/lime", "black", "LLL NNN,NNN LLL", slogan="LINN", scenery="city"),
    _d("US-KS", "KANSAS", "serif", "navy", "white/ice", "navy", "NNN LLL,NNNLLL", emblem="seal", emblem_colour="lilac"),
    _d("US-KS", "KANSAS", "serif", "navy", "cream/tan", "black", "NNNNLLL,NNNLLL", slogan="to the stars", emblem="seal", emblem_colour="tan"),
    _d("US-KY", "Kentucky", "script", "navy", "sky/white", "navy", "NNN*LLL,NNN LLL,LNLNNN", slogan="CLARK", emblem="outline", emblem_colour="silver"),
    _d("US-KY", "KENTUCKY", "serif", "navy", "white/ice", "navy", "NNN LLL,LNLNNN", slogan="JEFFERSON", scenery="hills"),
    _d("US-LA", "Louisiana", "script", "red", "white/ice", "navy", "LLL NNN,NNN LLL,LNNNNNN", slogan="Sportsman's Paradise", emblem="bird", emblem_colour="silver"),
    _d("US-LA", "Louisiana", "script", "red", "cream/white/lemon", "black", "LLL NNN,NNNLLL", slogan="Sportsman's Paradise", emblem="bird", emblem_colour="tan"),
    _d("US-ME", "MAINE", "sans", "black", "ice/white/mint", "black", "NNNN LL,NNN LL,NNNN-LL", slogan="Vacationland", emblem="pinebird", emblem_colour="forest", weight=1.5),
    _d("US-ME", "MAINE", "serif", "black", "cream/tan", "black", "NNN.LLL,NNN-LLL,NNNLLL", slogan="SUPPORT WILDLIFE", emblem="blob", emblem_colour="brown"),
    _d("US-ME", "MAINE", "sans", "navy", "cream", "navy", "NNNLL,NNNNLL", slogan="1901", emblem="pine", emblem_colour="forest"),
    _d("US-MD", "Maryland", "serif", "black", "white", "black", "LLL*NNN,NNN*LLL,NLL*LNN,NNN*NNL", slogan="", emblem="shield", emblem_colour="red"),
    _d("US-MD", "Maryland", "serif", "black", "white/gold/red", "black", "NLLNNNN,NLL NNNN,NNNNNLL", slogan="www.maryland.gov", scenery="picture"),
    _d("US-MD", "Maryland", "script", "red", "white/ice", "black", "NLLNNNN,LLL*NNN", slogan="War of 1812", emblem="flag", emblem_colour="red", scenery="picture"),
    _d("US-MA", "Massachusetts", "serif", "red", "white", "red", "NNNN LL,NNN LLN,NNN LLL,NLL NNN,NNLL NN,NNLN NN,NLL LNN,NNN NLN,NNNNLL", slogan="The Spirit of America", weight=4),
    _d("US-MA", "Massachusetts", "serif", "green", "white", "green", "NNN NNN,NNN-NNN,NNNNNN,NNNNN", slogan="MASS", weight=0.8),
    _d("US-MA", "Massachusetts", "serif", "navy", "ice/white", "maroon", "[CI]NNLL,[CI]NNNL,[RS]NNLL,[BC]NNNL", slogan="Cape Cod & Islands", emblem="lighthouse", emblem_colour="brown", scenery="picture", weight=1.2),
    _d("US-MA", "Massachusetts", "serif", "red", "white", "red", "LNNNNN,LNN NNN,[CM]LNNNNN", slogan="COMMERCIAL", weight=1),
    _d("US-MI", "Michigan", "script", "white", "white", "blue", "LLL NNNN,NLLLNN,LLL NN", slogan="michigan.gov", top_band="blue"),
    _d("US-MI", "MICHIGAN", "sans", "white", "blue", "white", "NNN LLL,LLL NNN,NLLLNN,LLLNNN", slogan="GREAT LAKES"),
    _d("US-MI", "Michigan", "sans", "navy", "sky/white/ice", "navy", "LLL NNNN,LLLNNNN,NLLLNN", slogan="PURE MICHIGAN", top_band="blue"),
    _d("US-MI", "MICHIGAN", "sans", "white", "sky/pink/orange", "royal", "NLL LNN,LLLLNN", slogan="Great Lakes Splendor", top_band="blue", scenery="waves"),
    _d("US-MN", "Minnesota", "serif", "blue", "sky/white/ice", "navy", "LLL*NNN,NNN*LLL,NNN-LLL,LLL-NNN", slogan="10,000 lakes", emblem="outline", emblem_colour="blue", scenery="forest", weight=1.5),
    _d("US-MS", "MISSISSIPPI", "serif", "black", "gold/cream/sky", "black", "LLL*NNN,LLN NNN,NNL*NNN", slogan="HINDS", emblem="lighthouse", emblem_colour="black"),
    _d("US-MS", "MISSISSIPPI", "serif", "teal", "mint/white", "black", "NNN*LLN,LLL*NNN,LLLNNNN", slogan="RANKIN", emblem="flower", emblem_colour="sage"),
    _d("US-MO", "MISSOURI", "serif", "forest", "white/ice", "navy", "NNN LLL,NLN LNL,LLN LNL", slogan="SHOW-ME STATE", scenery="waves"),
    _d("US-MO", "MISSOURI", "serif", "navy", "sky/white", "navy", "LLN LNL,LLN*LNL", slogan="SHOW-ME STATE", emblem="bird", emblem_colour="sky"),
    _d("US-MT", "MONTANA", "sans", "white", "blue", "white", "N-NNNNNL,NN-NNNNL,NNNNNNL", slogan="TREASURE STATE", scenery="outline"),
    _d("US-MT", "Montana", "serif", "navy", "white/ice/tan", "navy", "NNNNNNL,N-NNNNNL,NNNNNL", slogan="BIG SKY COUNTRY", scenery="mountains"),
    _d("US-NE", "Nebraska", "serif", "red", "white/ice", "navy", "LLL NNN,NN-LNNN,NN LNNN,NNLNNN", slogan="", emblem="outline", emblem_colour="red"),
    _d("US-NE", "Nebraska", "serif", "navy", "cream/gold", "black", "LLL NNN,NNLNNN", slogan="nebraska.gov", scenery="picture"),
    _d("US-NV", "NEVADA", "serif", "navy", "sky/white/tan", "navy", "NNN.LLL,NNL.LNN,LNN.LNL,NNNLLL", slogan="THE SILVER STATE", scenery="mountains"),
    _d("US-NV", "NEVADA", "serif", "navy", "blue/sky/orange", "navy", "NNN.LLL,NNLLNN", slogan="HOME MEANS NEVADA", scenery="mountains"),
    _d("US-NH", "HAMPSHIRE", "serif", "green", "mint/white", "green", "NNN NNNN,NNN NNN,LLL NNN,NNNNNN,[CH]NLNNN", slogan="LIVE FREE OR DIE", emblem="portrait", emblem_colour="sage", header_low=True, weight=2),
    _d("US-NJ", "New Jersey", "serif", "black", "lemon/yellow", "black", "LLL*NNL,LLL NNL,LNNLLL,LNN LLL,LLL*NNN", slogan="Garden State", emblem="outline", emblem_colour="black", weight=2),
    _d("US-NJ", "New Jersey", "serif", "navy", "cream/pink/sky", "black", "[LS]NNNN,[?]NNNN,[NJ]NNNNN", slogan="Liberty State Park", emblem="tower", emblem_colour="teal", scenery="picture", weight=0.8),
    _d("US-NM", "New Mexico", "serif", "red", "yellow", "red", "NNN-LLL,LLL-NNN,NNNLLL", slogan="Land of Enchantment", emblem="sun", emblem_colour="red"),
    _d("US-NM", "New Mexico USA", "sans", "yellow", "teal", "yellow", "NNN.LLL,LLLNNN,NNNLLL", slogan="Land of Enchantment", emblem="sun", emblem_colour="yellow"),
    _d("US-NY", "NEW YORK", "serif", "navy", "gold", "navy", "LLL*NNNN,LLL-NNNN,LLLNNNN", slogan="EMPIRE STATE", top_band="", emblem="outline", emblem_colour="navy", weight=4),
    _d("US-NY", "NEW YORK", "serif", "gold", "gold", "navy", "LLL*NNNN,LLL-NNNN,NNNNNLL", slogan="EMPIRE STATE", top_band="navy", emblem="outline", emblem_colour="navy", weight=2),
    _d("US-NY", "NEW YORK", "serif", "white", "white", "navy", "LLL*NNNN,NNNNNLL,LLL-NNNN,LNN-NNL", slogan="THE EMPIRE STATE", top_band="navy", bottom_band="navy", emblem="outline", emblem_colour="navy", weight=3),
    _d("US-NY", "NEW YORK", "serif", "navy", "white/ice", "navy", "LLL*NNNN,LLL NNNN,TNNNNNNL,NNNNNLL", slogan="EXCELSIOR", emblem="outline", emblem_colour="navy", scenery="mountains", weight=4),
    _d("US-NC", "First in Flight", "serif", "red", "white/ice", "blue", "LLL-NNNN,LLL-NNN,LL-NNNN", slogan="NORTH CAROLINA", scenery="plane", weight=2),
    _d("US-NC", "NORTH CAROLINA", "serif", "navy", "white", "navy", "LLL-NNNN", slogan="First in Freedom", scenery="picture"),
    _d("US-NC", "NORTH CAROLINA", "sans", "red", "white/ice", "navy", "NNNN[?],[?]NNNN,NNNN[WC]", slogan="First in Flight", emblem="bird", emblem_colour="red"),
    _d("US-ND", "NORTH DAKOTA", "sans", "black", "sky/lemon/gold", "black", "LLL NNN,NNN LLL", slogan="Discover the Spirit", scenery="hills", header_low=True),
    _d("US-ND", "North Dakota", "serif", "white", "blue/sky/peach", "black", "NNN LLL", slogan="LEGENDARY", scenery="mountains"),
    _d("US-OH", "OHIO", "serif", "navy", "ice/white", "navy", "LLL NNNN,LLLNNNN", slogan="Birthplace of Aviation", top_band="red", bottom_band="red"),
    _d("US-OH", "OHIO", "serif", "navy", "sky/white/mint", "navy", "LLL NNNN,LLLNNNN", slogan="BIRTHPLACE OF AVIATION", scenery="hills"),
    _d("US-OH", "OHIO", "serif", "red", "white", "black", "LLL NNNN,LL NNLL,NNLLL", slogan="Beautiful", scenery="letters"),
    _d("US-OK", "OKLAHOMA", "serif", "navy", "sky/white", "maroon", "NNNLLL,LLL NNN,NNN LLL", slogan="NATIVE AMERICA", emblem="blob", emblem_colour="navy", bottom_band="navy"),
    _d("US-OK", "OKLAHOMA", "sans", "white", "white/ice", "navy", "LLLNNN,LLL NNN", slogan="TRAVELOK.COM", emblem="bird", emblem_colour="sky", top_band="red"),
    _d("US-OR", "Oregon", "serif", "teal", "sky/lilac/white", "navy", "NNN*LLL,LLL*NNN", slogan="", emblem="pine", emblem_colour="forest", scenery="mountains", weight=1.5),
    _d("US-PA", "PENNSYLVANIA", "sans", "white", "white", "navy", "LLL*NNNN,LLL-NNNN,LLL NNNN", slogan="visitPA.com", top_band="navy", bottom_band="yellow", emblem="keystone", emblem_colour="navy", weight=2.5),
    _d("US-PA", "PENNSYLVANIA", "sans", "white", "navy/white/yellow", "navy", "LLL NNNN,LLL-NNNN,ZNN-NNNL", slogan="www.state.pa.us", top_band="navy", bottom_band="yellow"),
    _d("US-RI", "Rhode Island", "serif", "navy", "white/ice", "navy", "LL-NNN,NNN-NNN,NNNNN,NNNNNN,LL NNN,1LL NNN", slogan="Ocean State", scenery="waves", emblem="anchor", emblem_colour="navy", weight=3),
    _d("US-RI", "Rhode Island", "serif", "navy", "white/pale/sky", "navy", "1LL NNN,2LL NNN,LL-NNN,NNN-NNN,NNNNN", slogan="Ocean State", scenery="waves", emblem="anchor", emblem_colour="navy", weight=2),
    _d("US-SC", "South Carolina", "serif", "navy", "white/ice/orange", "navy", "LLL*NNN,NNN*LLL,LLL NNN", slogan="TRAVEL2SC.COM", emblem="palm", emblem_colour="navy"),
    _d("US-SC", "SOUTH CAROLINA", "serif", "navy", "sky/white", "navy", "LLL NNN,NNNNLL", slogan="While I Breathe, I Hope", emblem="palm", emblem_colour="silver"),
    _d("US-SD", "South Dakota", "script", "red", "white/ice", "navy", "NNL NNN,NLN NNN,NNLNNN,LLNNNN,NN LNNN", slogan="GREAT FACES. GREAT PLACES.", scenery="mountains"),
    _d("US-TN", "Tennessee", "script", "black", "white/lime/mint", "black", "NNN-LLL,LNN-NNL,LNN NNL,NNN LLL", slogan="KNOX", scenery="hills", weight=1.5),
    _d("US-TN", "TENNESSEE", "sans", "white", "blue", "white", "LLL NNNN,LLLNNNN", slogan="THE VOLUNTEER STATE", emblem="seal", emblem_colour="sky"),
    _d("US-TX", "TEXAS", "sans", "black", "white", "black", "LLL NNNN,LLL*NNNN,LLL-NNNN,LLL-NNN", slogan="The Lone Star State", emblem="star", emblem_colour="black", weight=2.5),
    _d("US-TX", "TEXAS", "serif", "white", "navy/sky/white/tan", "navy", "LLN*LNNN,LLN LNNN,NNN-LLL", slogan="The Lone Star State", emblem="outline", emblem_colour="navy", scenery="mountains"),
    _d("US-UT", "UTAH", "serif", "navy", "sky/white/orange", "navy", "LNN NLL,LNNNLL,NNN LLL", slogan="Life Elevated", scenery="picture"),
    _d("US-UT", "UTAH", "serif", "orange", "sky/tan/orange", "navy", "LNN*NLL,LNN NLL", slogan="Greatest Snow on Earth", emblem="arch", emblem_colour="orange"),
    _d("US-VT", "Vermont", "sans", "white", "green", "white", "LLL NNN,[TRK]LLL NNN,LLLNNN,NNNLNNN", slogan="Green Mountain State", weight=2),
    _d("US-VA", "VIRGINIA", "sans", "navy", "white", "navy", "LLL-NNNN,LLLNNNN", slogan="", weight=2),
    _d("US-VA", "VIRGINIA", "sans", "navy", "white/ice", "navy", "LLL-NNNN,LLL NNNN", slogan="VIRGINIA IS FOR LOVERS"),
    _d("US-VA", "VIRGINIA", "sans", "navy", "sky/white/sage", "black", "NNNNLL,LLNNNN,NNNN[?],NNNNN[?]", slogan="WILDLIFE CONSERVATIONIST", emblem="bird", emblem_colour="brown", scenery="picture"),
    _d("US-WA", "WASHINGTON", "sans", "red", "ice/white/sky", "navy", "LLLNNNN,NNN-LLL,LLL NNNN,LLLNNNN", slogan="EVERGREEN STATE", scenery="mountains", weight=1.5),
    _d("US-WV", "West Virginia", "serif", "gold", "white", "navy", "NLL NNN,LLL NNN,NNL NNN,[US]NNNN", slogan="Wild, Wonderful", top_band="navy", bottom_band="gold"),
    _d("US-WI", "WISCONSIN", "sans", "red", "white", "black", "NNN-LLL,LLL-NNNN,LLL NNNN", slogan="America's Dairyland", scenery="strip", weight=1.5),
    _d("US-WY", "Wyoming", "serif", "brown", "sky/white/tan", "black", "N*NNNNN,NN*NNNL,NN-NNNNN,[N?]*NNNL", slogan="", emblem="rider", emblem_colour="black", scenery="mountains"),
    _d("US-WY", "WYOMING", "sans", "navy", "blue/sky/pale", "brown", "N*NNNNN,NN*NNNNN,NN*NNNL", slogan="", emblem="rider", emblem_colour="brown", scenery="mountains"),
    _d("CA-BC", "British Columbia", "serif", "blue", "white", "blue", "LLN*NNL,NNN*LLL,LLL NNN,LLN*NNL,NNNN*LL,LL*NNNN,LLNNNL", slogan="Beautiful", emblem="wave", emblem_colour="red", weight=5),
    _d("CA-BC", "BEAUTIFUL BRITISH COLUMBIA", "sans", "blue", "white", "blue", "LLN*NNL,LLL*NNN,NNN*LLL,NNNN*LL,LL*NNNN", slogan="", emblem="wave", emblem_colour="red", weight=3),
    _d("CA-AB", "Alberta", "script", "red", "white", "red", "LLL-NNNN,LLL-NNN,LLL*NNNN", slogan="Wild Rose Country", emblem="flower", emblem_colour="pink"),
    _d("CA-SK", "Saskatchewan", "serif", "green", "white", "green", "NNN*LLL,NNN LLL", slogan="Land of Living Skies", emblem="pine", emblem_colour="gold"),
    _d("CA-MB", "MANITOBA", "sans", "navy", "sky/white/lime", "black", "LLL NNN", slogan="Friendly", scenery="picture"),
    _d("CA-ON", "ONTARIO", "sans", "blue", "white", "blue", "LLLL*NNN,LLLL NNN,LLL*NNN,LLNNNNN", slogan="YOURS TO DISCOVER", emblem="crown", emblem_colour="blue", weight=3),
    _d("CA-QC", "Québec", "sans", "blue", "white", "blue", "LNN LLL,NNN LLL,LLL NNN,LNNLLL", slogan="Je me souviens", emblem="crown", emblem_colour="blue", weight=2),
    _d("CA-NB", "New Brunswick", "sans", "red", "white", "black", "LLL NNN,LLL-NNN", slogan="Be in this place", emblem="blob", emblem_colour="red"),
    _d("CA-NS", "NOVA SCOTIA", "sans", "blue", "white/ice", "blue", "LLL NNN", slogan="Canada's Ocean Playground", scenery="waves"),
    _d("CA-PE", "Prince Edward Island", "serif", "green", "ice/white/mint", "forest", "NNNN LL,LL NNN,NNNLL", slogan="Birthplace of Confederation", scenery="hills"),
    _d("CA-NL", "Newfoundland & Labrador", "serif", "red", "white/ice", "navy", "LLL NNN", slogan="", emblem="flower", emblem_colour="purple"),
    _d("CA-YT", "Yukon", "serif", "navy", "cream/white", "navy", "LLL NN,LLLNN", slogan="The Klondike", emblem="rider", emblem_colour="brown"),
    _d("CA-NT", "NORTHWEST TERRITORIES", "sans", "royal", "white/ice", "blue", "NNNNNN,NNN NNN", slogan="SPECTACULAR"),
    _d("CA-NU", "Nunavut", "sans", "navy", "ice/white", "navy", "NNN NNN,NNNNNN", slogan=""),
)  # fmt: skip

REGIONS: list[str] = ["unknown", *sorted({design.region for design in DESIGNS})]

# Plates of nowhere in particular in the list above: European rows, serial only. (ground, serial colour, patterns)
EUROPEAN: tuple[tuple[str, str, tuple[str, ...], float], ...] = (
    ("white", "black", ("LLNN LLL",), 2.0),  # GB front
    ("yellow", "black", ("LLNN LLL", "LNNN LLL"), 1.6),  # GB rear
    ("white", "black", ("LL NN LLL", "L NN LLL", "L NNN LLL", "LL.NN.LLL"), 3.5),  # RO
    ("white", "black", ("L LL NNN", "LL LL NNNN", "LLL L NNN", "LL L NNNN", "LLL LL NN"), 1.2),  # DE
    ("white", "black", ("NNNN LLL", "LL-NNN-LL", "LLL NNN", "NN-LL-NN", "LL-NNNN", "NLLNNNN"), 2.0),  # ES, FR, SE, PT
    ("yellow", "black", ("NN-NNN-NN", "NNN-NN-NNN", "LL-NNN-L", "NN-LLL-N"), 1.0),  # IL, NL
)

SMALL_PAIRS = (
    "CI",
    "CT",
    "US",
    "TR",
    "LS",
    "CH",
    "WC",
    "NG",
    "FD",
    "PC",
    "CM",
    "DV",
    "EM",
    "VF",
    "MC",
    "RV",
    "SP",
    "TK",
    "XP",
    "HD",
)

# Names, months, dealers: what stands around a serial and must not be read.
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
DEALERS = (
    "CITY MOTORS", "VALLEY AUTO", "RIVERSIDE", "LAKE COUNTRY CARS", "NORTHGATE", "HILLTOP AUTO GROUP", "SUNRISE",
    "EAST SIDE GARAGE", "MOTOR MILE", "HARBOR AUTOPLEX", "PRAIRIE TRUCKS", "SUMMIT", "COUNTY LINE AUTO", "ALUMNI",
    "MY OTHER CAR IS A BOAT", "GO TEAM", "UNIVERSITY",
)  # fmt: skip
WORDS = (
    "FAST", "MOMSCAR", "GOLFR", "SURF", "NURSE", "LUV2SKI", "BIGRED", "4MYKIDS", "CATLUVR", "RUNNER", "HIKER", "BOATN",
    "FISHN", "ZOOM", "GR8DAY", "SUNNY", "DOGMOM", "TEACHR", "PIANO", "JAZZ", "MUSTANG", "ROCKET", "QUILTR", "WXYZ",
    "KWIKR", "2COOL", "4EVER", "OUTLAW", "MAGIC", "GOBLUE", "BEACH", "CHEF", "PILOT", "VET", "MDMOM", "JUSTICE",
)  # fmt: skip

"""What plates of each region look like: serial patterns, colours, header, slogan, emblem. Facts, not pictures.

Serial patterns: ``L`` letter, ``N`` digit, ``-`` dash, ``.`` dot, space a gap, ``*`` the region's emblem between the
characters, ``[..]`` small stacked letters which are *not* part of the serial (``[?]`` draws a random pair, ``[NN]`` two digits). Everything
else stands for itself when quoted by ``!`` (``!T`` is the letter T).
"""

# ruff: noqa: E501  (tables: one design or glyph a line)
from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """A line of small lettering besides name and slogan: its middle and its height as shares of the plate's size."""

    text: str
    kind: str  # sans, serif, script, condensed
    colour: str
    x: float
    y: float
    high: float


@dataclass(frozen=True)
class Design:
    """One plate design. Colours are names in `COLOURS`; `ground` is one colour or stops from top to bottom."""

    region: str
    header: str
    header_kind: str  # sans, serif, script, condensed
    header_colour: str
    ground: tuple[str, ...]
    serial_colour: str
    patterns: tuple[str, ...]
    slogan: str = ""
    slogan_kind: str = ""  # as the header's where empty
    slogan_colour: str = ""  # the header's or the serial's where empty
    slogan_box: str = ""  # colour of a box behind the slogan: a county
    top_band: str = ""
    bottom_band: str = ""
    rules: str = ""  # colour of thin lines below the name and above the slogan
    emblem: str = ""  # between the characters where a pattern has "*", else behind or left of them
    emblem_colour: str = "grey"
    emblem_place: str = ""  # left, behind, corner; any where empty
    scenery: str = ""  # names of `plates_art.scenery`, comma between them, a colour after a colon
    header_low: bool = False  # the region's name stands at the bottom, the slogan on top
    header_x: float = 0.5  # the middle of the name, as a share of the plate's width
    extra: tuple[Line, ...] = ()
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


COUNTY = "(county)"  # a slogan that stands for some county's name


def _d(region: str, header: str, kind: str, colour: str, ground: str, serial: str, patterns: str, **more: object) -> Design:
    return Design(region, header, kind, colour, tuple(ground.split("/")), serial, tuple(patterns.split(",")), **more)  # type: ignore[arg-type]


_SCENIC = (Line("Scenic", "script", "white", 0.34, 0.11, 0.13),)
_NEW = (Line("New", "script", "green", 0.38, 0.79, 0.1),)
_NEW_GREY = (Line("New", "script", "forest", 0.5, 0.74, 0.08),)
_SPIRIT = (Line("UNBRIDLED SPIRIT", "sans", "navy", 0.5, 0.225, 0.05),)
_EXPLORE = (Line("EXPLORE", "sans", "navy", 0.2, 0.15, 0.055),)
_PEACE = (Line("PEACE GARDEN STATE", "sans", "black", 0.52, 0.945, 0.06),)
_FLIGHT = (Line("Birthplace of Aviation", "sans", "blue", 0.5, 0.225, 0.055),)
_VOLUNTEER = (Line("The Volunteer State", "sans", "forest", 0.66, 0.05, 0.05),)
_BICENT = (Line("1816-2016", "serif", "navy", 0.5, 0.225, 0.05),)
_DOTGOV = (Line("dmv.ca.gov", "sans", "navy", 0.5, 0.93, 0.07),)

DESIGNS: tuple[Design, ...] = (
    _d("US-AL", "Alabama", "serif", "red", "white", "red", "NLNNNNL,NNLNNNN,NNLNNLL", slogan="Stars Fell On", slogan_kind="serif", slogan_colour="navy", scenery="starband", header_low=True, weight=1.4),
    _d("US-AL", "Alabama", "serif", "navy", "sky/white/mint", "navy", "NNLNNNN,NLNNNNN,NLNNLNN", slogan="Sweet Home", slogan_kind="script", scenery="hills", header_low=True),
    _d("US-AL", "Alabama", "script", "navy", "ice/white/tan", "navy", "NLNNNNN,NNLLNNN,NNLNNNN", slogan="Heart of Dixie", scenery="hills:green,waves"),
    _d("US-AL", "Alabama", "script", "red", "white/ice/sky", "navy", "NNLLNNN,NLNNNNN", slogan="God Bless America", scenery="flagfield"),
    _d("US-AL", "Alabama", "serif", "blue", "sky/ice/white/lemon", "navy", "NNNNLLN,NLLNNLL,NNLLNNN", slogan="HEART OF DIXIE", slogan_kind="sans", scenery="peak:sky,waves"),
    _d("US-AK", "ALASKA", "sans", "navy", "yellow/gold", "navy", "LLL*NNN,LLL NNN,LLLNNN", slogan="The Last Frontier", slogan_kind="script", emblem="flag", emblem_colour="navy", weight=1.4),
    _d("US-AK", "ALASKA", "sans", "navy", "yellow/gold/gold", "navy", "LLLNNN,LLL NNN", slogan="CELEBRATING STATEHOOD 1959-2009", emblem="block", emblem_colour="navy", emblem_place="left", scenery="peak:orange"),
    _d("US-AK", "ALASKA", "serif", "red", "white/ice/yellow", "navy", "LLLNNN,LLL NNN", slogan="The Last Frontier", scenery="peak:sky", emblem="figure", emblem_colour="brown", emblem_place="left"),
    _d("US-AK", "ALASKA", "sans", "navy", "sky/ice/yellow", "navy", "LLLNNN,LLL NNN", slogan="The Last Frontier", scenery="peak:silver", emblem="rider", emblem_colour="brown"),
    _d("US-AZ", "ARIZONA", "sans", "teal", "mint/white/white/cream/peach", "teal", "LLL.NNNN,NNN.LLL,LLLNNNN", slogan="GRAND CANYON STATE", slogan_colour="teal", scenery="saguaro", weight=1.5),
    _d("US-AZ", "ARIZONA", "sans", "forest", "mint/white/cream/gold", "forest", "LLLNNNN,LNLNLNL,LLL NNNN,LLNNNNN", slogan="GRAND CANYON STATE", slogan_colour="forest", scenery="saguaro", weight=1.5),
    _d("US-AZ", "ARIZONA", "sans", "white", "maroon", "white", "LLL NNN,LLLNNN", slogan="GRAND CANYON STATE", emblem="cactus", emblem_colour="white", weight=0.6),
    _d("US-AZ", "ARIZONA", "serif", "maroon", "tan/cream/orange", "black", "LLNNL,NNLLN,LLLNN", slogan="CENTENNIAL", scenery="redrock", weight=0.5),
    _d("US-AR", "Arkansas", "serif", "maroon", "white/ice", "black", "NNN*LLL,LLL*NNL,NNN LLL", slogan="The Natural State", slogan_kind="serif", slogan_colour="maroon", emblem="diamond", emblem_colour="silver", weight=1.4),
    _d("US-AR", "Arkansas", "serif", "navy", "white/ice", "maroon", "LLL NNL,NNN LLL,NNN*LLL", slogan="The Natural State", slogan_colour="navy", emblem="diamond", emblem_colour="silver"),
    _d("US-AR", "ARKANSAS", "sans", "maroon", "white/ice", "navy", "LLL NNL,NNN LLL", slogan="The Natural State", emblem="diamond", emblem_colour="sky", emblem_place="behind"),
    _d("US-CA", "California", "script", "red", "white", "navy", "NLLLNNN,NLLLNNN,LLLLLLL,LLLLLL", weight=4),
    _d("US-CA", "California", "script", "red", "white", "navy", "NLLLNNN,NLNNNNN,NNNNNLN", extra=_DOTGOV, weight=1.5),
    _d("US-CA", "California", "script", "red", "white", "navy", "NLNNNNN,NNNNNLN,LNNNNN", slogan="1850 Sesquicentennial 2000", slogan_kind="sans", slogan_colour="navy"),
    _d("US-CA", "CALIFORNIA", "sans", "yellow", "black", "yellow", "NLLLNNN,LLLNNN,LLL NNN", weight=0.5),
    _d("US-CA", "CALIFORNIA", "sans", "yellow", "navy", "yellow", "NLLLNNN,NNNLLL,LLL NNN", weight=0.4),
    _d("US-CA", "CALIFORNIA", "sans", "navy", "sky/white/peach", "navy", "NLLLN,LLNNL,LLLLL", slogan="Yosemite", scenery="snowpeaks", weight=0.4),
    _d("US-CO", "COLORADO", "sans", "green", "white", "green", "LLL-LNN,LLL NNN,NNN*LLL,NNN-LLL", scenery="skyridge:green", header_low=True, weight=2),
    _d("US-CO", "COLORADO", "sans", "white", "green", "white", "NNN-LLL,LLL-NNN,LLNNNN", scenery="skyridge:white", header_low=True, weight=0.8),
    _d("US-CO", "COLORADO", "sans", "gold", "navy/white/white/tan", "black", "NNN*LLL,LLL*NNN", slogan="RESPECT WILDLIFE", slogan_colour="black", scenery="snowpeaks:purple", emblem="bird", emblem_colour="brown", weight=0.7),
    _d("US-CO", "COLORADO", "sans", "navy", "white/sky", "navy", "LLLNNN,NNNLLL", slogan="PIONEER", scenery="peak:lilac", emblem="figure", weight=0.5),
    _d("US-CO", "COLORADO", "sans", "white", "black", "white", "LLL NNN,LLL-LNN", weight=0.3),
    _d("US-CO", "COLORADO", "sans", "white", "maroon", "white", "LLL NNN,LLL-LNN", weight=0.2),
    _d("US-CT", "Connecticut", "serif", "navy", "sky/ice/white", "navy", "NNN.LLL,LL.NNNNN,NLLLLN,NLL LLN,LLNNNNN,LLL NNN,LLLLNN,NLLLLN,LL NNNNN", slogan="Constitution State", slogan_kind="serif", emblem="outline_ct", emblem_colour="blue", emblem_place="corner", weight=6),
    _d("US-CT", "CONNECTICUT", "sans", "white", "blue", "white", "NNN.LLL,NNN LLL,LLNNNN", slogan="CONSTITUTION STATE", weight=0.6),
    _d("US-CT", "Connecticut", "serif", "navy", "sky/ice/white", "navy", "[CT]LNNNNN,LNNNNN,[CO]CNNNNNN,NNNNN[LT],[LT]NNNNN,CNNNNN", slogan="COMBINATION", emblem="outline_ct", emblem_colour="blue", emblem_place="corner", weight=1.4),
    _d("US-CT", "Connecticut", "serif", "navy", "sky/ice/white", "navy", "NNN LLL,NNLLN,LLLNN,NNNLL", slogan="PRESERVE THE SOUND", scenery="picture,waves", weight=0.8),
    _d("US-DE", "DELAWARE", "sans", "gold", "navy", "gold", "NNNNNN,NNNNN,NNNNNN,NNNN", slogan="THE FIRST STATE", slogan_colour="gold", header_low=True, weight=1.4),
    _d("US-DE", "DELAWARE", "sans", "lemon", "royal", "lemon", "NNNNNN,NNNNN,NNNNNN,NNNN", slogan="THE FIRST STATE", slogan_colour="lemon", header_low=True, weight=1.2),
    _d("US-DE", "DELAWARE", "sans", "silver", "black", "white", "NNNNNN,NNNNN,NNNN", weight=0.5),
    _d("US-DE", "DELAWARE", "sans", "gold", "royal", "gold", "PCNNNNN,[PC]NNNNN,C!LNNNNN", slogan="THE FIRST STATE", slogan_colour="gold", header_low=True, weight=0.6),
    _d("US-DC", "WASHINGTON, DC", "sans", "blue", "white", "blue", "LL*NNNN,NNN*NNN", slogan="TAXATION WITHOUT REPRESENTATION", slogan_colour="blue", rules="red", emblem="dcflag", emblem_colour="red", weight=1.5),
    _d("US-DC", "Washington, D.C.", "script", "blue", "mint/ice/white", "blue", "LL*NNNN,NNN*NNN", slogan="www.washingtondc.gov", slogan_kind="script", emblem="dcflag", emblem_colour="red"),
    _d("US-DC", "WASHINGTON, DC", "sans", "red", "white", "blue", "LL NNNN,LL*NNNN", slogan="END TAXATION WITHOUT REPRESENTATION", slogan_colour="red", rules="red", emblem="dcflag", emblem_colour="red"),
    _d("US-FL", "FLORIDA", "serif", "green", "white", "green", "LNN*LLL,LLL*LNN,LLLNNL,LNN*NLL,NNN*LLL", slogan="SUNSHINE STATE", slogan_kind="sans", slogan_colour="green", scenery="stateline:mint", emblem="oranges", emblem_colour="orange", weight=2),
    _d("US-FL", "MYFLORIDA.COM", "serif", "green", "white/white/mint", "forest", "LNN*LLL,LLL*LNN,LNNNNN,LLLLNN,LNN*NLL", slogan="SUNSHINE STATE", slogan_kind="sans", slogan_colour="green", scenery="stateline:mint", emblem="oranges", emblem_colour="orange", weight=2),
    _d("US-FL", "MYFLORIDA.COM", "serif", "green", "white/white/mint", "forest", "LNN*LLL,LNN*NLL,LLL*LNN", slogan="ORANGE", slogan_kind="sans", slogan_colour="green", scenery="stateline:mint", emblem="oranges", emblem_colour="orange"),
    _d("US-FL", "FLORIDA", "serif", "navy", "sky/white/teal", "navy", "LNNLL,LLLNN,NNLLL", slogan="PROTECT WILD DOLPHINS", scenery="waves", emblem="figure", emblem_colour="grey"),
    _d("US-GA", "GEORGIA.gov", "serif", "black", "white/cream", "black", "LLL*NNNN,NNNN*LLL", slogan=COUNTY, slogan_box="white", emblem="peach", emblem_colour="peach", weight=1.3),
    _d("US-GA", "GEORGIA", "serif", "black", "peach/cream/mint", "black", "LLLNNNN,LLL NNNN", slogan=COUNTY, slogan_box="white", scenery="hills:sage", emblem="peach", emblem_colour="orange", weight=1.3),
    _d("US-GA", "Georgia", "script", "black", "white", "black", "NNNN LLL,NNN LLL", slogan=COUNTY, slogan_box="white", emblem="peach", emblem_colour="orange", emblem_place="corner"),
    _d("US-GA", "GEORGIA", "serif", "black", "sky/white/peach", "black", "LLL NNNN,LLLNNNN", slogan="IN GOD WE TRUST", scenery="sunburst", emblem="peach", emblem_colour="orange"),
    _d("US-HI", "HAWAII", "sans", "black", "white/ice", "black", "LLL NNN", slogan="ALOHA STATE", slogan_kind="sans", slogan_colour="black", scenery="rainbow", header_x=0.45, weight=2),
    _d("US-HI", "HAWAII", "sans", "black", "white/cream", "black", "LLL NNN,LLNNN,LNNNN,NNNLLL", slogan="ALOHA STATE", slogan_kind="sans", slogan_colour="black", scenery="rainbow", emblem="seal", emblem_colour="red"),
    _d("US-ID", "IDAHO", "serif", "white", "red/pink/white/ice", "navy", "NL LNNNN,NLNNNNL,LNNNNNL,[NL]NNNNN,NL NNNL,NL NNNNL", slogan="FAMOUS POTATOES", slogan_kind="serif", slogan_colour="navy", scenery="mountains:silver,pines", extra=_SCENIC, header_x=0.62, weight=2),
    _d("US-ID", "IDAHO", "serif", "white", "red/red/white/sky", "navy", "NL LNNNN,LNNNNNL,NLNNNNN", slogan="FAMOUS POTATOES", slogan_colour="white", bottom_band="navy", scenery="mountains:sky,pines:navy", extra=_SCENIC, header_x=0.62),
    _d("US-ID", "IDAHO", "serif", "navy", "pink/white/sky", "navy", "[NL]NNNNN,NL NNNN", slogan="CENTENNIAL", scenery="mountains:royal,pines", weight=0.4),
    _d("US-IL", "Illinois", "script", "blue", "ice/white/white/ice", "maroon", "LNN NNNN,NNN NNNN,LL NNNNN,LNNNNNN", slogan="Land of Lincoln", slogan_kind="serif", slogan_colour="blue", scenery="lincoln:sky", weight=1.8),
    _d("US-IL", "Illinois", "script", "blue", "white/white/sky/blue", "red", "LNN NNNN,NNN NNNN,LNNNNNN", slogan="Land of Lincoln", slogan_kind="serif", slogan_colour="white", scenery="lincoln:silver", weight=1.4),
    _d("US-IL", "Illinois", "serif", "navy", "ice/white/sky", "maroon", "LL NNNNN,LNNNNNN,NNNNNNL", slogan="Land of Lincoln", scenery="city:sky,lincoln:ice", emblem="portrait", emblem_colour="grey", emblem_place="left", weight=1.4),
    _d("US-IL", "Land of Lincoln", "sans", "navy", "white", "navy", "LLL NNN,LL NNNN,LNN NNN", slogan="ILLINOIS", slogan_colour="navy", weight=0.5),
    _d("US-IN", "INDIANA", "serif", "white", "royal", "white", "NNNLLL,LLLNNN,NNLLL", slogan="29 - Hamilton", slogan_box="white", slogan_colour="navy", emblem="torch", emblem_colour="white", emblem_place="left", header_low=True),
    _d("US-IN", "INDIANA", "serif", "navy", "sky/white/white/gold", "navy", "NNL NNNN,NNNLLL,NNLNNNN", slogan="The Crossroads of America", scenery="hills:tan,wheat:gold"),
    _d("US-IN", "INDIANA", "sans", "navy", "white/ice", "navy", "NNNLLL,NNN LLL,LLLNNN,NNNL", slogan="indiana.gov", scenery="stateline:silver"),
    _d("US-IN", "INDIANA", "serif", "white", "royal/sky/white", "black", "NNNLLL,LLLNNN", slogan="IN GOD WE TRUST", slogan_colour="white", scenery="flagfield", bottom_band="navy"),
    _d("US-IN", "INDIANA", "serif", "navy", "sky/cream/mint", "navy", "NNNLLL,NNLNNNN,LLLNNN", slogan="BICENTENNIAL", scenery="bridge:maroon,pines:green", extra=_BICENT),
    _d("US-IA", "IOWA", "serif", "blue", "sky/white/pale", "blue", "NNN LLL,LLL NNN,NNNN LL", slogan=COUNTY, slogan_kind="sans", slogan_colour="blue", scenery="city:ice", weight=1.6),
    _d("US-IA", "IOWA", "serif", "white", "navy/sky/white/lime", "black", "LLL NNN,NNN LLL", slogan=COUNTY, slogan_colour="black", scenery="city:silver,hills:lime"),
    _d("US-IA", "IOWA", "sans", "white", "black", "white", "LLL NNN,NNNLLL", slogan=COUNTY, slogan_colour="white", weight=0.6),
    _d("US-KS", "KANSAS", "serif", "navy", "lilac/ice/white", "navy", "NNN LLL,NNNLLL", slogan="", scenery="seal:sky", weight=1.4),
    _d("US-KS", "KANSAS", "sans", "navy", "sky/white/lemon", "navy", "LLL NNN,NNNLLL", slogan="WHEAT STATE", scenery="wheat:gold"),
    _d("US-KS", "KANSAS", "serif", "navy", "cream/tan", "black", "NNNNLLL,NNNLLL", slogan="to the stars", scenery="seal:tan"),
    _d("US-KY", "Kentucky", "script", "navy", "sky/white/white/sky", "navy", "NNN*LLL,NNN LLL,LNLNNN", slogan=COUNTY, slogan_kind="sans", slogan_box="navy", slogan_colour="white", extra=_SPIRIT, emblem="outline_ky", emblem_colour="silver", weight=2),
    _d("US-KY", "KENTUCKY", "sans", "navy", "sky/white/lime", "navy", "NNN LLL,NNN*LLL", slogan=COUNTY, slogan_box="white", scenery="sunburst,hills:lime", emblem="sun", emblem_colour="gold", emblem_place="behind"),
    _d("US-KY", "Kentucky", "serif", "navy", "sky/white/sky/mint", "navy", "NNN LLL,LLL NNN", slogan="BLUEGRASS STATE", slogan_colour="navy", scenery="pinesides:sage,hills:lime"),
    _d("US-KY", "Kentucky", "serif", "navy", "white/ice/mint", "navy", "NNN LLL,LNL NNN", slogan=COUNTY, slogan_box="white", scenery="hills:sage"),
    _d("US-KY", "Kentucky", "script", "white", "navy/sky/white", "black", "NNNLLL,LNLNNN", slogan="In God We Trust", slogan_colour="navy", scenery="flagfield"),
    _d("US-KY", "KENTUCKY", "serif", "navy", "white/ice/sky", "navy", "LNL NNN,NNNLLL", slogan="IN GOD WE TRUST", slogan_colour="navy", scenery="mountains:sky"),
    _d("US-LA", "Louisiana", "script", "red", "white/white/ice", "navy", "LLL NNN,NNN LLL,LNNNNNN", slogan="SPORTSMAN'S PARADISE", slogan_kind="sans", slogan_colour="grey", weight=1.4),
    _d("US-LA", "Louisiana", "script", "red", "white/ice/sage/sky", "black", "LLL NNN,NNN LLL", slogan="Sportsman's Paradise", slogan_kind="serif", slogan_colour="red", scenery="reeds:sage", emblem="pelican", emblem_colour="tan", emblem_place="behind", weight=1.4),
    _d("US-LA", "Louisiana", "script", "red", "cream/white/lemon/sage", "black", "LLL NNN,NNNLLL", slogan="Sportsman's Paradise", slogan_colour="red", scenery="reeds:tan", emblem="pelican", emblem_colour="brown"),
    _d("US-LA", "Louisiana", "script", "red", "white", "navy", "LNNNNNN,NNNNNNN", slogan="TRUCK", slogan_kind="sans", slogan_colour="navy"),
    _d("US-LA", "Louisiana", "script", "red", "white/white/silver", "black", "LLLNNN,LLL NNN,NNNLLL", slogan="200 YEARS", slogan_kind="sans", slogan_box="white", scenery="reeds:silver", emblem="pelican", emblem_colour="teal"),
    _d("US-ME", "MAINE", "serif", "black", "ice/white/mint", "black", "NNNN LL,NNN LL,NNNN-LL", slogan="Vacationland", slogan_kind="script", slogan_colour="forest", scenery="pines:sage", emblem="pinebird", emblem_colour="forest", emblem_place="left", weight=2),
    _d("US-ME", "MAINE", "serif", "black", "cream/white/cream", "black", "NNN.LLL,NNN-LLL,NNNLLL", slogan="SUPPORT WILDLIFE", scenery="treetops:brown", emblem="figure", emblem_colour="brown", emblem_place="left"),
    _d("US-ME", "MAINE", "serif", "black", "white/ice/white", "black", "NNN.LLL,NNNLLL", slogan="Lobster", slogan_kind="serif", emblem="figure", emblem_colour="red", emblem_place="left", weight=0.8),
    _d("US-ME", "MAINE", "sans", "navy", "cream", "navy", "NNNLL,NNNNLL,NNNN LL", slogan="VACATIONLAND", emblem="pine", emblem_colour="forest"),
    _d("US-MD", "Maryland", "serif", "black", "white", "black", "LLL*NNN,NNN*LLL,NLL*LNN,NNN*NNL", slogan="", emblem="shield", emblem_colour="red", weight=1.5),
    _d("US-MD", "Maryland", "serif", "black", "white/white/gold/red", "black", "NLLNNNN,NLL NNNN,NNNNNLL,NLLNNNN", slogan="www.maryland.gov", scenery="mdflag", weight=1.3),
    _d("US-MD", "Maryland", "script", "red", "white/ice", "black", "NLLNNNN,NLL NNNN", slogan="War of 1812", slogan_colour="navy", emblem="flag", emblem_colour="red", scenery="flagfield,waves"),
    _d("US-MD", "Maryland", "serif", "navy", "sky/white/lime", "black", "NNNNLLL,NNNNNCB", slogan="Treasure the Chesapeake", scenery="reeds:green,waves", emblem="bird"),
    _d("US-MA", "Massachusetts", "serif", "blue", "white", "red", "NNNN LL,NNN LLN,NNN LLL,NLL NNN,NNLL NN,NNLN NN,NLL LNN,NNN NLN,NNNNLL", slogan="The Spirit of America", slogan_kind="serif", slogan_colour="blue", weight=3.5),
    _d("US-MA", "Massachusetts", "serif", "red", "white", "red", "NNNN LL,NNN LLN,NNN LLL,NLL NNN,NNLL NN", slogan="The Spirit of America", weight=1),
    _d("US-MA", "Massachusetts", "serif", "green", "white", "green", "NNN NNN,NNN-NNN,NNNNNN,NNNNN", slogan="MASS", weight=0.8),
    _d("US-MA", "Massachusetts", "serif", "navy", "ice/white", "maroon", "[CI]NNLL,[CI]NNNL,[RS]NNLL,[BC]NNNL", slogan="Cape Cod & Islands", emblem="lighthouse", emblem_colour="brown", emblem_place="left", scenery="picture", weight=1.2),
    _d("US-MA", "Massachusetts", "serif", "blue", "white", "red", "LNNNNN,LNN NNN,[CM]LNNNNN", slogan="COMMERCIAL", weight=1),
    _d("US-MI", "MICHIGAN", "serif", "white", "white", "blue", "LLL NNNN,NLLLNN,LLL NN,LLL NNNN", slogan="www.michigan.gov", slogan_kind="sans", slogan_colour="blue", top_band="blue", weight=1.3),
    _d("US-MI", "MICHIGAN", "sans", "white", "blue", "white", "NNN LLL,LLL NNN,NLLLNN,LLLNNN", slogan="GREAT LAKES", slogan_colour="white", weight=1.2),
    _d("US-MI", "Michigan", "sans", "blue", "white/white/sky", "navy", "LLL NNNN,LLLNNNN,NLLLNN", slogan="PURE MICHIGAN", scenery="swoosh:blue", header_x=0.4),
    _d("US-MI", "MICHIGAN", "serif", "white", "white/ice/peach/ice", "royal", "NLL LNN,LLLLNN,NLLLNN", slogan="Great Lakes Splendor", slogan_kind="sans", slogan_colour="royal", top_band="blue", scenery="bridge:orange"),
    _d("US-MI", "MICHIGAN", "serif", "white", "white", "blue", "LLL NN,LLL NNN,NLLLNN", slogan="WORLD'S MOTOR CAPITAL", slogan_kind="sans", slogan_colour="red", top_band="blue", emblem="shield", emblem_colour="red", emblem_place="left"),
    _d("US-MI", "MICHIGAN", "sans", "blue", "sky/ice/white", "navy", "LLL NNNN,LLLNNN", slogan="Mackinac Bridge", scenery="bridge:blue"),
    _d("US-MI", "MICHIGAN", "sans", "yellow", "royal", "yellow", "LLL NNN,NLLLNN", slogan="WATER-WINTER WONDERLAND", slogan_colour="yellow", weight=0.6),
    _d("US-MN", "Minnesota", "serif", "blue", "sky/white/white/ice", "navy", "LLL*NNN,NNN*LLL,NNN-LLL,LLL-NNN", slogan="10,000 lakes", slogan_kind="serif", slogan_colour="blue", emblem="outline_mn", emblem_colour="blue", scenery="lake", extra=_EXPLORE, weight=2.2),
    _d("US-MN", "Minnesota.com", "serif", "blue", "sky/white/ice", "navy", "NNN*LLL,NNN-LLL,LLL NNN", slogan="10,000 lakes", slogan_kind="serif", slogan_colour="blue", emblem="outline_mn", emblem_colour="blue", scenery="lake", extra=_EXPLORE),
    _d("US-MN", "Minnesota", "serif", "black", "white/mint/lime", "black", "NNN LLL,LLNNNN", slogan="Critical Habitat", scenery="picture,lake", emblem="bird", emblem_colour="brown", weight=0.6),
    _d("US-MN", "MINNESOTA", "sans", "white", "black", "white", "LLL NNN,LLLNNN", weight=0.4),
    _d("US-MS", "MISSISSIPPI", "serif", "black", "lemon/pink/sky/gold", "black", "LLL*NNN,LLN*NNN,NNL*NNN", slogan=COUNTY, slogan_kind="sans", slogan_colour="black", emblem="lighthouse", emblem_colour="grey", scenery="blobs,waves", weight=1.4),
    _d("US-MS", "MISSISSIPPI", "serif", "black", "white/mint/sage", "black", "NNN*LLN,NNN*LLL,LLL*NNN", slogan=COUNTY, slogan_kind="sans", slogan_colour="black", emblem="flower", emblem_colour="green"),
    _d("US-MS", "Mississippi", "serif", "black", "lilac/pink/mint", "black", "NNN*LLN,NNN LLL", slogan=COUNTY, slogan_kind="sans", emblem="flower", emblem_colour="lemon"),
    _d("US-MS", "MISSISSIPPI", "serif", "navy", "white/ice/tan", "navy", "LLLNNNN,LLL NNNN,LLNNNNN", slogan=COUNTY, scenery="seal:tan", weight=1.2),
    _d("US-MS", "MISSISSIPPI", "serif", "blue", "ice/sky/ice", "blue", "LLL NNN,LLN NNN", slogan=COUNTY, emblem="guitar", emblem_colour="sky", scenery="blobs"),
    _d("US-MS", "MISSISSIPPI", "serif", "black", "white/white/mint", "black", "LLL NNN,LLL NNNN", slogan=COUNTY, emblem="flower", emblem_colour="silver", emblem_place="left"),
    _d("US-MO", "MISSOURI", "serif", "green", "white/white/white/mint/teal", "navy", "NNN LLL,NLN LNL,LLN LNL", slogan="SHOW-ME STATE", slogan_kind="sans", slogan_colour="navy", scenery="swoosh:teal", weight=1.3),
    _d("US-MO", "MISSOURI", "serif", "navy", "sky/white/white", "navy", "LLN LNL,LLN*LNL", slogan="SHOW-ME STATE", emblem="bird", emblem_colour="sky", scenery="swoosh:sky"),
    _d("US-MO", "Missouri", "serif", "navy", "white", "navy", "LLN LNL,NLL NNL", slogan="BICENTENNIAL", scenery="border:red,rulebands", weight=1),
    _d("US-MT", "MONTANA", "sans", "white", "blue", "white", "N-NNNNNL,NN-NNNNL,NNNNNNL", slogan="TREASURE STATE", slogan_colour="white", scenery="stateline:white:white", weight=1.2),
    _d("US-MT", "Montana", "serif", "navy", "blue/sky/white/tan", "navy", "NNNNNNL,N-NNNNNL,NNNNNL", slogan="BIG SKY COUNTRY", scenery="mountains:lilac"),
    _d("US-MT", "MONTANA", "serif", "blue", "white/ice", "blue", "N-NNNNNL,NN-NNNNL", slogan="Big Sky", scenery="stateline:blue,mountains:ice"),
    _d("US-MT", "Montana", "script", "maroon", "cream/tan", "maroon", "NNNNNNL,NNNNL", slogan="Treasure State", scenery="hills:tan", emblem="figure", emblem_colour="brown"),
    _d("US-NE", "Nebraska", "script", "red", "white/ice", "navy", "LLL NNN,NN-LNNN,NN LNNN,NNLNNN", scenery="stateline:red:red", weight=1.2),
    _d("US-NE", "Nebraska", "serif", "red", "sky/peach/lemon/white", "black", "NN-LNNN,NN LNNN,NNN LLL,NN-NNNN", scenery="wheat:tan,peak:tan"),
    _d("US-NE", "Nebraska", "serif", "navy", "cream/gold", "black", "LLL NNN,NNLNNN,NN-LNNN", slogan="1867-2017", emblem="figure", emblem_colour="tan"),
    _d("US-NE", "NEBRASKA", "serif", "white", "navy/white/white/gold", "navy", "NN-LNNN,LLL NNN", slogan="www.nebraska.gov", scenery="peak:lemon"),
    _d("US-NE", "Nebraska", "serif", "navy", "white/peach/sky", "navy", "LLL NNN,NN-LNNN", slogan="THE GOOD LIFE", scenery="swoosh:gold,seal:orange"),
    _d("US-NV", "NEVADA", "serif", "blue", "blue/white/white/ice/gold/blue", "navy", "NNN.LLL,NNL.LNN,LNN.LNL,NNNLLL,LLLLLL", slogan="THE SILVER STATE", slogan_kind="serif", slogan_colour="white", scenery="snowpeaks", weight=2),
    _d("US-NV", "NEVADA", "serif", "white", "blue/sky/ice/silver", "navy", "NNN.LLL,NNN LLL", slogan="THE SILVER STATE", slogan_colour="navy", scenery="mountains:silver"),
    _d("US-NV", "NEVADA", "serif", "navy", "blue/sky/peach/orange", "navy", "NNN.LNN,NNLLNN,NNL.LNN", slogan="HOME MEANS NEVADA", scenery="peak:lilac"),
    _d("US-NV", "NEVADA", "sans", "blue", "sky/white/teal", "navy", "LT NNNN,NNNNLT,LLLLL", slogan="LAKE TAHOE", scenery="mountains:blue,pines:forest", weight=0.6),
    _d("US-NH", "HAMPSHIRE", "serif", "green", "mint/ice/white", "green", "NNN NNNN,NNN NNN,LLL NNN,NNNNNN,LLL-LLL,LLLLLL", slogan="LIVE FREE OR DIE", slogan_kind="sans", slogan_colour="green", scenery="cliff:sage", header_low=True, extra=_NEW, weight=2.2),
    _d("US-NH", "HAMPSHIRE", "serif", "green", "sky/ice/mint", "green", "[CH]NLNNN,[CH]NNNL,[CH]LLLL", slogan="LIVE FREE OR DIE", slogan_kind="sans", slogan_colour="green", scenery="cliff:sky", emblem="figure", emblem_colour="brown", emblem_place="left", header_low=True, extra=_NEW_GREY),
    _d("US-NH", "NEW HAMPSHIRE", "sans", "green", "white", "green", "NNN NNN,LLL NNN,NNNNNN,NNN NNNN", slogan="LIVE FREE OR DIE", slogan_colour="green", header_low=True),
    _d("US-NJ", "New Jersey", "serif", "black", "yellow/lemon/lemon", "black", "LLL*NNL,LLL NNL,LNNLLL,LNN LLL,LLL*NNN", slogan="Garden State", slogan_kind="sans", slogan_colour="black", emblem="outline_nj", emblem_colour="black", weight=2),
    _d("US-NJ", "New Jersey", "serif", "black", "tan/cream/white", "black", "LLL*NNL,LNN LLL,LLL*NNN", slogan="Garden State", slogan_kind="sans", slogan_colour="black", emblem="outline_nj", emblem_colour="black", weight=1.5),
    _d("US-NJ", "New Jersey", "serif", "navy", "cream/pink/sky", "black", "[LS]NNNN,[?]NNNN,[NJ]NNNNN", slogan="Liberty State Park", slogan_kind="script", emblem="tower", emblem_colour="teal", emblem_place="left", scenery="picture", weight=0.8),
    _d("US-NJ", "NEW JERSEY", "sans", "silver", "royal", "silver", "LLL NNL,LLL-NNL", slogan="GARDEN STATE", slogan_colour="silver", weight=0.5),
    _d("US-NM", "New Mexico USA", "serif", "red", "yellow", "red", "NNN-LLL,LLL-NNN,NNNLLL", slogan="Land of Enchantment", slogan_kind="script", slogan_colour="red", emblem="sun", emblem_colour="red", emblem_place="behind", weight=1.4),
    _d("US-NM", "New Mexico USA", "sans", "yellow", "teal", "yellow", "NNN.LLL,LLLNNN,NNNLLL", slogan="Land of Enchantment", slogan_colour="yellow", emblem="sun", emblem_colour="yellow", emblem_place="behind"),
    _d("US-NM", "New Mexico", "serif", "white", "blue/teal/orange", "white", "LLL.NNN,NNN.LLL", slogan="Land of Enchantment", scenery="balloon"),
    _d("US-NM", "NEW MEXICO", "serif", "red", "black", "white", "LLLLNN,AAALNN", slogan="Chile Capital of the World", slogan_colour="white", emblem="chile", emblem_colour="green"),
    _d("US-NY", "NEW YORK", "serif", "navy", "gold", "navy", "LLL*NNNN,LLL-NNNN,LLLNNNN", slogan="EMPIRE STATE", slogan_colour="navy", rules="navy", emblem="outline_ny", emblem_colour="navy", weight=2),
    _d("US-NY", "NEW YORK", "serif", "gold", "gold", "navy", "LLL*NNNN,LLL-NNNN,NNNNNLL", slogan="EMPIRE STATE", slogan_colour="navy", top_band="navy", emblem="outline_ny", emblem_colour="navy", weight=3),
    _d("US-NY", "NEW YORK", "serif", "white", "white", "navy", "LLL*NNNN,NNNNNLL,LLL-NNNN,LNN-NNL", slogan="THE EMPIRE STATE", slogan_kind="sans", slogan_colour="white", top_band="navy", bottom_band="navy", scenery="nyband", emblem="outline_ny", emblem_colour="navy", weight=3),
    _d("US-NY", "NEW YORK", "serif", "navy", "white/ice", "navy", "LLL*NNNN,LLL NNNN,TNNNNNNL,NNNNNLL", slogan="EXCELSIOR", slogan_colour="gold", bottom_band="navy", emblem="outline_ny", emblem_colour="navy", scenery="mountains:ice", weight=3.5),
    _d("US-NY", "NEW YORK", "sans", "red", "white", "red", "NLL NNN,LNL NNN", slogan="", emblem="tower", emblem_colour="sky", emblem_place="behind", weight=0.4),
    _d("US-NC", "NORTH CAROLINA", "sans", "red", "white/ice/ice", "blue", "LLL-NNNN,LLL-NNN,LL-NNNN,LLL.NN,LLLL NLL", slogan="First in Flight", slogan_kind="serif", slogan_colour="red", scenery="flyer:sky,reeds:silver", header_low=True, weight=2.6),
    _d("US-NC", "NORTH CAROLINA", "serif", "navy", "white", "navy", "LLL-NNNN", slogan="First in Freedom", slogan_kind="script", slogan_colour="red", scenery="picture", header_low=True),
    _d("US-NC", "NORTH CAROLINA", "sans", "red", "white/ice", "blue", "NNNN[WC],[?]NNNN,NNNN[?]", slogan="First in Flight", slogan_colour="red", scenery="flyer:sky", emblem="bird", emblem_colour="red", emblem_place="left", header_low=True),
    _d("US-NC", "NORTH CAROLINA", "serif", "navy", "sky/white/mint", "navy", "LLL-NNNN,LLL-NNN", slogan="In God We Trust", slogan_colour="red", scenery="flagfield", header_low=True, weight=0.7),
    _d("US-ND", "NORTH DAKOTA", "sans", "black", "sky/ice/lemon/gold", "black", "LLL NNN,NNN LLL", slogan="Discover the Spirit", slogan_kind="serif", slogan_colour="white", scenery="bison,plinth:black", extra=_PEACE, header_low=True, weight=1.4),
    _d("US-ND", "NORTH DAKOTA", "serif", "white", "royal/sky/peach/tan", "black", "NNN LLL,NNNLLL", slogan="LEGENDARY", slogan_kind="script", slogan_colour="black", scenery="redrock,bison"),
    _d("US-ND", "North Dakota", "serif", "red", "white/ice", "navy", "LLL NNN", slogan="Peace Garden State", scenery="hills:lime", weight=0.5),
    _d("US-OH", "Ohio", "script", "blue", "white/white/white/ice", "navy", "LLL NNNN,LLLNNNN,NNLLL,LL NNLL", top_band="", scenery="edges:red:blue,sunburst:ice", extra=_FLIGHT, weight=1.8),
    _d("US-OH", "OHIO", "serif", "navy", "sky/white/mint", "navy", "LLL NNNN,LLLNNNN", slogan="BIRTHPLACE OF AVIATION", slogan_kind="sans", slogan_colour="navy", scenery="hills:lime"),
    _d("US-OH", "OHIO", "serif", "navy", "gold/cream/white", "navy", "LLL NNNN,LL NNLL", slogan="Birthplace of Aviation", scenery="sunburst:lemon"),
    _d("US-OH", "OHIO", "serif", "red", "white", "black", "LLL NNNN,LL NNLL,NNLLL", slogan="Birthplace of Aviation", slogan_colour="navy", top_band="", scenery="corner:red,letters"),
    _d("US-OH", "OHIO", "serif", "white", "sky/peach/white/tan", "black", "LLL NNNN,LLLNNNN", slogan="BIRTHPLACE OF AVIATION", scenery="sunburst:gold,hills:tan,city:silver"),
    _d("US-OH", "Ohio", "script", "navy", "ice/white/peach", "navy", "LLL NNNN,LLLNNNN", slogan="The Heart of It All!", slogan_colour="red", weight=0.7),
    _d("US-OK", "OKLAHOMA", "serif", "black", "white/white/ice", "maroon", "NNNLLL,LLL NNN,NNN LLL", slogan="NATIVE AMERICA", slogan_kind="serif", slogan_colour="white", emblem="archer", emblem_colour="navy", emblem_place="left", scenery="archersky", bottom_band="navy", header_x=0.58, weight=2.5),
    _d("US-OK", "OKLAHOMA", "sans", "white", "teal/ice/white/ice", "navy", "LLLNNN,LLL NNN,LLL-NNN", slogan="TRAVELOK.COM", slogan_colour="teal", emblem="bird", emblem_colour="teal", scenery="waves"),
    _d("US-OK", "OKLAHOMA", "serif", "green", "white", "green", "LLL NNN,LLL-NNN,NNNLLL", slogan="NATIVE AMERICA", slogan_colour="green", emblem="shield", emblem_colour="brown"),
    _d("US-OK", "Oklahoma", "sans", "black", "black/gold/white", "black", "LLLNNN,LLL-NNN", slogan="IMAGINE THAT", emblem="shield", emblem_colour="black", weight=0.6),
    _d("US-OK", "OKLAHOMA", "serif", "white", "red/peach/white/sky", "black", "LLL NNN,LLL-NNN", slogan="ICONIC OKLAHOMA", scenery="city:silver,hills:tan", weight=0.7),
    _d("US-OR", "Oregon", "serif", "navy", "sky/ice/lilac/ice", "navy", "NNN*LLL,LLL*NNN", slogan="", emblem="pine", emblem_colour="teal", scenery="mountains:lilac,pinesides:purple", weight=2.2),
    _d("US-OR", "Oregon", "serif", "navy", "tan/pale/ice", "black", "NNN*LLL,LLL*NNN", slogan="", emblem="pine", emblem_colour="forest", scenery="mountains:silver,pinesides:navy"),
    _d("US-OR", "OREGON", "sans", "yellow", "blue", "yellow", "LLL NNN,NNN LLL", slogan="PACIFIC WONDERLAND", slogan_colour="yellow", weight=0.5),
    _d("US-OR", "Oregon", "serif", "navy", "sky/white/teal", "navy", "CLNNNNN,NNNLL,LLNNNNN", slogan="Crater Lake", scenery="peak:blue", weight=0.5),
    _d("US-PA", "PENNSYLVANIA", "sans", "white", "white", "navy", "LLL*NNNN,LLL-NNNN,LLL NNNN", slogan="visitPA.com", slogan_kind="sans", slogan_colour="navy", top_band="navy", bottom_band="yellow", emblem="keystone", emblem_colour="navy", weight=3),
    _d("US-PA", "PENNSYLVANIA", "sans", "white", "navy/ice/white/lemon/yellow", "navy", "LLL NNNN,LLL-NNNN,ZNN-NNNL,LLL*NNNN", slogan="www.state.pa.us", slogan_kind="sans", slogan_colour="navy", emblem="keystone", emblem_colour="navy", weight=1.5),
    _d("US-PA", "PENNSYLVANIA", "sans", "white", "white", "navy", "LL-NNNNN,LLLNNNN,TRNNNNN", slogan="TRUCK", slogan_kind="serif", slogan_colour="navy", top_band="navy", bottom_band="yellow", emblem="keystone", emblem_colour="navy"),
    _d("US-PA", "PENNSYLVANIA", "sans", "yellow", "blue", "yellow", "LLL-NNN,LLL NNN", slogan="KEYSTONE STATE", slogan_colour="yellow", weight=0.4),
    _d("US-PA", "PENNSYLVANIA", "serif", "navy", "ice/white/white", "navy", "LLL NNNN,LLL-NNNN", slogan="LET FREEDOM RING", slogan_kind="serif", slogan_colour="red", scenery="seal:sky", weight=0.8),
    _d("US-RI", "Rhode Island", "serif", "navy", "white/ice", "navy", "LL-NNN,NNN-NNN,NNNNN,NNNNNN,LL NNN,1LL NNN", slogan="Ocean State", slogan_kind="serif", slogan_colour="navy", scenery="bigwave:silver", emblem="anchor", emblem_colour="navy", emblem_place="corner", weight=4),
    _d("US-RI", "Rhode Island", "serif", "navy", "white/pale/sky", "navy", "1LL NNN,2LL NNN,LL-NNN,NNN-NNN,NNNNN", slogan="Ocean State", scenery="waves:sky,waves:blue", emblem="anchor", emblem_colour="navy", emblem_place="corner", weight=2),
    _d("US-SC", "South Carolina", "serif", "white", "navy/blue/white/peach/orange", "black", "LLL*NNN,NNN*LLL,LLL NNN", slogan="TRAVEL2SC.COM", slogan_kind="serif", slogan_colour="white", bottom_band="navy", emblem="palm", emblem_colour="navy", weight=1.4),
    _d("US-SC", "South Carolina", "serif", "navy", "sky/white/white", "navy", "NNN*LLL,LLL*NNN,NNN LLL", slogan="Smiling Faces. Beautiful Places.", slogan_kind="script", slogan_colour="navy", emblem="bird", emblem_colour="brown"),
    _d("US-SC", "SOUTH CAROLINA", "serif", "navy", "sky/white", "navy", "LLL NNN,NNNNLL", slogan="While I Breathe, I Hope", emblem="palm", emblem_colour="silver", emblem_place="behind"),
    _d("US-SC", "South Carolina", "serif", "navy", "white/ice/orange", "navy", "LLL*NNN,LLL NNN", slogan="IN GOD WE TRUST", emblem="palm", emblem_colour="navy"),
    _d("US-SD", "South Dakota", "script", "red", "ice/white/white/ice", "navy", "NNL NNN,NLN NNN,NNLNNN,LLNNNN,NN LNNN", slogan="GREAT FACES. GREAT PLACES.", slogan_kind="sans", slogan_colour="red", scenery="rushmore:silver,border:blue", weight=1.4),
    _d("US-SD", "SOUTH DAKOTA", "serif", "red", "sky/white/white", "navy", "NLN NNN,NNLNNN", slogan="Great Faces. Great Places.", scenery="rushmore:sky"),
    _d("US-SD", "South Dakota", "serif", "navy", "tan/white/sage", "black", "NLN NNN,NNN NNN", slogan="Great Faces. Great Places.", slogan_colour="maroon", scenery="rushmore:tan"),
    _d("US-SD", "South Dakota", "serif", "maroon", "white/sky/white", "navy", "NLN NNN,NNL NNN", slogan="GREAT FACES. GREAT PLACES.", slogan_kind="sans", slogan_colour="navy", scenery="rushmore:silver"),
    _d("US-TN", "Tennessee", "script", "black", "white/white/lime/mint", "black", "NNN*LLL,NNN-LLL,LNN*NNL,LNN NNL", slogan=COUNTY, slogan_kind="sans", slogan_colour="black", slogan_box="white", emblem="outline_tn", emblem_colour="black", scenery="hills:lime", extra=_VOLUNTEER, weight=1.6),
    _d("US-TN", "Tennessee", "serif", "navy", "white/sky/mint", "navy", "NNN-LLL,LLL NNN", slogan=COUNTY, slogan_box="white", scenery="sunburst:lemon,hills:green"),
    _d("US-TN", "TENNESSEE", "sans", "white", "blue", "white", "LLL NNNN,LLLNNNN", slogan="THE VOLUNTEER STATE", slogan_colour="white", emblem="seal", emblem_colour="sky", emblem_place="behind"),
    _d("US-TX", "TEXAS", "sans", "black", "white", "black", "LLL NNNN,LLL*NNNN,LLL-NNNN,LLL-NNN", slogan="The Lone Star State", slogan_kind="serif", slogan_colour="black", emblem="star", emblem_colour="black", emblem_place="corner", weight=2.5),
    _d("US-TX", "TEXAS", "serif", "white", "navy/sky/white/tan", "navy", "LLN*LNNN,LLN LNNN,NNN-LLL", slogan="The Lone Star State", slogan_kind="script", slogan_colour="white", emblem="outline_tx", emblem_colour="red", scenery="texcorner,hills:navy"),
    _d("US-TX", "TEXAS", "sans", "navy", "sky/white/ice/tan", "navy", "LNN*LLL,LNN LLL,NNN*LLL", slogan="THE LONE STAR STATE", emblem="outline_tx", emblem_colour="navy", scenery="mountains:tan,city:navy"),
    _d("US-TX", "TEXAS", "sans", "red", "white", "blue", "LLL*NNL,LLL*NNN,NNN*LLL", slogan="THE LONE STAR STATE", slogan_colour="red", emblem="outline_tx", emblem_colour="red", weight=0.6),
    _d("US-UT", "UTAH", "serif", "navy", "sky/white/white", "navy", "LNN NLL,LNNNLL,NNN LLL", slogan="Greatest Snow on Earth", slogan_colour="navy", scenery="peak:ice", emblem="figure", emblem_colour="royal", emblem_place="left"),
    _d("US-UT", "UTAH", "serif", "orange", "sky/peach/tan/orange", "navy", "LNN*NLL,LNN NLL", slogan="Life Elevated", slogan_kind="script", slogan_colour="navy", emblem="arch", emblem_colour="orange", scenery="redrock", weight=1.2),
    _d("US-UT", "UTAH!", "sans", "navy", "white/white/ice", "navy", "NNN LLL,LNN NLL", slogan="CENTENNIAL 1896-1996", emblem="arch", emblem_colour="orange"),
    _d("US-UT", "UTAH", "sans", "white", "black", "white", "LNNNLL,NLNNL", slogan="", emblem="figure", emblem_colour="white", weight=0.5),
    _d("US-UT", "UTAH", "serif", "navy", "white/ice", "navy", "LNN NLL,LLL NNN", slogan="IN GOD WE TRUST", slogan_colour="navy", scenery="flagfield", weight=0.7),
    _d("US-VT", "Vermont", "sans", "white", "green", "white", "LLL NNN,[TRK]LLL NNN,LLLNNN,NNNLNNN", slogan="Green Mountain State", slogan_kind="sans", slogan_colour="white", rules="white", emblem="pine", emblem_colour="white", emblem_place="corner", weight=2.4),
    _d("US-VA", "VIRGINIA", "sans", "navy", "white", "navy", "LLL-NNNN,LLLNNNN,LLL NNNN", weight=1.2),
    _d("US-VA", "VIRGINIA", "serif", "navy", "white", "navy", "LLL-NNNN,LLLNNNN,LLL NNNN", weight=1.2),
    _d("US-VA", "VIRGINIA", "sans", "navy", "white/ice", "navy", "LLL-NNNN,LLL NNNN", slogan="VIRGINIA IS FOR LOVERS", slogan_colour="red", weight=1.3),
    _d("US-VA", "VIRGINIA", "sans", "navy", "white", "navy", "LLL-NNNN,LLLNNNN", slogan="1607 400th Anniversary 2007", slogan_colour="red"),
    _d("US-VA", "VIRGINIA", "serif", "navy", "sky/white/sage", "navy", "NNNNLL,LLNNNN,NNNN[?],NNNNN[?]", slogan="WILDLIFE CONSERVATIONIST", emblem="bird", emblem_colour="brown", emblem_place="left", scenery="picture"),
    _d("US-WA", "WASHINGTON", "sans", "red", "ice/white/white", "navy", "NNN-LLL,LLLNNNN,LLL NNNN,LLLNNNN", slogan="EVERGREEN STATE", slogan_kind="sans", slogan_colour="red", scenery="peak:sky", header_x=0.4, weight=2),
    _d("US-WA", "WASHINGTON", "serif", "red", "white/ice/ice", "navy", "NNN-LLL,LLLNNNN", slogan="EVERGREEN STATE", slogan_colour="maroon", scenery="peak:ice"),
    _d("US-WV", "West Virginia", "serif", "gold", "white", "navy", "NLL NNN,LLL NNN,NNL NNN,[US]NNNN", slogan="Wild, Wonderful", slogan_kind="sans", slogan_colour="navy", top_band="navy", bottom_band="gold", weight=1.3),
    _d("US-WV", "West Virginia", "serif", "navy", "gold/white/white/white", "navy", "NLL NNN,NNL NNN,[US]NNNN", slogan="Wild, Wonderful", slogan_colour="navy", scenery="edges:navy:gold", emblem="outline", emblem_colour="gold"),
    _d("US-WI", "WISCONSIN", "sans", "red", "white", "black", "NNN-LLL,LLL-NNNN,LLL NNNN,NNN-LLL", slogan="America's Dairyland", slogan_kind="sans", slogan_colour="red", scenery="farmstrip", header_x=0.31, weight=2.6),
    _d("US-WI", "WISCONSIN", "serif", "red", "white", "black", "LLL-NNNN,NNN-LLL", slogan="America's Dairyland", slogan_kind="sans", slogan_colour="red", scenery="farmstrip", header_x=0.31),
    _d("US-WI", "WISCONSIN", "sans", "black", "yellow", "black", "LNN-NNN,LLL-NNN", slogan="AMERICA'S DAIRYLAND", slogan_colour="black", weight=0.3),
    _d("US-WY", "Wyoming", "serif", "brown", "sky/white/white/tan", "black", "N*NNNNN,NN*NNNL,NN-NNNNN,[NN]*NNNL,[NN]*NNNN,[NN]*NNN[?]", slogan="", emblem="rider", emblem_colour="black", scenery="mountains:ice", header_x=0.68, weight=1.5),
    _d("US-WY", "WYOMING", "sans", "white", "blue/sky/pale/tan", "black", "N*NNNNN,NN*NNNNN,NN*NNNL,[TRK]NNNNL", slogan="", emblem="rider", emblem_colour="black", scenery="peak:royal,hills:tan", header_low=True),
    _d("US-WY", "Wyoming", "serif", "white", "blue/sky/peach/tan", "brown", "N*NNNNN,NN*NNNNN", slogan="", emblem="rider", emblem_colour="brown", scenery="mountains:purple"),
    _d("US-WY", "WYOMING", "serif", "white", "navy/sky/white/sage", "black", "N*NNNNN,NN*NNNNN", emblem="rider", emblem_colour="black", scenery="snowpeaks:silver,pines:forest"),
    _d("CA-BC", "British Columbia", "serif", "blue", "white", "blue", "LLN*NNL,NNN*LLL,LLL NNN,LLN*NNL,NNNN*LL,LL*NNNN,LLNNNL", slogan="Beautiful", slogan_kind="script", emblem="wave", emblem_colour="red", weight=4),
    _d("CA-BC", "Beautiful British Columbia", "sans", "blue", "white", "blue", "LLN*NNL,LLL*NNN,NNN*LLL,NNNN*LL,LL*NNNN", slogan="", emblem="wave", emblem_colour="red", header_low=True, weight=3),
    _d("CA-BC", "British Columbia", "serif", "navy", "sky/white/teal", "navy", "PNNNLL,LNNNNL", slogan="BC PARKS", scenery="mountains:sky,pines:forest", weight=0.6),
    _d("CA-AB", "Alberta", "script", "red", "white", "red", "LLL-NNNN,LLL-NNN,LLL*NNNN", slogan="Wild Rose Country", slogan_kind="sans", slogan_colour="red", emblem="flower", emblem_colour="pink"),
    _d("CA-SK", "Saskatchewan", "sans", "green", "white", "green", "NNN*LLL,NNN LLL", slogan="Land of Living Skies", slogan_colour="green", emblem="wheat", emblem_colour="gold"),
    _d("CA-MB", "MANITOBA", "sans", "navy", "sky/ice/white/lime", "black", "LLL NNN", slogan="Friendly", slogan_kind="script", slogan_colour="green", scenery="bison", header_low=True),
    _d("CA-ON", "ONTARIO", "sans", "blue", "white", "blue", "LLLL*NNN,LLLL NNN,LLL*NNN,LLNNNNN", slogan="YOURS TO DISCOVER", slogan_colour="blue", emblem="crown", emblem_colour="blue", weight=3),
    _d("CA-ON", "Ontario", "sans", "white", "blue", "white", "LLLL NNN", slogan="A PLACE TO GROW", slogan_colour="white", scenery="swoosh:royal", weight=0.4),
    _d("CA-QC", "Québec", "sans", "blue", "white", "blue", "LNN LLL,NNN LLL,LLL NNN,LNNLLL,LNN*LLL", slogan="Je me souviens", slogan_kind="sans", slogan_colour="blue", emblem="crown", emblem_colour="blue", weight=2),
    _d("CA-NB", "New Nouveau Brunswick", "sans", "red", "white", "red", "LLL NNN,LLL-NNN", slogan="", emblem="blob", emblem_colour="red"),
    _d("CA-NB", "New Brunswick", "sans", "red", "white/ice", "black", "LLL NNN,LLL-NNN", slogan="Be...in this place", emblem="blob", emblem_colour="red", emblem_place="corner"),
    _d("CA-NS", "NOVA SCOTIA", "sans", "blue", "white/ice", "blue", "LLL NNN,LLL*NNN", slogan="Canada's Ocean Playground", slogan_colour="blue", scenery="waves", emblem="ship", emblem_colour="sky"),
    _d("CA-PE", "Prince Edward Island", "serif", "green", "ice/white/mint", "forest", "NNNN LL,LL NNN,NNNLL", slogan="Birthplace of Confederation", scenery="hills"),
    _d("CA-PE", "PRINCE EDWARD ISLAND", "sans", "white", "sky/ice/orange", "navy", "LL NNN,NNN LL", slogan="Confederation Bridge", scenery="bridge:grey", weight=0.6),
    _d("CA-NL", "Newfoundland & Labrador", "serif", "red", "white/ice", "navy", "LLL NNN", slogan="", emblem="flower", emblem_colour="purple"),
    _d("CA-YT", "Yukon", "serif", "navy", "cream/white", "navy", "LLL NN,LLLNN", slogan="The Klondike", emblem="rider", emblem_colour="brown", emblem_place="left"),
    _d("CA-NT", "NORTHWEST TERRITORIES", "sans", "royal", "white/ice", "blue", "NNNNNN,NNN NNN", slogan="SPECTACULAR", slogan_colour="blue"),
    _d("CA-NU", "Nunavut", "sans", "navy", "ice/white", "navy", "NNN NNN,NNNNNN", slogan="", scenery="stars"),
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
# Names on plates that belong to no region of the table.
ELSEWHERE = (
    "PUERTO RICO", "GUAM", "U.S. GOVERNMENT", "US VIRGIN ISLANDS", "JALISCO", "SONORA", "BAJA CALIFORNIA", "CHIHUAHUA",
    "TAMAULIPAS", "NUEVO LEON", "COAHUILA", "DISTRITO FEDERAL", "CHEROKEE NATION", "U.S. FORCES", "DIPLOMAT", "CONSUL",
)  # fmt: skip
COUNTIES = (
    "CLARK", "JEFFERSON", "FRANKLIN", "MADISON", "BOONE", "SCOTT", "WARREN", "WASHINGTON", "LINCOLN", "MONROE", "JACKSON",
    "UNION", "MARION", "GREENE", "WAYNE", "MONTGOMERY", "CLAY", "LEE", "POLK", "KNOX", "SHELBY", "HINDS", "RANKIN", "DESOTO",
    "COBB", "FULTON", "GWINNETT", "DEKALB", "LINN", "JOHNSON", "BLACK HAWK", "FAYETTE", "KENTON", "CAMPBELL", "DAVIDSON",
    "SUMNER", "HAMILTON", "RUTHERFORD", "HARRISON", "LOWNDES", "TATE", "CALHOUN", "CHATHAM", "RICHMOND", "HENRY", "HALL",
    "BUTLER", "CARROLL", "CHEROKEE", "CRAWFORD", "DALLAS", "DUBUQUE", "FLOYD", "GRANT", "HARDIN", "HOUSTON", "MERCER",
)  # fmt: skip
CAUSES = (
    "SUPPORT WILDLIFE", "BREAST CANCER AWARENESS", "SUPPORT OUR TROOPS", "IN GOD WE TRUST", "DISABLED VETERAN",
    "KIDS FIRST", "SUPPORT EDUCATION", "FIREFIGHTER", "ANTIQUE", "HISTORIC", "TRUCK", "TRAILER", "COMMERCIAL",
    "VETERAN", "CONSERVATION", "ENVIRONMENT", "University", "Alumni Association", "SALUTE TO VETERANS", "DEALER",
    "PURPLE HEART", "FARM", "SHARE THE ROAD", "SAVE OUR SEAS", "ANIMAL FRIENDLY", "PERMANENT", "APPORTIONED",
    "Arts", "STATE PARKS", "HABITAT", "WILDLIFE", "United We Stand", "CHOOSE LIFE", "NATIONAL GUARD", "AMATEUR RADIO",
)  # fmt: skip


@dataclass(frozen=True)
class Place:
    """What a region's plates call it: `names` as they stand on plates, `sayings` that only its plates carry."""

    names: tuple[str, ...]
    sayings: tuple[str, ...]


def _p(names: str, sayings: str) -> Place:
    return Place(tuple(names.split("|")), tuple(sayings.split("|")))


PLACES: dict[str, Place] = {
    "US-AL": _p("Alabama", "Heart of Dixie|Sweet Home|Stars Fell On|God Bless America|Share the Beauty"),
    "US-AK": _p("Alaska", "The Last Frontier|North to the Future|Celebrating Statehood|The Great Land"),
    "US-AZ": _p("Arizona", "Grand Canyon State|Centennial"),
    "US-AR": _p("Arkansas", "The Natural State|Land of Opportunity"),
    "US-CA": _p("California", "dmv.ca.gov|Golden State|Sesquicentennial|Yosemite|Whale Tail"),
    "US-CO": _p("Colorado", "Respect Wildlife|Centennial State|Pioneer|Columbine"),
    "US-CT": _p("Connecticut", "Constitution State|Preserve the Sound"),
    "US-DE": _p("Delaware", "The First State|Small Wonder"),
    "US-DC": _p("Washington, DC|Washington, D.C.|District of Columbia", "Taxation Without Representation|End Taxation Without Representation|We Demand Statehood|Nation's Capital|www.dc.gov"),
    "US-FL": _p("Florida|MyFlorida.com", "Sunshine State|In God We Trust|Orange|Dade|Duval"),
    "US-GA": _p("Georgia|GEORGIA.gov|www.GEORGIA.gov", "Peach State|Cobb|DeKalb|Fulton|Gwinnett"),
    "US-HI": _p("Hawaii|Hawai'i", "Aloha State"),
    "US-ID": _p("Idaho", "Famous Potatoes|Scenic|Centennial"),
    "US-IL": _p("Illinois", "Land of Lincoln"),
    "US-IN": _p("Indiana", "In God We Trust|The Crossroads of America|Hoosier State|Bicentennial 1816-2016|Amber Waves of Grain|Hoosier Hospitality"),
    "US-IA": _p("Iowa", "Polk|Linn|Johnson|Scott|Black Hawk|Fields of Opportunities"),
    "US-KS": _p("Kansas", "Sunflower State|To the Stars|Midway USA|Wheat State"),
    "US-KY": _p("Kentucky", "Unbridled Spirit|Bluegrass State|It's that friendly|In God We Trust|Jefferson|Fayette"),
    "US-LA": _p("Louisiana", "Sportsman's Paradise|Bayou State|Bicentennial 1812-2012|200 Years"),
    "US-ME": _p("Maine", "Vacationland|Support Wildlife|Lobster|Dirigo"),
    "US-MD": _p("Maryland", "War of 1812|Treasure the Chesapeake|www.maryland.gov|Protecting the Chesapeake|Our Farms, Our Future"),
    "US-MA": _p("Massachusetts|MASS", "The Spirit of America|Cape Cod & Islands|Right Whale"),
    "US-MI": _p("Michigan", "Great Lakes|Great Lakes Splendor|World's Motor Capital|Pure Michigan|michigan.gov|Great Lake State|Spectacular Peninsulas"),
    "US-MN": _p("Minnesota|Explore Minnesota|ExploreMinnesota.com", "10,000 lakes|Critical Habitat|Land of 10,000 Lakes"),
    "US-MS": _p("Mississippi", "The Hospitality State|Magnolia State|Hinds|Rankin|DeSoto|Birthplace of America's Music"),
    "US-MO": _p("Missouri", "Show-Me State|Bicentennial"),
    "US-MT": _p("Montana", "Big Sky Country|Treasure State|Big Sky|The Last Best Place"),
    "US-NE": _p("Nebraska", "The Good Life|Cornhusker State|nebraska.gov|1867-2017|Genuine"),
    "US-NV": _p("Nevada", "The Silver State|Home Means Nevada|Lake Tahoe|Battle Born|Las Vegas"),
    "US-NH": _p("New Hampshire", "Live Free or Die|Conservation"),
    "US-NJ": _p("New Jersey", "Garden State|Shore to Please|Liberty State Park|Conquer Cancer|Discover NJ History"),
    "US-NM": _p("New Mexico|New Mexico USA", "Land of Enchantment|Centennial|Chile Capital of the World|Turquoise"),
    "US-NY": _p("New York", "Empire State|The Empire State|Excelsior"),
    "US-NC": _p("North Carolina", "First in Flight|First in Freedom|In God We Trust"),
    "US-ND": _p("North Dakota", "Discover the Spirit|Peace Garden State|Legendary|Centennial"),
    "US-OH": _p("Ohio", "Birthplace of Aviation|The Heart of It All!|Bicentennial 1803-2003|Ohio Pride|Buckeye State"),
    "US-OK": _p("Oklahoma", "Native America|OK!|TravelOK.com|Imagine That|Explore Oklahoma"),
    "US-OR": _p("Oregon", "Pacific Wonderland|Crater Lake|Salmon|Wine Country"),
    "US-PA": _p("Pennsylvania", "visitPA.com|Let Freedom Ring|Keystone State|www.state.pa.us|You've Got a Friend in|Save Wild Animals"),
    "US-RI": _p("Rhode Island", "Ocean State|Discover"),
    "US-SC": _p("South Carolina", "Travel2SC.com|Smiling Faces. Beautiful Places.|While I Breathe, I Hope|Nothing Could Be Finer|In God We Trust"),
    "US-SD": _p("South Dakota", "Great Faces. Great Places.|Mount Rushmore State"),
    "US-TN": _p("Tennessee", "The Volunteer State|Volunteer State|tnvacation.com|Knox|Shelby|Davidson|Sounds Good to Me|In God We Trust"),
    "US-TX": _p("Texas", "The Lone Star State|Lone Star State|150 Years of Statehood"),
    "US-UT": _p("Utah", "Life Elevated|Greatest Snow on Earth|Centennial 1896-1996|This Is Still the Right Place|In God We Trust"),
    "US-VT": _p("Vermont", "Green Mountain State|Green Mountains|See Vermont"),
    "US-VA": _p("Virginia", "Virginia is for Lovers|400th Anniversary|1607 2007|Wildlife Conservationist|Friend of the Chesapeake"),
    "US-WA": _p("Washington", "Evergreen State|Wild on|State Parks"),
    "US-WV": _p("West Virginia", "Wild, Wonderful|Mountain State|Almost Heaven|United We Stand|Appalachian|Coal"),
    "US-WI": _p("Wisconsin", "America's Dairyland|Endangered Resources|Celebrate Children"),
    "US-WY": _p("Wyoming", "Forever West|The Cowboy State|Equality State|Devils Tower"),
    "CA-BC": _p("British Columbia|Beautiful British Columbia", "Beautiful|The Best Place on Earth|BC Parks"),
    "CA-AB": _p("Alberta", "Wild Rose Country"),
    "CA-SK": _p("Saskatchewan", "Land of Living Skies"),
    "CA-MB": _p("Manitoba", "Friendly|Amiable|Sunny Manitoba"),
    "CA-ON": _p("Ontario", "Yours to Discover|A Place to Grow|Keep It Beautiful|Tant à découvrir"),
    "CA-QC": _p("Québec|QUEBEC", "Je me souviens|La belle province"),
    "CA-NB": _p("New Brunswick|Nouveau-Brunswick|New Nouveau Brunswick", "Be...in this place|Être...ici on le peut|Conservation"),
    "CA-NS": _p("Nova Scotia", "Canada's Ocean Playground|Conservation"),
    "CA-PE": _p("Prince Edward Island", "Birthplace of Confederation|Confederation Bridge|Canada's Green Province|Seat Belts Save"),
    "CA-NL": _p("Newfoundland & Labrador|Newfoundland and Labrador|Newfoundland", "A World of Difference"),
    "CA-YT": _p("Yukon", "The Klondike|Klondike"),
    "CA-NT": _p("Northwest Territories", "Explore Canada's Arctic|Spectacular"),
    "CA-NU": _p("Nunavut", "Explore Canada's Arctic"),
}  # fmt: skip
WORDS = (
    "FAST", "MOMSCAR", "GOLFR", "SURF", "NURSE", "LUV2SKI", "BIGRED", "4MYKIDS", "CATLUVR", "RUNNER", "HIKER", "BOATN",
    "FISHN", "ZOOM", "GR8DAY", "SUNNY", "DOGMOM", "TEACHR", "PIANO", "JAZZ", "MUSTANG", "ROCKET", "QUILTR", "WXYZ",
    "KWIKR", "2COOL", "4EVER", "OUTLAW", "MAGIC", "GOBLUE", "BEACH", "CHEF", "PILOT", "VET", "MDMOM", "JUSTICE",
)  # fmt: skip

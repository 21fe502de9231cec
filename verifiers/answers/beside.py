"""Whether what stands in front of a step, or behind it, leaves its value alone: words known to be harmless do.

    "She paid 5 * 3 = 15"              a verb in front of it: harmless
    "The square root of 16 + 9 = 25"   "of" after something that is no amount: not harmless
    "5 multiplied by 3 + 4 = 7"        "by" in a clause that counts or calculates: not harmless
    "2 + 2 = 4 sqrt(2)", "3 + 4 = 7 dozen", "4 + 5 = 9 dollars and 50 cents"    not harmless

What is covered: in front the last word or sign, and after a preposition the clause back to its verb; behind, the
clause to its end. A word in front must be on a list or be a verb by its ending; a noun behind may be any that counts
nothing. A number behind must come after a word that keeps it apart ("in 2 days"), and a sign must be plain punctuation.
What is not covered: other clauses, and whether the sentence is true.
"""

from __future__ import annotations

import re

from selfplay.verifiers.answers.arithmetic import SCALES


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_MOST = 300
"""Characters that are looked at on either side."""
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*|\d[\d.,]*|[^\s]")
_PLAIN = frozenset("'\"’‘“”„«»()[]-–‑—/_$€£¥%&,.;:!?#…¢")
"""Punctuation, and signs of money; an operator, an arrow, a root is none."""
_CALCULATES = _words(
    """absolute pct bps binary hex hexadecimal octal base radix plus minus times divide divides divided multiply
    multiplies multiplied multiplying dividing less subtract subtracts subtracted subtracting power root
    roots square squared squares cube cubed cubes log logarithm ln lg exp sin cos tan sine cosine tangent
    arcsin arccos arctan cot sec csc abs sqrt cbrt mod modulo modulus choose factorial pi tau percent
    negative twice thrice double doubled triple tripled halved quadruple reciprocal inverse product quotient
    ratio average mean median difference floor ceil ceiling max min maximum minimum gcd lcm binomial over
    rounded"""
)
"""Words that calculate, in a clause before a preposition that stands before a step."""
_CHANGE = _CALCULATES - _words(
    """times less over divide square cube squares cubes roots root sec average mean difference product ratio max
    min maximum minimum double percent"""
)
"""The same behind a step; "times", "less", "over" and the like only where a number follows, which is another rule."""
_TEENS = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
_NUMBERS = _words(f"{_TEENS} eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety zero nil")
_PARTS = re.compile(
    r"(?:hal(?:f|ves)|quarters?|thirds?|(?:four|fif|six|seven|eigh|nin|ten|eleven|twelf|twentie|thirtie|fortie|fiftie"
    r"|hundred|thousand|million|billion|trillion|(?:thir|fourtee|fiftee|sixtee|eightee)\w{0,4})ths?"
    r"|tens|hundreds?|thousands?|millions?|billions?|trillions?|[kmb]illiarden?|dozens?|grand|gross|mio|mrd|mln|bn|mil|mill"
    r"|lakhs?|crores?|hundredweight|myriads?|googol|fold|point|teens?)",
    re.IGNORECASE,
)
"""Fractions and scales in words."""
_SCALED = SCALES - {"and", "per"}
_CHINESE = frozenset("加減减乘除倍打分之")
_AMOUNTS = _words(
    """total sum profit cost length discount distance speed change weight rate height loss area score balance value
    consumption wages expenses interest excess difference distances salary group radius bonus fee loan
    charge diameter time population bill pay pressure mass payments usage age width volume tip commission
    remainder party capacity elevation playtime increase price amount savings pace perimeter payment
    equivalent consists short number count rest"""
)
"""What "of" may stand after: a total of 3 + 4."""
_FALSE = frozenset(["wrong", "false", "incorrect", "untrue", "mistaken"])
_APART = _words(
    """in for the after of to than those his her their its from per every all at on between first last next other
    any each this that no only within during is are was were has have had who which because since when while"""
)
"""Words that keep a number behind a step apart from it: in 2 days."""
_OPENS = _words("to for in after from with who that because since of on at when if per before during")
"""Words that begin something else: a number further on is none of the step's, "7 hours to read 120 pages"."""
_LEADS_ON = _words("and times less over by point or away x plus minus to")
"""Words after which a number counts all the same: "7 in all less 3"."""
_ORDERED = _words("the this that his her its their first second last other remaining after are is were was")
"""Words before an ordinal or a half that counts nothing: on the third day, the first half."""
_SUBJECTS = _words("he she they we i you will can would could must should may might cannot who")
"""Words after which a word that does not calculate is a verb: "she trains 3 * 5"."""
_TOLD = _words("divide multiply subtract average")
"""Words that calculate, and tell of the step where "we" or "to" stands before them."""
_OPERATES = _words(
    """absolute plus minus times divide divided multiply multiplied less subtract subtracted root square cube log
    power by"""
)
_GIVES = _words("gave give took take takes cost costs earn pay pays paid fed caught threw")
_OWNERS = _words("the a an his her their my each")
"""It took Tom 3 * 5 minutes, he gave the farmer 3 * 5 eggs."""
_COMES = _words("amount amounts amounted come comes came equal equals up down translate translates")
_CAREFUL = _words("take takes took taken add adds added adding raised")
"""Verbs that make arithmetic of a number before them: 5 take 3."""
_JOINING = frozenset(["to", "by", "from", "with", "and", "than", "up", "down", "out", "off", "over", "into", "away"])
"""Prepositions that make arithmetic of two numbers: 5 multiplied by 3."""
_LOOSE = _JOINING | _words(
    """in of for a an the at only about another additional extra exactly around roughly least most more still now
    then currently total him her them it us me you his their each every last as on also just altogether
    together back own all i he she they we those after before"""
)
"""Words that leave a step alone unless the clause before them calculates."""
_VERBS = _words(
    """hit calculate compute evaluate simplify solve check obtain try borrows places bore dances drops is are was
    were be been being has have had cost costs spent needs need spends spend made make makes paid pay pays
    bought buy buys that's thats it's sold sell sells got get gets ate eat eats earns earn read reads weighs
    weigh use uses save saves means worth leaves leave gave give gives caught catch catches saw see sees
    drinks drink found find finds lost lose loses won win wins runs run ran walks walk perform receive
    receives contain contains kept keep keeps works work becomes become became writes write wrote written
    brought bring brings bakes bake drove drive drives drank travels travel do does did hold holds held
    produces produce sent send sends cover covers totals totalling carry carries scores score require
    requires type types donate donates given taken sleeps sleep slept contribute contributes grow grows grew
    grown jump jumps consume consumes chop chops store stores left represents represent equals equal burns
    burn picks pick collect collects gains gain owns drew draw draws put puts open accommodate fit fits
    eaten lay lays laid watch watches order orders serves serve plant plants paints paint fill fills fold
    melt taught teach teaches transport knits knit prays purchase purchases deliver delivers pack packs mend
    charges charge releases yield yields press wears wear broke broken acquire practice practices play plays
    go goes went gone threw throw throws wash washes want wants climb climbs cut cuts rode ride rides fly
    flies flew print prints cook cooks recover expects build builds built remove removes lasts last owe owes
    swims swim moves move harvests harvest gather gathers hear hears sew sews wait says say said shows show
    showed thus so because then therefore hence or that that’s since where when if while but know knew
    giving"""
)
"""Verbs and conjunctions, at which a clause with a number of its own ends."""
_CHANGING = re.compile(
    r"(?:doubl|squar|halv|negat|tripl|quadrupl|quintupl|root|factor|cub|ignor|exclud|invert|exponentiat|subtract|divid"
    r"|multiply|multipl|omitt|round|truncat|averag|weight|scal|logg)(?:ed|i?ing|ied)"
)
"""Verbs that change what stands behind them."""
_MADE_OF_VERB = re.compile(r"[a-z]{2,20}(?:ed|ing)")
_SHORT = _words(
    """kg g mg km m cm mm mi ft in yd hr hrs h oz lb lbs l ml sq cu mb gb kb tb kw bc ad s on of at to is as he we
    so if by it an my up or and a be do us am pm no i go tv"""
)
"""Words of one or two letters that scale nothing."""
_ENDS = re.compile(r"[,;:!?](?=\s|\Z)|\.+(?=\s|\Z)|[\n\u2424]")
_CONCLUDES = re.compile(r"\b(?:so|hence|thus|therefore|because)\b", re.IGNORECASE)
_NEXT_STEP = re.compile(
    r"\b(?:and|so|then|hence|thus|therefore|because|since|or|is|are|while)\b"
    r"(?=\s{1,9}[-(\\]{0,3}[$€£]?\d[\d.,]{0,60}\s?%?\s?(?:[-+*/×÷·∙⋅∗✕⨯∕⁄−‑x^(]|of\b|times\b))"
)


def harmless_before(text: str, *, led: bool = False) -> bool:
    """Whether what stands before a step leaves it alone.

    Args:
        text: the line up to the step.
        led: whether it begins after the equals sign of an earlier step.
    """
    words = [found[0] for found in _WORD.finditer(_plain(text[-_MOST:]))]
    if not words:
        return True
    last = words[-1]
    if last[0].isalpha():
        return _word_before(words, led=led)
    before = words[-2] if len(words) > 1 else ""
    if last in ".!?;,:":
        return before not in _LEADS_ON and not (last == ":" and re.search(r"\d\s+:\s*\Z", text[-_MOST:]))
    if last == ")":
        return bool(re.fullmatch(r"\s*\(?[A-Za-z]\)\s*", text[-_MOST:]))
    return last in "(\"'“‘„«—–-" and not before[:1].isdigit() and not calculates(before)


def harmless_behind(text: str, *, more: bool) -> bool:
    """Whether what stands behind the number of a right side leaves it alone.

    Args:
        text: the line from there on, up to the next equals sign.
        more: whether there is such a sign, so that the text ends in the next step.
    """
    text = text[:_MOST]
    if more and (found := _NEXT_STEP.search(text)) is not None:
        text = text[: found.start()]
    if re.match(r"['’\"”″′]\s*\d|\s*[B-HJ-Z]\b(?!['’.])|\s*not\b", text):
        return False  # 9' 3", 7 M
    end = _ENDS.search(text)
    clause, rest = (text[: end.start()], text[end.start() :]) if end else (text, "")
    clause = _CONCLUDES.split(clause, maxsplit=1)[0]
    if rest[:1] == "\u2424":
        return False
    if rest[:1] == ",":
        following = [found[0] for found in _WORD.finditer(_plain(rest[1:60]))]
        if following and (calculates(following[0]) or _FALSE.intersection(following[:5])):
            return False
    return _clause_behind([found[0] for found in _WORD.finditer(_plain(clause))])


def calculates(word: str) -> bool:
    """Whether a word is a part of arithmetic: plus, root, dozen, half."""
    word = _plain(word)
    return word in _CALCULATES or word in _NUMBERS or _PARTS.fullmatch(word) is not None


def _changes(word: str) -> bool:
    return calculates(word) or _CHANGING.fullmatch(word) is not None


def _word_before(words: list[str], *, led: bool) -> bool:
    """Whether words that end in one before a step leave it alone."""
    last = words[-1]
    if _is_verb(last) or (len(words) > 1 and words[-2] in _SUBJECTS and not _changes(last) and last not in _LOOSE):
        return last not in _CAREFUL or not any(word[0].isdigit() or word in _NUMBERS for word in words[-4:-1])
    if last in _TOLD and len(words) > 1 and words[-2] in ("we", "you", "to"):
        return True
    if last not in _LOOSE:
        to = words[-3:-2] if words[-2:-1] and words[-2] in _OWNERS else words[-2:-1]
        return bool(to) and to[0] in _GIVES and not calculates(last)
    if last == "of" and (
        len(words) < 2
        or (words[-2] not in _AMOUNTS and words[-3:-1] != ["an", "average"] and words[-3:-1] != ["a", "maximum"])
    ):
        return False
    if last == "of" and words[-4:-3] == ["of"]:
        return False  # a third of a total of
    if last == "to" and words[-2:-1] and words[-2] in _COMES:
        return True
    clause: list[str] = []
    for at, word in enumerate(reversed(words[:-1])):
        # a participle is a part of it: 5 increased by
        if word in ",.;:!?" or (_is_verb(word) and not (at == 0 and last in _JOINING)):
            break
        clause.append(word)
    counted = any(word[0].isdigit() or word in _NUMBERS for word in clause)
    # "half of them for a total of": what a total is of, is a phrase of its own
    does = _OPERATES.__contains__ if last == "of" else calculates
    if any(does(word) and word not in _NUMBERS for word in clause) or not all(map(_is_plain, clause)):
        return False
    return not (counted and last in _JOINING and not (led and last == "and"))


def _clause_behind(words: list[str]) -> bool:
    """Whether the clause behind a number leaves it alone."""
    before, opened = "", False
    for at, word in enumerate(words):
        if word[0].isnumeric() or word in _NUMBERS:
            if not _keeps_apart(before, at, word, opened=opened):
                return False
        elif word[0].isalpha():
            ordered = before in _ORDERED and opened and word[-1:] in "dhf" and words[:2] != ["to", "the"]
            if word in _CHANGE or set(word) & _CHINESE or (_PARTS.fullmatch(word) and not ordered):
                return False
            if (word in _FALSE and before in _ORDERED) or (at == 0 and word in _SCALED):
                return False
            if at == 0 and len(word) < 3 and word.isascii() and word not in _SHORT:
                return False  # 7 M
        elif not _is_plain(word):
            return False
        opened = opened or word in _OPENS
        before = before if word in "$€£¥" else word
    return True


def _keeps_apart(before: str, at: int, number: str, *, opened: bool) -> bool:
    """Whether a number behind a step is none of its own, by the word before it."""
    if at == 1:
        return before in _APART - {"to", "by", "from", "of", "is", "are"} or (before == "or" and number[0].isdigit())
    return before in _APART or (opened and before[:1].isalpha() and before not in _LEADS_ON)


def _is_plain(word: str) -> bool:
    return word[0].isalpha() or word[0].isdecimal() or word in _PLAIN


def _is_verb(word: str) -> bool:
    if word in _VERBS or word in _CAREFUL:
        return True
    return not _changes(word) and _MADE_OF_VERB.fullmatch(word) is not None


def _plain(text: str) -> str:
    return text.casefold().replace("’", "'")

"""Text to text: Unicode and LaTeX cosmetics to one spelling, before tokens are made. Meaning never changes here."""

from __future__ import annotations

import re
import unicodedata

_CHARACTERS = {
    "−": "-", "–": "-", "—": "-", "‐": "-", "‑": "-", "﹣": "-", "－": "-", "×": r"\times ",
    "⋅": r"\cdot ",    "·": r"\cdot ", "∙": r"\cdot ", "÷": r"\div ", "∕": "/", "⁄": "/",
    "√": r"\sqrt ", "∛": r"\sqrt[3] ",
    "π": r"\pi ", "∞": r"\infty ", "≤": r"\le ", "≥": r"\ge ", "⩽": r"\le ", "⩾": r"\ge ", "≠": r"\ne ",
    "≈": r"\approx ", "∪": r"\cup ", "∩": r"\cap ", "∅": r"\emptyset ", "ℝ": r"\mathbb{R}",
    "ℤ": r"\mathbb{Z}",
    "ℕ": r"\mathbb{N}", "ℚ": r"\mathbb{Q}", "∈": r"\in ", "°": r"^\circ ", "º": r"^\circ ", "±": r"\pm ",
    "∓": r"\mp ", "∑": r"\sum ", "∏": r"\prod ", "∫": r"\int ", "⌊": r"\lfloor ", "⌋": r"\rfloor ",
    "⌈": r"\lceil ", "⌉": r"\rceil ", "∠": r"\angle ", "∖": r"\setminus ", "′": "'", "’": "'", "‘": "'",
    "“": '"', "”": '"', "…": r"\ldots ", "€": r"\euro ", "£": r"\pounds ",
    "α": r"\alpha ", "β": r"\beta ", "γ": r"\gamma ", "δ": r"\delta ", "θ": r"\theta ", "λ": r"\lambda ",
    "μ": r"\mu ", "ρ": r"\rho ", "σ": r"\sigma ", "φ": r"\phi ", "ϕ": r"\phi ", "ω": r"\omega ",
}  # fmt: skip
_ROOT_SIGN = re.compile(r"([√∛])\s*(\d+(?:\.\d+)?|[A-Za-z])")
_DEGREES = {"√": "", "∛": "[3]"}
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿⁱˣ", "0123456789+-()nix")
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉₊₋₍₎", "0123456789+-()")
_INVISIBLE = dict.fromkeys([0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0x200E, 0x200F, 0x2061, 0x2062, 0x2063])
_SUPERSCRIPT_RUN = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿⁱˣ]+")
_SUBSCRIPT_RUN = re.compile("[₀₁₂₃₄₅₆₇₈₉₊₋₍₎]+")
_SIZING = re.compile(
    r"\\(?:left|right|middle|[Bb]igg?[lrm]?|displaystyle|textstyle|scriptstyle|limits|nolimits|rm|bf|it|boldmath"
    r"|tiny|scriptsize|footnotesize|small|normalsize|large|Large|LARGE|huge|Huge)"
    r"(?![A-Za-z])\.?"
)
_SPACE = re.compile(
    r"(?<!\\)\\(?:[,;:! ]|(?:quad|qquad|enspace|thinspace|medspace|thickspace|hfill|noindent)(?![A-Za-z]))|~"
)
_BLANKS = re.compile(r"\s{3,}")
_TIGHT = re.compile(r"(?<!\\)\\!")
_THOUSANDS_GAP = re.compile(
    r"(?<![\d.])\d{1,3}(?:(?:\s*\{\s*,\s*\}|,\s*\\[!,]|\\,|,?[\u2009\u202f\u00a0])\s*\d{3})+(?!\d)"
    r"|(?<![\w.,^/] )(?<![\w.,^/{])[1-9]\d{0,2}(?: \d{3})+(?![\w,/]| [\w/])"
)
_FRACTION = re.compile(r"\\[dtc]frac(?![A-Za-z])")
_COMPARED = re.compile(r"\\(?:(le)q(?:slant)?|(ge)q(?:slant)?|(ne)q)(?![A-Za-z])")
_UPRIGHT_CONSTANT = re.compile(r"\\(?:mathrm|mathop|operatorname)\s*\{\s*([eid])\s*\}")
_BINOMIAL = re.compile(r"\\[dt]binom(?![A-Za-z])")
_ARROW = re.compile(r"\\(?:vec|overrightarrow)(?![A-Za-z])|\\overline(?=\s*\{\s*[A-Z]{2,}\s*\})")
_FONT = re.compile(r"\\(?:mathbf|boldsymbol|bm|mathit|mathsf|mathcal|underline|boxed|fbox|ensuremath)(?![A-Za-z])")
_DELIMITERS = re.compile(r"(?<!\\)\\[()\[\]]")
_BRACED_SIGN = re.compile(r"\{\s*([:;])\s*\}")
_TEXT_COMMAND = re.compile(
    r"\\(?:mbox|textrm|textsf|texttt|textnormal|mathrm|hbox|textup|textbf|textit|emph)(?![A-Za-z])"
)
_PIECE = re.compile(r"\\[A-Za-z]+|\\.|\d+(?:\.\d+)?|[A-Za-z]+|\S")
_COLOUR = re.compile(r"\\(?:text)?color\s*\{[A-Za-z]*\}")
_BLACKBOARD = re.compile(r"\\(?:mathbf|bf|Bbb)\s*\{?\s*([RQZNC])\s*\}?(?![A-Za-z])")
_GROUP = r"(?:[^{}]|\{[^{}]*\}){0,200}?"
_INFIX = re.compile(rf"\{{({_GROUP})\\(over|choose)(?![A-Za-z])({_GROUP})\}}")
_WHOLE_INFIX = re.compile(r"[^=,;<>]*\\(?:over|choose)(?![A-Za-z])[^=,;<>]*")
_SLANTED = re.compile(r"(?<![\w)}\]])\^\{?(\d+)\}?\s*/\s*_\{?(\d+)\}?")
_CHOICES = re.compile(r"\{\s*\}\s*_\s*\{?\s*(\w+)\s*\}?\s*C\s*_\s*\{?\s*(\w+)\s*\}?")
_ORDINAL = re.compile(r"(?<=\d)\s*\^\s*\{?\s*\\text\s*\{\s*(st|nd|rd|th)\s*\}\s*\}?")
_EXPONENT_IN_TEXT = re.compile(r"(\\text\s*\{[^{}]{0,80})\^\s*\{\s*(-?\d)\s*\}")
_UNIT_SIGN = re.compile(
    r"(?<=\d)\s*(\\mu\s*\\text\{\s*m\s*\}|\\Omega|\^\s*\{?\s*\\circ\s*\}?\s*(?:\\text\s*\{\s*[CF]\s*\}|[CF]))$"
)
_WHOLE_NUMBER_INDEX = re.compile(
    r"[,;]?\s*(?:\\text\{[^{}]*\})?\s*\(?\s*[a-z]\s*\\in\s*\\mathbb\s*\{?\s*Z\s*\}?\s*\)?\s*$"
)
_ABOUT_AN_ORDER = re.compile(r"[<>]|\\(?:le|ge|ne|lt|gt)(?![A-Za-z])")
_BOX = re.compile(r"\\f?boxed\s*\{([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}")
_PERIOD_BAR = re.compile(r"(?<=[\d.])\\bar\s*\{?\s*(\d+)\s*\}?")
_PERIOD_DOTS = re.compile(r"(\.\d*)\\dot\s*\{?\s*(\d)\s*\}?(?:(\d*)\\dot\s*\{?\s*(\d)\s*\}?)?")
_UNIT_FRACTION = re.compile(r"\\frac\s*\{\s*\\text\s*\{([^{}]*)\}\s*\}\s*\{\s*\\text\s*\{([^{}]*)\}\s*\}")
_ACCENT = re.compile(r"\\(bar|hat|tilde|dot|overline)\s*(?:\{\s*([A-Za-z])\s*\}|([A-Za-z])(?![A-Za-z]))")
_PLAIN_PLUS_MINUS = re.compile(r"\+\s?/\s?-|^\+-(?=[\s\d\\(.])|(?<==)\s*\+-(?=[\s\d\\(.])")
_PHANTOM = re.compile(r"\\[hv]?(?:space|phantom|skip)\*?\{[^{}]*\}")


def clean(text: str) -> str:
    """One spelling of what was written. Linear in the length of the text."""
    text = _BLANKS.sub("  ", text.strip().rstrip("\\"))
    if len(text) > 2 and text[0] == text[-1] == '"':
        text = text[1:-1]
    if text.startswith("**") and text.endswith("**") and len(text) > 4:
        text = text[2:-2].strip()
    if text.isascii():
        return _clean_latex(text) if any(sign in text for sign in "\\$~{_ +") else text
    text = text.translate(_INVISIBLE)
    text = _ROOT_SIGN.sub(lambda found: rf"\sqrt{_DEGREES[found[1]]}{{{found[2]}}}", text)
    text = _SUPERSCRIPT_RUN.sub(lambda found: "^{" + found[0].translate(_SUPERSCRIPTS) + "}", text)
    text = _SUBSCRIPT_RUN.sub(lambda found: "_{" + found[0].translate(_SUBSCRIPTS) + "}", text)
    text = _THOUSANDS_GAP.sub(lambda found: re.sub(r"\D", "", found[0]), text)
    text = "".join(one if one < "\x80" else _CHARACTERS.get(one) or _compatible(one) for one in text)
    return _clean_latex(text.strip())


def _compatible(character: str) -> str:
    r"""A full-width digit and its like as the plain one; `½` as `\frac{1}{2}`."""
    plain = unicodedata.normalize("NFKC", character)
    top, _, bottom = plain.partition("⁄")
    return rf"\frac{{{top}}}{{{bottom}}}" if bottom else plain


def _clean_latex(text: str) -> str:
    text = _THOUSANDS_GAP.sub(lambda found: re.sub(r"\D", "", found[0]), text)
    text = _PHANTOM.sub(" ", text)
    text = _PLAIN_PLUS_MINUS.sub(r"\\pm ", text)
    text = _BOX.sub(lambda found: found[1] if found[0] == text else f"{{{found[1]}}}", text)
    text = _COLOUR.sub("", text)
    text = _BLACKBOARD.sub(r"\\mathbb{\1}", text)
    text = _SIZING.sub(" ", text)
    # a backslash pair is a line break: what follows it is no part of a spacing command
    # (and long runs of blanks would cost the patterns their square)
    text = "\\\\".join(_SPACE.sub(" ", _TIGHT.sub("", _DELIMITERS.sub(" ", row))) for row in text.split("\\\\"))
    text = _FRACTION.sub(r"\\frac", _BLANKS.sub("  ", text))
    text = _COMPARED.sub(lambda found: "\\" + (found[1] or found[2] or found[3]), text)
    text = _UPRIGHT_CONSTANT.sub(r"\1", text)
    text = _BINOMIAL.sub(r"\\binom", text)
    if "\\over" in text or "\\choose" in text:
        text = _INFIX.sub(_prefix, text)
        text = _INFIX.sub(_prefix, f"{{{text}}}") if _WHOLE_INFIX.fullmatch(text) else text
    text = _SLANTED.sub(r"\\frac{\1}{\2}", text)
    text = _CHOICES.sub(r"\\binom{\1}{\2}", text) if "C" in text else text
    text = _PERIOD_BAR.sub(r"\\overline{\1}", text)
    text = _PERIOD_DOTS.sub(lambda found: rf"{found[1]}\overline{{{found[2]}{found[3] or ''}{found[4] or ''}}}", text)
    text = _ACCENT.sub(lambda found: rf"\accent{{{found[1]} {found[2] or found[3]}}}", text)
    text = _BRACED_SIGN.sub(r"\1", text)
    text = _TEXT_COMMAND.sub(r"\\text", text)
    text = _ORDINAL.sub(r"\1", text)
    while (flat := _EXPONENT_IN_TEXT.sub(r"\1^\2", text)) != text:
        text = flat
    text = _UNIT_SIGN.sub(_unit, text)
    if "\\in" in text and not _ABOUT_AN_ORDER.search(text) and not text.lstrip().startswith(("\\{", "\\lbrace")):
        text = _WHOLE_NUMBER_INDEX.sub("", text) or text
    text = _UNIT_FRACTION.sub(r"\\text{\1/\2}", text)
    text = _ARROW.sub("", _FONT.sub("", text))
    return _BLANKS.sub("  ", _dollars(text)).strip()


def _prefix(found: re.Match[str]) -> str:
    r"""`{3 \over 4}` as `\frac{3}{4}`."""
    command = "frac" if found[2] == "over" else "binom"
    return rf"\{command}{{{found[1].strip()}}}{{{found[3].strip()}}}"


def _unit(found: re.Match[str]) -> str:
    sign = found[1]
    if sign.startswith("^"):
        return r"\text{ celsius}" if "C" in sign else r"\text{ fahrenheit}"
    return r"\text{ ohm}" if "Omega" in sign else r"\text{ micrometer}"


def _dollars(text: str) -> str:
    r"""`\$` and a lone `$` are money; pairs of `$` and `$$` are delimiters."""
    text = text.replace(r"\$", "\0")
    if text.count("$") % 2 == 0:
        text = text.replace("$", " ")
    return text.replace("$", r"\$").replace("\0", r"\$")


def squeezed(text: str) -> str:
    """For comparing texts as texts: pieces with one space between, without a final full stop."""
    return " ".join(_PIECE.findall(text)).removesuffix(" .").removesuffix(".")

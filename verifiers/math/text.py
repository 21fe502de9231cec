"""Text to text: Unicode and LaTeX cosmetics to one spelling, before tokens are made.

What is covered: Unicode operators, vulgar fractions, super- and subscripts, full-width digits, zero-width
characters, math delimiters, spacing and sizing commands, `\\dfrac`, separators of thousands. Meaning never
changes here.
"""

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
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿⁱˣ", "0123456789+-()nix")
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉₊₋₍₎", "0123456789+-()")
_INVISIBLE = dict.fromkeys([0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0x200E, 0x200F, 0x2061, 0x2062, 0x2063])
_SUPERSCRIPT_RUN = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿⁱˣ]+")
_SUBSCRIPT_RUN = re.compile("[₀₁₂₃₄₅₆₇₈₉₊₋₍₎]+")
_SIZING = re.compile(
    r"\\(?:left|right|middle|[Bb]igg?[lrm]?|displaystyle|textstyle|scriptstyle|limits|nolimits|rm|bf|it|boldmath)"
    r"(?![A-Za-z])\.?"
)
_SPACE = re.compile(
    r"(?<!\\)\\(?:[,;:! ]|(?:quad|qquad|enspace|thinspace|medspace|thickspace|hfill|noindent)(?![A-Za-z]))|~"
)
_TIGHT = re.compile(r"(?<!\\)\\!")
_THOUSANDS_GAP = re.compile(r"(?<![\d.])\d{1,3}(?:(?:\{,\}|,\s*\\[!,]|\\,|,?[\u2009\u202f\u00a0])\s*\d{3})+(?!\d)")
_FRACTION = re.compile(r"\\[dtc]frac(?![A-Za-z])")
_BINOMIAL = re.compile(r"\\[dt]binom(?![A-Za-z])")
_ARROW = re.compile(r"\\(?:vec|overrightarrow)(?![A-Za-z])|\\overline(?=\s*\{\s*[A-Z]{2,}\s*\})")
_FONT = re.compile(
    r"\\(?:mathbf|boldsymbol|bm|mathit|mathsf|mathcal|textbf|textit|emph|underline|boxed|fbox)(?![A-Za-z])"
)
_DELIMITERS = re.compile(r"(?<!\\)\\[()\[\]]")
_TEXT_COMMAND = re.compile(r"\\(?:mbox|textrm|textsf|texttt|textnormal|mathrm|hbox|textup)(?![A-Za-z])")
_IDLE_SPACE = re.compile(r"(?<![\w.,]) | (?![\w.,])")
_PHANTOM = re.compile(r"\\[hv]?(?:space|phantom|skip)\*?\{[^{}]*\}")


def clean(text: str) -> str:
    """One spelling of what was written. Linear in the length of the text."""
    text = text.strip()
    if text.isascii():
        return _clean_latex(text) if any(sign in text for sign in "\\$~{") else text
    text = text.translate(_INVISIBLE)
    text = _SUPERSCRIPT_RUN.sub(lambda found: "^{" + found[0].translate(_SUPERSCRIPTS) + "}", text)
    text = _SUBSCRIPT_RUN.sub(lambda found: "_{" + found[0].translate(_SUBSCRIPTS) + "}", text)
    text = _THOUSANDS_GAP.sub(lambda found: re.sub(r"\D", "", found[0]), text)
    text = "".join(_character(character) for character in text)
    return _clean_latex(text.strip())


def _character(character: str) -> str:
    if character < "\x80":
        return character
    if character in _CHARACTERS:
        return _CHARACTERS[character]
    plain = unicodedata.normalize("NFKC", character)
    if "⁄" in plain:
        top, _, bottom = plain.partition("⁄")
        return rf"\frac{{{top}}}{{{bottom}}}" if bottom else plain
    return plain


def _clean_latex(text: str) -> str:
    text = _THOUSANDS_GAP.sub(lambda found: re.sub(r"\D", "", found[0]), text)
    text = _PHANTOM.sub(" ", text)
    text = _SIZING.sub(" ", text)
    text = _DELIMITERS.sub(" ", text)
    text = _TIGHT.sub("", text)
    text = _SPACE.sub(" ", text)
    text = _FRACTION.sub(r"\\frac", text)
    text = _BINOMIAL.sub(r"\\binom", text)
    text = _TEXT_COMMAND.sub(r"\\text", text)
    text = _ARROW.sub("", _FONT.sub("", text))
    text = _dollars(text)
    return text.strip()


def _dollars(text: str) -> str:
    r"""`\$` and a lone `$` are money; pairs of `$` and `$$` are delimiters."""
    text = text.replace(r"\$", "\0")
    if text.count("$") % 2 == 0:
        text = text.replace("$", " ")
    return text.replace("$", r"\$").replace("\0", r"\$")


def squeezed(text: str) -> str:
    """For comparing texts as texts: no final full stop, no spaces but those that keep 1 2 from being 12."""
    return _IDLE_SPACE.sub("", re.sub(r"\s+", " ", text)).rstrip(".")

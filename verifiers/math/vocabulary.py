"""The words and signs that the grammar knows."""

from __future__ import annotations

_GREEK = """
alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi rho sigma tau upsilon phi chi psi
omega Gamma Delta Theta Lambda Xi Sigma Phi Psi Omega ell hbar
"""
_FUNCTIONS = """
sin cos tan sec csc cot arcsin arccos arctan sinh cosh tanh coth ln log lg exp gcd lcm min max sqrt abs floor
ceil sgn det
"""
GREEK = frozenset(_GREEK.split())
FUNCTIONS = frozenset(_FUNCTIONS.split())
SPELLINGS = {
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "cosec": "csc", "ceiling": "ceil",
    "varepsilon": "epsilon", "vartheta": "theta", "varphi": "phi", "varrho": "rho", "varsigma": "sigma",
}  # fmt: skip
INVERSES = {"sin": "arcsin", "cos": "arccos", "tan": "arctan"}
_CONSTANTS = {"pi": "pi", "Pi": "pi", "infinity": "oo", "inf": "oo", "oo": "oo"}
PLAIN_NAMES = _CONSTANTS | {name: name for name in GREEK}
RELATIONS = {
    "=": "=", "==": "=", "<": "<", ">": ">", "<=": "<=", ">=": ">=", "=<": "<=", "=>": ">=", "!=": "!=",
    ":": ":", "\\le": "<=", "\\leq": "<=", "\\leqslant": "<=", "\\ge": ">=", "\\geq": ">=",
    "\\geqslant": ">=", "\\ne": "!=", "\\neq": "!=", "\\lt": "<", "\\gt": ">", "\\in": "in",
    "\\approx": "~", "\\simeq": "~",
    "\\doteq": "~",    "\\equiv": "==", "\\colon": ":",
}  # fmt: skip
SET_OPERATIONS = {
    "\\cup": "union",
    "U": "union",
    "\\cap": "intersection",
    "\\setminus": "minus",
    "\\backslash": "minus",
}
TIMES = frozenset({"*", "\\cdot", "\\times", "\\ast"})
DIVIDED = frozenset({"/", "\\div"})
_OPENERS = r"( [ { | \{ \lbrace \lbrack \lvert \lfloor \lceil \langle"
OPENERS = frozenset(_OPENERS.split())
_CLOSERS = r"\pm \mp \rvert \rfloor \rceil \rangle \rbrace \rbrack"
_LOGIC = r"\land \wedge \lor \vee \pmod \bmod"
NO_FACTOR = frozenset([*_CLOSERS.split(), *_LOGIC.split()]) | RELATIONS.keys() | SET_OPERATIONS.keys() | TIMES | DIVIDED
"""Commands after which, or at which, a product ends."""
CLOSED_BY = {
    "\\{": ("\\}", "\\rbrace"), "\\lbrace": ("\\}", "\\rbrace"), "\\lvert": ("\\rvert",), "|": ("|",),
    "\\lfloor": ("\\rfloor",), "\\lceil": ("\\rceil",), "\\langle": ("\\rangle",),
    "\\lbrack": ("\\rbrack", "]"),
}  # fmt: skip
MATRICES = frozenset({"pmatrix", "bmatrix", "matrix", "vmatrix", "Bmatrix", "smallmatrix", "psmallmatrix", "array"})
CASES = frozenset({"cases", "dcases", "rcases"})
CONJUNCTIONS = {
    "and": "and", "or": "or", "\\land": "and", "\\wedge": "and", "\\lor": "or", "\\vee": "or",
}  # fmt: skip

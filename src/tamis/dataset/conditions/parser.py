"""The parser of conditions: reads one to its end, and writes it in Lance's own words.

condition  := and_part (OR and_part)*
and_part   := not_part (AND not_part)*
not_part   := NOT not_part | comparison
comparison := sum [(= | <> | < | <= | > | >=) sum | [NOT] IN (…) | [NOT] BETWEEN sum AND sum
| [NOT] (LIKE | ILIKE) text | IS [NOT] (NULL | TRUE | FALSE)
| IS [NOT] DISTINCT FROM sum]
sum        := product ((+ | - | ||) product)*
product    := factor ((* | / | %) factor)*
factor     := - factor | value [ [number] ]
value      := number | text | TRUE | FALSE | NULL | column | function(…) | CAST(… AS type)
| TRY_CAST(… AS type) | DATE text | TIMESTAMP text | [value, …] | ( condition )
| HAS( condition on the columns of annotations )
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from tamis.dataset.annotation_columns import ANNOTATIONS
from tamis.dataset.conditions.functions import FUNCTIONS, PATTERN_FUNCTIONS, TYPES
from tamis.dataset.conditions.tokens import Token, fault, tokens_of
from tamis.wording import meant

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

__all__ = ["ConditionParser"]

# Lance's own parser gives up at a depth of 50. Each operator of a sum makes its tree one deeper,
# and from some 400 on it overruns its stack, which ends the process; AND and OR bear 3,000.
_MAX_DEPTH = 40
_MAX_OPERATORS = 150
_MAX_TERMS = 2000
_MAX_PATTERN = 1000
_COMPARISONS = frozenset({"=", "==", "<>", "!=", "<", "<=", ">", ">="})
_KEYWORDS = frozenset({"AND", "OR", "NOT", "IN", "BETWEEN", "LIKE", "ILIKE", "IS", "NULL", "TRUE"})
_KEYWORDS |= {"FALSE", "DISTINCT", "FROM", "CAST", "TRY_CAST", "AS"}
_UNSUPPORTED = {
    "CASE": "CASE is not supported; join the cases with AND and OR",
    "SELECT": "a condition holds no query",
    "EXISTS": "a condition holds no query",
    "LIMIT": "a condition has no LIMIT",
    "ESCAPE": "ESCAPE is not supported; a backslash before % or _ takes it as it is",
    "SIMILAR": "SIMILAR TO is not supported; use regexp_like(column, 'pattern')",
    "RLIKE": "RLIKE is not supported; use regexp_like(column, 'pattern')",
    "REGEXP": "REGEXP is not supported; use regexp_like(column, 'pattern')",
    "INTERVAL": "INTERVAL is not supported; write the time out: TIMESTAMP '2026-01-31 12:00:00'",
    "EXTRACT": "EXTRACT is not supported; use date_part('year', column)",
    "ISNULL": "write IS NULL",
    "NOTNULL": "write IS NOT NULL",
}


class ConditionParser:
    """Reads a condition once, from left to right, and writes down what it means.

    Args:
        where: the condition.
        columns: those there are; None if any name may be one.
        annotated: turns a condition on annotations into one on samples; without it `HAS(…)` stays
            as it is.

    Attributes:
        named: the columns that it names, in small letters, once it was read.
    """

    def __init__(
        self,
        where: str,
        columns: Collection[str] | None,
        annotated: Callable[[str], str] | None = None,
    ) -> None:
        self.named: set[str] = set()
        self._annotated = annotated
        self._inside = False
        self._where = where
        self._columns = None if columns is None else {name.lower(): name for name in columns}
        self._exact = frozenset(columns or ())
        self._tokens = tokens_of(where)
        self._at = 0
        self._depth = self._operators = self._terms_read = 0

    def condition(self) -> str:
        """Return the condition in Lance's own words.

        Raises:
            UsageError: it is none.
        """
        if self._is_over():
            raise self._fault("it is empty")
        text = self._either()
        if not self._is_over():
            raise self._unexpected()
        return text

    def _is_over(self) -> bool:
        return self._next.kind == "end"

    # Words

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._next
        self._at += 1
        return token

    def _takes(self, *keys: str) -> bool:
        """Take words if they come next, none of them else."""
        coming = self._tokens[self._at : self._at + len(keys)]
        if [token.key for token in coming if token.kind in ("word", "sign")] != list(keys):
            return False
        self._at += len(keys)
        return True

    def _require(self, key: str, after: str) -> None:
        if not self._takes(key):
            raise self._fault(f"after {after} comes {key}, not {self._shown()}")

    def _fault(self, what: str) -> Exception:
        return fault(self._where, what)

    def _shown(self) -> str:
        return "its end" if self._next.kind == "end" else repr(self._next.text)

    def _unexpected(self) -> Exception:
        if self._next.key in _UNSUPPORTED and self._next.kind == "word":
            return self._fault(_UNSUPPORTED[self._next.key])
        if self._next.key in ("(", ")"):
            return self._fault(f"its parentheses do not match at character {self._next.at + 1}")
        return self._fault(f"{self._shown()} at character {self._next.at + 1} is not expected")

    # Conditions

    def _either(self) -> str:
        return self._terms("OR", self._both)

    def _both(self) -> str:
        return self._terms("AND", self._negated)

    def _terms(self, word: str, part: Callable[[], str]) -> str:
        parts = [part()]
        while self._takes(word):
            parts.append(part())
            self._terms_read += 1
            if self._terms_read > _MAX_TERMS:
                raise self._fault(f"it joins more than {_MAX_TERMS} terms by AND and OR; use IN")
        return f" {word} ".join(parts)

    def _negated(self) -> str:
        if self._takes("NOT"):
            return f"NOT {self._deeper(self._negated)}"
        return self._comparison()

    def _comparison(self) -> str:
        left = self._sum()
        if self._next.kind == "sign" and self._next.text in _COMPARISONS:
            sign = self._take().text
            text = f"{left} {'=' if sign == '==' else sign} {self._sum()}"
            if self._next.kind == "sign" and self._next.text in _COMPARISONS:
                raise self._fault("comparisons do not chain; write  1 < x AND x < 3")
            return text
        if self._next.key == "IS" and self._next.kind == "word":
            return self._is(left)
        negated = "NOT " if self._takes("NOT") else ""
        if self._takes("IN"):
            self._require("(", "IN")
            return f"{left} {negated}IN ({self._list(')')})"
        if self._takes("BETWEEN"):
            low = self._sum()
            self._require("AND", "BETWEEN")
            return f"{left} {negated}BETWEEN {low} AND {self._sum()}"
        for word in ("LIKE", "ILIKE"):
            if self._takes(word):
                return f"{left} {negated}{word} {self._pattern(word)}"
        if negated:
            raise self._fault(f"after NOT comes IN, BETWEEN or LIKE, not {self._shown()}")
        return left

    def _is(self, left: str) -> str:
        self._take()
        negated = "NOT " if self._takes("NOT") else ""
        for word in ("NULL", "TRUE", "FALSE"):
            if self._takes(word):
                return f"{left} IS {negated}{word}"
        if self._takes("DISTINCT", "FROM"):
            # Lance reads all that follows FROM as one value, AND and OR included.
            return f"({left} IS {negated}DISTINCT FROM {self._sum()})"
        raise self._fault(f"after IS comes NULL, TRUE or FALSE, not {self._shown()}")

    def _pattern(self, of: str) -> str:
        if self._next.kind != "text":
            raise self._fault(f"the pattern of {of} has to be a text in quotes")
        token = self._take()
        if len(token.text) > _MAX_PATTERN:
            raise self._fault(f"a pattern may have {_MAX_PATTERN} characters at most")
        return self._text(token)

    # Values

    def _sum(self) -> str:
        return self._chain(("+", "-", "||"), self._product)

    def _product(self) -> str:
        return self._chain(("*", "/", "%"), self._factor)

    def _chain(self, signs: tuple[str, ...], part: Callable[[], str]) -> str:
        parts = [part()]
        while self._next.kind == "sign" and self._next.text in signs:
            parts += [self._take().text, part()]
            self._count_operator()
        return " ".join(parts)

    def _factor(self) -> str:
        if self._takes("-"):
            if self._next.kind != "number":
                self._count_operator()
            return f"- {self._deeper(self._factor)}"
        value = self._value()
        if self._takes("["):
            if self._next.kind != "number" or not self._next.text.isdigit():
                raise self._fault("the place in a list has to be a whole number, from 1")
            value = f"{value}[{self._take().text}]"
            self._require("]", "the place in a list")
        return value

    def _value(self) -> str:
        token = self._next
        if token.kind == "text":
            return self._text(self._take())
        if token.kind == "number":
            return self._take().text
        if token.kind == "name":
            return self._column(self._take())
        if self._takes("("):
            inner = self._deeper(self._either)
            if not self._takes(")"):
                raise self._parenthesis()
            return f"({inner})"
        if self._takes("["):
            return f"[{self._list(']')}]"
        if token.kind == "word":
            return self._word(self._take())
        if token.kind == "end":
            raise self._fault("a value is missing at its end")
        raise self._unexpected()

    def _word(self, token: Token) -> str:
        key = token.key
        if key in ("TRUE", "FALSE", "NULL"):
            return key
        if key in ("CAST", "TRY_CAST") and self._takes("("):
            return self._cast(key)
        if key in ("DATE", "TIMESTAMP") and self._next.kind == "text":
            return f"{key} {self._text(self._take())}"
        if key in _UNSUPPORTED and (self._columns is None or key.lower() not in self._columns):
            raise self._fault(_UNSUPPORTED[key])
        if key in _KEYWORDS:
            self._at -= 1
            raise self._unexpected()
        if self._takes("("):
            return self._has(token) if key == "HAS" else self._call(token)
        return self._column(token)

    def _has(self, token: Token) -> str:
        """Read a condition on annotations, whose columns are not those of samples."""
        if self._inside:
            raise self._fault(f"{token.text} does not stand inside itself")
        outside = self.named, self._columns, self._exact
        self.named, self._exact = set(), frozenset(ANNOTATIONS.names)
        self._columns = {name: name for name in ANNOTATIONS.names}
        self._inside = True
        text = self._deeper(self._either)
        self.named, self._columns, self._exact = outside
        self._inside = False
        if not self._takes(")"):
            raise self._parenthesis()
        return f"HAS({text})" if self._annotated is None else self._annotated(text)

    def _cast(self, word: str) -> str:
        value = self._deeper(self._either)
        self._require("AS", f"the value of {word}")
        kind = self._take()
        if kind.kind != "word" or kind.text.lower() not in TYPES:
            raise self._fault(f"{word} makes one of {', '.join(sorted(TYPES))}, not {kind.text!r}")
        if not self._takes(")"):
            raise self._parenthesis()
        return f"{word}({value} AS {kind.text.lower()})"

    def _call(self, token: Token) -> str:
        name = token.text.lower()
        if name not in FUNCTIONS:
            near = difflib.get_close_matches(name, FUNCTIONS, 1)
            meant = near[0] if near else f"one of {', '.join(sorted(FUNCTIONS))}"
            raise self._fault(f"there is no function {name!r} here; is it {meant}?")
        least, most = FUNCTIONS[name]
        arguments: list[str] = []
        while not self._takes(")"):
            if arguments and not self._takes(","):
                raise self._parenthesis()
            if len(arguments) == 1 and name in PATTERN_FUNCTIONS:
                arguments.append(self._pattern(name))
            else:
                arguments.append(self._deeper(self._either))
        if not least <= len(arguments) <= most:
            wanted = str(least) if least == most else f"{least} to {most}"
            raise self._fault(f"{name} takes {wanted} values, not {len(arguments)}")
        return f"{name}({', '.join(arguments)})"

    def _list(self, closing: str) -> str:
        values = [self._deeper(self._sum)]
        while self._takes(","):
            values.append(self._deeper(self._sum))
        if not self._takes(closing):
            raise self._parenthesis()
        return ", ".join(values)

    def _column(self, token: Token) -> str:
        self.named.add(token.text.lower())
        if self._columns is None or token.text in self._exact:
            return f"`{token.text}`"
        name = self._columns.get(token.text.lower())
        if name is None:
            raise self._fault(
                f"there is no column {token.text!r} (a text stands in 'single quotes'); "
                f"{meant(token.text, self._columns.values())}"
            )
        return f"`{name}`"

    def _text(self, token: Token) -> str:
        known = self._columns or {}
        if token.quote == '"' and token.text.lower() in known:
            raise self._fault(
                f'"{token.text}" may mean the column or a text; write {token.text} for the column, '
                f"'{token.text}' for the text"
            )
        quoted = token.text.replace("'", "''")
        return f"'{quoted}'"

    def _parenthesis(self) -> Exception:
        if self._next.kind == "end":
            return self._fault("its parentheses do not match: one is never closed")
        return self._unexpected()

    def _count_operator(self) -> None:
        self._operators += 1
        if self._operators > _MAX_OPERATORS:
            raise self._fault(f"it has more than {_MAX_OPERATORS} operators that compute")

    def _deeper(self, part: Callable[[], str]) -> str:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise self._fault(f"it is nested more than {_MAX_DEPTH} deep")
        text = part()
        self._depth -= 1
        return text

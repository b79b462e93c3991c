"""`Resolver`: the columns of a qualified SELECT, resolved through its scopes down to the tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from odibi_core.engines.lineage.sql_ways import (
    CHANGED,
    IDENTITY,
    Columns,
    NotResolvedError,
    Tables,
    Way,
    Ways,
    add,
    either,
    indirect,
    merged,
    then,
)

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.optimizer.scope import Scope

_BEYOND: Final = frozenset({"pivot", "matchrecognize", "columns", "tablefromrows", "tablecolumn"})
"""Parts that are not resolved, by their key in sqlglot."""
_HASHES: Final = frozenset({"md5", "md5digest", "sha", "sha2"})
_SIDE_PARTS: Final = {
    ("if", "this"): indirect("CONDITIONAL"),
    ("case", "this"): indirect("CONDITIONAL"),
    ("window", "partition_by"): indirect("WINDOW"),
    ("window", "order"): indirect("WINDOW"),
    ("window", "this"): CHANGED,
    ("filter", "expression"): indirect("FILTER"),
    ("withingroup", "expression"): indirect("SORT"),
    ("order", "expressions"): indirect("SORT"),
}
"""Parts of an expression that decide about its value, by its key and the name of the part."""


class Resolver:
    """Resolves columns; each scope is read once.

    Args:
        tables: The tables.
    """

    def __init__(self, tables: Tables) -> None:
        from sqlglot import exp
        from sqlglot.optimizer.scope import Scope

        self._exp = exp
        self._scope = Scope
        self._tables = tables
        self._known: dict[int, Columns] = {}

    def resolve(self, scope: Scope) -> Columns:
        """Return the columns of the outermost scope.

        Raises:
            NotResolvedError: The query has a part that is not resolved.
        """
        for part in scope.expression.walk():
            if part.key in _BEYOND or (part.key == "with" and part.args.get("recursive")):
                raise NotResolvedError(f"{part.key.upper()} is not resolved")
        return self._columns_of(scope)

    def _columns_of(self, scope: Scope) -> Columns:
        found = self._known.get(id(scope))
        if found is None:
            is_union = isinstance(scope.expression, self._exp.SetOperation)
            found = self._known[id(scope)] = self._of_union(scope) if is_union else self._of_select(scope)
        return found

    def _of_union(self, scope: Scope) -> Columns:
        left, right = (self._columns_of(each) for each in scope.set_operation_scopes)
        union = scope.expression
        if union.args.get("by_name"):
            raise NotResolvedError("BY NAME is not resolved")
        if len(left.columns) != len(right.columns):
            raise NotResolvedError("the sides of a set operation have different columns")
        deciding = merged([left.indirect, right.indirect])
        is_filter = isinstance(union, self._exp.Except | self._exp.Intersect)
        columns: dict[str, Ways | str] = {}
        for (name, first), second in zip(left.columns.items(), right.columns.values(), strict=True):
            columns[name] = first if is_filter else either(first, second)
            if is_filter or union.args.get("distinct"):
                for each in (first, second):
                    add(deciding, _known(each), indirect("FILTER" if is_filter else "GROUP_BY"))
        order = union.args.get("order")
        for column in order.find_all(self._exp.Column) if order is not None else ():
            add(deciding, _known(columns.get(column.name, {})), indirect("SORT"))
        return Columns(columns, deciding)

    def _of_select(self, scope: Scope) -> Columns:
        select: Any = scope.expression
        if not isinstance(select, self._exp.Select):
            raise NotResolvedError(f"{select.key.upper()} is not resolved")
        deciding: Ways = {}
        for _, source in scope.selected_sources.values():  # a CTE that is only defined is not among them
            if isinstance(source, self._scope):
                add(deciding, self._columns_of(source).indirect, None)
        for part, subtype in self._conditions(select):
            add(deciding, self._ways(scope, part), indirect(subtype))
        columns: dict[str, Ways | str] = {}
        for place, each in enumerate(select.selects):
            name = each.alias_or_name or f"_{place}"
            columns[name if name not in columns else f"{name}#{place}"] = self._projection(scope, each)
        if (distinct := select.args.get("distinct")) is not None and distinct.args.get("on") is None:
            for ways in columns.values():
                add(deciding, _known(ways), indirect("GROUP_BY"))
        return Columns(columns, deciding)

    def _projection(self, scope: Scope, each: Any) -> Ways | str:
        try:
            return self._ways(scope, each.unalias())
        except NotResolvedError as error:
            return str(error)

    def _conditions(self, select: Any) -> Iterator[tuple[exp.Expr, str]]:
        """Yield the parts of a SELECT that decide about its rows, each with the subtype of its columns."""
        for name in ("where", "having", "qualify"):
            if (part := select.args.get(name)) is not None:
                yield self._named(select, part.this), "FILTER"
        for join in select.args.get("joins") or ():
            if join.args.get("using"):
                raise NotResolvedError("USING of columns that are not known is not resolved")
            if (on := join.args.get("on")) is not None:
                yield on, "JOIN"
        group, distinct, order = (select.args.get(name) for name in ("group", "distinct", "order"))
        for name in ("expressions", "cube", "rollup", "grouping_sets") if group is not None else ():
            for part in group.args.get(name) or ():
                yield self._named(select, part), "GROUP_BY"
        if distinct is not None and distinct.args.get("on") is not None:
            yield self._named(select, distinct.args["on"]), "GROUP_BY"
        for part in order.expressions if order is not None else ():
            yield self._named(select, part), "SORT"

    def _named(self, select: Any, part: Any) -> exp.Expr:
        """Return an expression in which names and numbers of projections are replaced by these."""
        inner = part.this if isinstance(part, self._exp.Ordered) else part
        if isinstance(inner, self._exp.Literal) and inner.is_int and 0 < int(inner.this) <= len(select.selects):
            found: exp.Expr = select.selects[int(inner.this) - 1].unalias()
            return found
        if all(each.table for each in part.find_all(self._exp.Column)):
            return part  # type: ignore[no-any-return]
        projections = {each.alias_or_name: each.unalias() for each in select.selects}

        def replaced(node: Any) -> Any:
            is_name = isinstance(node, self._exp.Column) and not node.table and node.name in projections
            return projections[node.name].copy() if is_name else node

        return part.transform(replaced)  # type: ignore[no-any-return]

    def _ways(self, scope: Scope, part: exp.Expr) -> Ways:
        """Return the ways from the tables to an expression."""
        found: Ways = {}
        for leaf, way in self._leaves(part, IDENTITY):
            if isinstance(leaf, self._exp.Column):
                add(found, self._column(scope, leaf), way)
                continue
            inner = self._columns_of(self._subscope(scope, leaf))
            for ways in () if isinstance(leaf.parent, self._exp.Exists) else inner.columns.values():
                if isinstance(ways, str):
                    raise NotResolvedError(ways)
                add(found, ways, way)
            add(found, inner.indirect, indirect("FILTER"))
        return found

    def _leaves(self, part: Any, way: Way) -> Iterator[tuple[Any, Way]]:
        """Yield the columns and subqueries of an expression, each with its way to it."""
        if isinstance(part, self._exp.Column):
            yield part, way
        elif isinstance(part, self._exp.Query):
            yield part.unnest() if isinstance(part, self._exp.Subquery) else part, then(CHANGED, way)
        else:
            if isinstance(part, self._exp.Star) and not isinstance(part.parent, self._exp.Count):
                raise NotResolvedError("the columns of a table are not recorded")
            for child, inner in self._children(part):
                yield from self._leaves(child, then(inner, way))

    def _children(self, part: Any) -> Iterator[tuple[Any, Way]]:
        """Yield the parts of an expression, each with its way to it."""
        plain: Way = ("DIRECT", "TRANSFORMATION", part.key in _HASHES)
        if part.key in ("paren", "alias"):
            plain = IDENTITY
        elif isinstance(part, self._exp.AggFunc):
            plain = ("DIRECT", "AGGREGATION", part.key == "count")
        if part.key == "window" and (named := part.args.get("alias")) is not None:
            yield from ((each, indirect("WINDOW")) for each in self._window(part, named.name))
        for name, value in part.args.items():
            way = _SIDE_PARTS.get((part.key, name), plain)
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, self._exp.Expr):
                    yield child, way

    def _window(self, part: Any, name: str) -> Iterator[Any]:
        """Yield the parts of a window that has a name."""
        select = part.find_ancestor(self._exp.Select)
        for window in select.args.get("windows") or () if select is not None else ():
            if window.name == name:
                yield from window.args.get("partition_by") or ()
                yield from filter(None, [window.args.get("order")])

    def _column(self, scope: Scope, column: Any) -> Ways:
        """Return the ways from the tables to a column that an expression names."""
        at: Scope | None = scope
        while at is not None:
            source = at.sources.get(column.table)
            if source is not None:
                return self._of_source(source, column)
            at = at.parent  # a correlated subquery
        if not column.table and len(scope.sources) == 1:  # a part that sqlglot leaves as it is
            return self._of_source(next(iter(scope.sources.values())), column)
        raise NotResolvedError(f"the column {column.sql()} is in no table that is known")

    def _of_source(self, source: Any, column: Any) -> Ways:
        if isinstance(source, self._scope):
            ways = self._columns_of(source).columns.get(column.name)
            if ways is None:
                raise NotResolvedError(f"the column {column.sql()} was not found")
            if isinstance(ways, str):
                raise NotResolvedError(ways)
            return ways
        name, columns = self._tables.get(source.name.lower(), ("", ()))
        real = next((each for each in columns if each.lower() == column.name.lower()), None)
        if not isinstance(source.this, self._exp.Identifier) or source.args.get("db") or real is None:
            raise NotResolvedError(f"the columns of {source.name or source.key} are not recorded")
        return {(name, real): {IDENTITY}}

    def _subscope(self, scope: Scope, query: Any) -> Scope:
        at: Scope | None = scope
        while at is not None:
            for each in at.subquery_scopes:
                if each.expression is query:
                    return each
            at = at.parent
        raise NotResolvedError("a subquery was not resolved")


def _known(ways: Ways | str) -> Ways:
    """Return the ways of a column.

    Raises:
        NotResolvedError: They are unknown, and decide about rows.
    """
    if isinstance(ways, str):
        raise NotResolvedError(ways)
    return ways

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_memory.core.scope import parse_scope, scope_under
from agent_memory.ports.errors import Rejected
from agent_memory.ports.scopes import ScopeFilter, lineage, tree_bounds, visible, within

SEGMENT = st.text("ab.-_09Z", min_size=1, max_size=4).filter(lambda s: s not in {".", ".."})
SCOPE = st.one_of(st.just("global"), st.lists(SEGMENT, min_size=1, max_size=3).map("/".join))


@pytest.mark.parametrize("text", ["global", "", "/"])
def test_the_root_has_one_canonical_name(text: str) -> None:
    assert parse_scope(text) == "global"


@pytest.mark.parametrize("text", ["acme", "acme/api", "acme/api/s-1", "a.b_c-d/9"])
def test_a_path_of_up_to_three_segments_is_a_scope(text: str) -> None:
    assert parse_scope(text) == text


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("acme/../x", "'..'"),
        ("acme//x", "''"),
        ("a/b/c/d", "4 segments"),
        ("acme/" + "x" * 65, "is not allowed"),
        ("acme/x y", "'x y'"),
        ("acmé", "letters, digits"),
        ("global/x", "global"),
        ("acme/x\n", "is not allowed"),
        ("a\0b", "is not allowed"),
    ],
)
def test_anything_else_is_refused_naming_the_fault(text: str, part: str) -> None:
    with pytest.raises(Rejected, match="scope") as caught:
        parse_scope(text)
    assert part in str(caught.value)
    assert caught.value.field == "scope"


def test_a_scope_outside_the_ceiling_is_refused() -> None:
    assert scope_under(None, "acme") == "acme"
    assert scope_under("acme/api", "acme") == "acme/api"
    for outside in ("global", "acme-2", "other/acme"):
        with pytest.raises(Rejected, match="limited to 'acme'"):
            scope_under(outside, "acme")


@given(SCOPE, SCOPE)
def test_lineage_bounds_and_within_agree(scope: str, tree: str) -> None:
    assert within(scope, tree) == (tree in lineage(scope))
    if tree != "global":
        low, high = tree_bounds(tree)
        assert (low <= scope < high) == (within(scope, tree) and scope != tree)


@given(SCOPE, SCOPE, SCOPE, st.booleans(), st.booleans())
def test_visible_means_what_the_filter_says(
    candidate: str, scope: str, ceiling: str, inherit: bool, descendants: bool
) -> None:
    where = ScopeFilter(scope=scope, inherit=inherit, descendants=descendants, ceiling=ceiling)
    seen = visible(where)
    found = candidate in seen.exact or any(within(candidate, tree) for tree in seen.trees)
    wanted = (
        candidate == scope
        or (inherit and candidate in lineage(scope))
        or (descendants and within(candidate, scope))
    ) and within(candidate, ceiling)
    assert found == wanted
    assert not (candidate in seen.exact and any(within(candidate, tree) for tree in seen.trees))

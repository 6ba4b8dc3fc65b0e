import pytest

from agent_memory.core.tags import normal_tag, normal_tags
from agent_memory.ports.errors import Rejected


def test_a_tag_is_one_label_whatever_its_case_and_form() -> None:
    assert normal_tags(["Release Notes", "release-notes", "cafe\u0301", "CAF\u00c9"]) == (
        "release-notes",
        "caf\u00e9",
    )


@pytest.mark.parametrize("text", ["", "  ", "x" * 65, "a\0b", "a\u202eb"])
def test_what_cannot_be_a_label_is_refused(text: str) -> None:
    with pytest.raises(Rejected, match="tags: "):
        normal_tag(text)


def test_more_than_thirty_two_are_refused() -> None:
    with pytest.raises(Rejected, match="33 tags; at most 32"):
        normal_tags([f"t{n}" for n in range(33)])

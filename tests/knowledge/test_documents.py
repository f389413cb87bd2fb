from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.documents import (
    MAX_DOCUMENT_BYTES,
    DocumentError,
    parse_document,
    read_documents,
    read_questions,
)

DOCUMENT = """\
# Café

A first paragraph
over *two* lines. See [our page](https://example.org).

## Prices
> quoted **words**

| Drink | small | large |
|:--|--:|---|
| Latte | £3 | £4 |
| Tea |  | £2 |

- one
  and more of it
2. two

---
```
code as it stands
```
# Other
last
"""


def test_a_document_is_cut_into_paragraphs_items_and_rows() -> None:
    found = [(c.headings, c.text, c.line) for c in parse_document("a.md", DOCUMENT)]
    prices = ("Café", "Prices")
    assert found == [
        (("Café",), "A first paragraph over two lines. See our page.", 3),
        (prices, "quoted words", 7),
        (prices, "Latte: small £3, large £4.", 11),
        (prices, "Tea: large £2.", 12),
        (prices, "one and more of it", 14),
        (prices, "two", 16),
        (prices, "code as it stands", 20),
        (("Other",), "last", 23),
    ]


def test_the_first_chunk_under_each_heading_leads() -> None:
    leading = [c.text for c in parse_document("a.md", DOCUMENT) if c.leads]
    assert leading == ["A first paragraph over two lines. See our page.", "quoted words", "last"]


def test_plain_text_is_paragraphs() -> None:
    chunks = parse_document("a.txt", "one\ntwo\n\nthree")
    assert [(c.text, c.line) for c in chunks] == [("one two", 1), ("three", 4)]


def test_words_with_underscores_and_stars_keep_them() -> None:
    (chunk,) = parse_document("a.md", "snake_case_name and 2*3*4")
    assert chunk.text == "snake_case_name and 2*3*4"


@given(st.text(alphabet=st.sampled_from("a# |-*`~>\n_[]().1"), max_size=200))
def test_any_text_is_parsed_and_every_chunk_has_a_line_of_it(text: str) -> None:
    lines = text.splitlines()
    for chunk in parse_document("a.md", text):
        assert chunk.text
        assert 1 <= chunk.line <= len(lines)


def test_a_folder_is_read_without_hidden_files_and_questions(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.md").write_text("below", "utf-8")
    (tmp_path / "a.txt").write_text("above", "utf-8")
    (tmp_path / ".a.md.swp.md").write_text("hidden", "utf-8")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    (tmp_path / "questions.txt").write_text("# comment\n\n when? \n", "utf-8")
    assert [(c.document, c.text) for c in read_documents(tmp_path)] == [
        ("a.txt", "above"),
        ("sub/b.md", "below"),
    ]
    assert read_questions(tmp_path) == ["when?"]


def test_no_folder_has_no_documents_and_no_questions(tmp_path: Path) -> None:
    assert read_documents(tmp_path / "none") == []
    assert read_questions(tmp_path) == []


def test_what_is_not_utf8_is_named_with_the_place(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes(b"caf\xe9")
    with pytest.raises(DocumentError, match=r"a\.md is not UTF-8 at byte 3; save it as UTF-8"):
        read_documents(tmp_path)


def test_a_huge_document_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes(b"a" * (MAX_DOCUMENT_BYTES + 1))
    with pytest.raises(DocumentError, match="split it"):
        read_documents(tmp_path)

"""What the documentation says is true: its code prints what it shows, its paths and links exist.

In the pages (README.md and docs/*.md) the blocks marked ``python`` are run in order, in one
namespace; a block marked ``text`` that follows one is what it prints. Docstrings hold doctests.
"""

from __future__ import annotations

import contextlib
import doctest
import importlib
import inspect
import io
import re
from pathlib import Path
from typing import Any

import pytest

import optkit
import optkit.ad

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXTS = [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
MODULES = sorted((ROOT / "optkit").rglob("*.py"))

BLOCK = re.compile(
    r"^```python\n(?P<code>.*?)^```$(?:\s+^```text\n(?P<output>.*?)^```$)?", re.M | re.S
)
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")
SOURCE_PATH = re.compile(
    r"`(?!docs/_build)((?:optkit|tests|docs|examples|benchmarks|\.ci)/[\w./*-]*)`"
)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def run_page(text: str, origin: str) -> int:
    """Run the blocks of a page, compare what they print with what is shown, and count them."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    blocks = list(BLOCK.finditer(text))
    for block in blocks:
        # Blank lines before the code make the line numbers in a traceback those of the page.
        lines_before = text.count("\n", 0, block.start("code"))
        code = compile("\n" * lines_before + block["code"], origin, "exec")
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(code, namespace)
        if block["output"] is not None:
            example = doctest.Example(block["code"], block["output"])
            checker = doctest.OutputChecker()
            assert checker.check_output(example.want, printed.getvalue(), FLAGS), (
                f"{origin}, line {lines_before + 1}:\n"
                + checker.output_difference(example, printed.getvalue(), FLAGS)
            )
    return len(blocks)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_code_on_pages_runs_and_prints_what_is_shown(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = page.read_text(encoding="utf-8")
    assert run_page(text, name_of(page)) == text.count("```python")


def test_a_page_that_shows_a_wrong_output_is_caught() -> None:
    with pytest.raises(AssertionError, match="here, line 2"):
        run_page("```python\nprint(1)\n```\n\n```text\n2\n```\n", "here")


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_examples_in_docstrings_print_what_they_show(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    outcome = doctest.testmod(importlib.import_module(name), optionflags=FLAGS)
    assert outcome.failed == 0


@pytest.mark.parametrize("page", TEXTS, ids=name_of)
def test_links_and_paths_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    linked = [page.parent / target for target in LINK.findall(text)]
    named = [ROOT / path for path in SOURCE_PATH.findall(text)]
    missing = [str(path) for path in linked + named if not list(path.parent.glob(path.name or "."))]
    assert missing == []


def test_the_reference_lists_every_public_name() -> None:
    listed = (ROOT / "docs" / "api" / "index.md").read_text(encoding="utf-8").split()
    missing = [
        name
        for module in (optkit, optkit.ad)
        for name in module.__all__
        if name not in listed and not inspect.ismodule(getattr(module, name))
    ]
    assert missing == []


def test_the_architecture_page_names_every_room() -> None:
    """A module that is added, moved or renamed has to appear in the picture of the house."""
    picture = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    modules = [path for path in MODULES if path.name != "__init__.py"]
    missing = [name_of(path) for path in modules if not re.search(rf"\b{path.stem}\b", picture)]
    assert missing == []

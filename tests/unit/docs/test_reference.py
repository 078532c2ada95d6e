"""Docs are tested: every setting and every command is in the reference, as the code has it."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]
REFERENCE = ROOT / "docs" / "reference"
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_reference", REFERENCE / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["settings.md", "cli.md"])
def test_the_reference_is_what_the_code_says(generator: ModuleType, name: str) -> None:
    assert (REFERENCE / name).read_text() == generator.PAGES[name](), "write it anew: make reference"


def test_every_setting_says_what_it_is() -> None:
    from lambent.cli.flags import flags

    assert [flag.key for flag in flags() if not flag.description] == []


@pytest.mark.parametrize("page", sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]), ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    missing = [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("page", sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]), ids=lambda page: page.name)
def test_every_command_that_a_page_names_exists(page: Path) -> None:
    from lambent.cli.app import COMMANDS

    named = set(re.findall(r"^\$ (?:\.venv/bin/)?lambent ([a-z]+)", page.read_text(), re.MULTILINE))
    assert named <= set(COMMANDS)


def test_every_verb_that_the_documents_name_is_in_the_makefile() -> None:
    verbs = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    named = {verb for page in pages for verb in re.findall(r"^\$? ?make ([a-z]+)", page.read_text(), re.MULTILINE)}
    assert named <= verbs


def test_no_module_of_ours_is_longer_than_a_reader_bears() -> None:
    long = {path.name: count for path in ROOT.glob("src/**/*.py") if (count := path.read_text().count("\n")) > 400}
    assert long == {}


@pytest.mark.parametrize("page", sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]), ids=lambda page: page.name)
def test_every_file_of_ours_that_a_page_names_is_there(page: Path) -> None:
    """A promise is held by the test or benchmark that the page names, which may have been renamed since."""
    named = re.findall(r"`((?:tests|bench|examples|docs|requirements|\.ci)/[\w./*-]*)", page.read_text())
    assert [each for each in named if not any(ROOT.glob(each.rstrip("/.")))] == []


def test_every_promise_names_who_holds_it() -> None:
    rows = re.findall(r"^\| (?!promise |---)(.+) \| (.*) \|$", (ROOT / "SPECIFICATION.md").read_text(), re.MULTILINE)
    assert len(rows) > 80
    assert [promise for promise, holders in rows if not re.search(r"`(?:tests|bench|\.ci)/", holders)] == []


@pytest.mark.parametrize("page", sorted(ROOT.glob("docs/guides/*.md")), ids=lambda page: page.name)
def test_a_guide_makes_the_roles_that_its_commands_use(page: Path) -> None:
    """Lambda refuses a role that is not there, so whoever types a page's lines would be stopped at the first."""
    text = page.read_text()
    used = set(re.findall(r"--role arn:aws:iam::\d{12}:role/([\w-]+)", text))
    assert used <= set(re.findall(r"create-role --role-name ([\w-]+)", text))
    assert "--role $" not in text
    assert '--role "$' not in text

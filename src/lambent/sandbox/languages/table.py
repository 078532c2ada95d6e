"""All languages but Python that this version serves, and what of them is on this host."""

from collections.abc import Mapping

from lambent.sandbox.languages.dotnet import DotNet
from lambent.sandbox.languages.java import Java
from lambent.sandbox.languages.language import Installation, Language
from lambent.sandbox.languages.nodejs import NodeJs
from lambent.sandbox.languages.ruby import Ruby

LANGUAGES: tuple[Language, ...] = (NodeJs(), Ruby(), Java(), DotNet())


def language_of(runtime: str) -> Language | None:
    """Whose runtime it is; None for Python's, those without a language, and what this version does not serve."""
    return next((each for each in LANGUAGES if runtime.startswith(each.name)), None)


def find_installations(variables: Mapping[str, str]) -> dict[str, Installation]:
    """Every version of every language on this host, by runtime. Runs each candidate once."""
    return {runtime: each for language in LANGUAGES for runtime, each in language.find(variables).items()}

"""Finds the handler: the search path, the module, the function in it.

Knows AWS's folders and AWS's names for everything that can go wrong. An exception that the
function's own module raises at import is not ours to name and passes through.

Source: behaviours sections 8 and 12; Lambda Developer Guide, "Python runtime search path" and
"Packaging your layer content". That `.pth` files in the task root and in layers count, and that
a PYTHONPATH of the function's own replaces the layers' folders, is AWS's python3.10 image.
"""

from __future__ import annotations

import os
import site
import sys
from importlib import import_module
from typing import TYPE_CHECKING

from .errors import LambdaFault

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

DEFAULT_TASK_ROOT = "/var/task"
DEFAULT_RUNTIME_DIR = "/var/runtime"
LAYERS = "/opt/python"


def set_search_path() -> None:
    """Make sys.path what AWS's runtime makes it; of the host's only the standard library stays."""
    task_root = os.environ.get("LAMBDA_TASK_ROOT", DEFAULT_TASK_ROOT)
    runtime_dir = os.environ.get("LAMBDA_RUNTIME_DIR", DEFAULT_RUNTIME_DIR)
    own = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry and entry != runtime_dir]
    layers = [f"{LAYERS}/lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages", LAYERS]
    places = [task_root, *(own or layers)]
    sys.path[:] = [*places, runtime_dir, *_standard_library()]
    sys.path_importer_cache.clear()  # the zygote looked at these places before there was anything
    for place in [task_root, *([] if own else layers)]:
        _take_pth_files(place)


def _standard_library() -> list[str]:
    home = os.path.dirname(os.__file__)
    kept = (home, os.path.join(home, "lib-dynload"))
    return [entry for entry in sys.path if entry in kept or entry.endswith(".zip")]


def _take_pth_files(place: str) -> None:
    try:
        names = os.listdir(place)
    except OSError:
        return
    if any(name.endswith(".pth") for name in names):
        site.addsitedir(place, set(sys.path))


def load_handler(handler: str) -> Callable[[Any, Any], Any]:
    """The function that `handler` ("module.function", folders with "/" or ".") names.

    Raises:
        LambdaFault: there is none; the error type says at which step.
    """
    module_name, dot, name = handler.rpartition(".")
    if not dot:
        raise LambdaFault(
            "Runtime.MalformedHandlerName",
            f"Bad handler '{handler}': not enough values to unpack (expected 2, got 1)",
        )
    if module_name.split(".")[0] in sys.builtin_module_names:
        raise LambdaFault(
            "Runtime.BuiltInModuleConflict", f"Cannot use built-in module {module_name} as a handler module"
        )
    module = _import(module_name)
    try:
        found: Callable[[Any, Any], Any] = getattr(module, name)
    except AttributeError:
        raise LambdaFault("Runtime.HandlerNotFound", f"Handler '{name}' missing on module '{module_name}'") from None
    return found


def _import(module_name: str) -> Any:
    try:
        return import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise LambdaFault("Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}") from error
    except SyntaxError as error:
        raise LambdaFault(
            "Runtime.UserCodeSyntaxError",
            f"Syntax error in module '{module_name}': {error}",
            [f'  File "{error.filename}" Line {error.lineno}\n    {error.text}'],
        ) from error

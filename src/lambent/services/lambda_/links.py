"""Whether the symbolic links of a package stay inside it.

Links are followed as the kernel does, through other links of the package: that each target looks
harmless by itself is not enough (`d -> .` and then `d/..` leads out).

Knows: paths as tuples of names. Does not know: zips or files.
"""

from collections.abc import Mapping

Path = tuple[str, ...]
MOST_HOPS = 40  # Linux follows as many (path_resolution(7), ELOOP)


def leads_out(path: Path, links: Mapping[Path, str]) -> bool:
    """Whether the link at `path` leaves the root of the tree in which `links` are the links.

    Absolute targets leave. Links in a circle, or too many in a row, count as leaving as well.
    """
    todo = list(reversed(_parts(links[path])))
    if links[path].startswith("/"):
        return True
    here, hops = list(path[:-1]), 0
    while todo:
        name = todo.pop()
        if name == "..":
            if not here:
                return True
            here.pop()
            continue
        here.append(name)
        target = links.get(tuple(here))
        if target is not None:
            hops += 1
            if hops > MOST_HOPS or target.startswith("/"):
                return True
            here.pop()
            todo += reversed(_parts(target))
    return False


def _parts(target: str) -> list[str]:
    return [part for part in target.split("/") if part not in ("", ".")]

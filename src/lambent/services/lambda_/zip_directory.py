"""How many entries a zip has, read from its central directory before anything is built of them.

A 50 MB file has room for a million entries, which as Python objects are a gigabyte. So the
directory's headers are counted first, in place.

Source: PKWARE APPNOTE 6.3.10, sections 4.3.12 (central directory), 4.3.14 to 4.3.16 (its ends).
"""

import struct

END = struct.Struct("<4s4H2LH")
END_MARK = b"PK\x05\x06"
LONGEST_COMMENT = 0xFFFF
END64 = struct.Struct("<4sQ2H2L4Q")
END64_MARK = b"PK\x06\x06"
LOCATOR_BYTES = 20
HEADER = struct.Struct("<4s6H3L5H2L")
HEADER_MARK = b"PK\x01\x02"


def entries_up_to(data: bytes, limit: int) -> int:
    """The number of entries of the zip in `data`, or `limit` + 1 when there are more.

    Raises:
        ValueError: `data` does not end as a zip does.
    """
    position, end = _directory(data)
    count = 0
    while position + HEADER.size <= end and count <= limit:
        header = HEADER.unpack_from(data, position)
        if header[0] != HEADER_MARK:
            raise ValueError("an entry of the central directory has no mark")
        position += HEADER.size + header[10] + header[11] + header[12]
        count += 1
    return count


def _directory(data: bytes) -> tuple[int, int]:
    """Where the central directory begins and ends."""
    found = data.rfind(END_MARK, max(0, len(data) - END.size - LONGEST_COMMENT))
    if found < 0 or found + END.size > len(data):
        raise ValueError("there is no end of central directory")
    size, end = END.unpack_from(data, found)[5], found
    far = found - LOCATOR_BYTES - END64.size
    if far >= 0 and data.startswith(END64_MARK, far):
        size, end = END64.unpack_from(data, far)[8], far
    if size > end:
        raise ValueError("the central directory is larger than the file")
    return end - size, end

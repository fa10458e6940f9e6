"""Pictures that an agent looks at: made small enough for the model, by a program that can be killed.

What decodes a picture reads whatever bytes it is given, so it runs beside the engine, with little memory and time.
"""

import json

from baara_engine import aside, errors
from baara_engine.tools import Picture

LONGEST = 1568  # pixels of the longer edge: the service shrinks what is larger, and it would only cost time
MOST_BYTES = 1024 * 1024  # of one picture as it is sent: a page of text as PNG fits; the service takes five
FILE_BYTES = 64 * 1024 * 1024  # of a file that is looked at: larger ones are no pictures that anybody took
FIT_S = 30.0  # seconds: what takes longer is no picture, or an attack


async def fitted(data: bytes, name: str) -> Picture:
    """Give a picture as it can be sent, from the bytes of an image file.

    Raises `errors.InvalidInput` if it is none that can be read, `errors.SandboxFailure` if nothing can be started.
    """
    head = json.dumps({"longest": LONGEST, "most_bytes": MOST_BYTES}).encode() + b"\n"
    told = await aside.run("baara_engine.pictures.shrink", head + data, limit_s=FIT_S)
    if told is None:
        raise errors.InvalidInput(f"“{name}” takes more than {FIT_S:g} s to read as a picture.")
    line, _, rest = told.partition(b"\n")
    try:
        said = json.loads(line)
    except ValueError:
        raise errors.InvalidInput(f"“{name}” cannot be read as a picture: reading it broke the reader.") from None
    if "problem" in said:
        raise errors.InvalidInput(f"“{name}” cannot be read as a picture: {said['problem']}")
    return Picture(said["media_type"], rest, said["told"])

"""Pictures that an agent looks at: what is sent is small and whole, and what is no picture harms nobody."""

import io
import random
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from baara_engine import errors, pictures, sandboxes
from baara_engine.tools import Picture


def written(image: Image.Image, kind: str, **options: int) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def noise(width: int, height: int) -> Image.Image:
    return Image.frombytes("RGB", (width, height), random.Random(1).randbytes(width * height * 3))


def opened(picture: Picture) -> Image.Image:
    return Image.open(io.BytesIO(picture.data))


async def test_a_small_picture_is_sent_as_it_is() -> None:
    """Not a byte of it is changed."""
    data = written(Image.new("RGB", (40, 30), "red"), "PNG")
    picture = await pictures.fitted(data, "a.png")
    assert picture == Picture("image/png", data, "40 × 30 pixels")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF", "WEBP", "GIF"])
async def test_a_large_picture_is_shown_smaller(kind: str) -> None:
    """Whatever its kind, its longer edge is no longer than the service looks at, and it says what it was."""
    picture = await pictures.fitted(written(Image.new("RGB", (3000, 1000), "navy"), kind), "wide")
    assert opened(picture).size == (pictures.LONGEST, 523)
    assert picture.told == "3000 × 1000 pixels, shown as 1568 × 523"
    assert opened(picture).convert("RGB").getpixel((700, 200)) == pytest.approx((0, 0, 128), abs=4)


async def test_what_does_not_get_small_without_loss_is_sent_with_loss() -> None:
    """Noise cannot be packed, so it is sent as JPEG, and fits."""
    picture = await pictures.fitted(written(noise(1500, 1500), "PNG"), "noise.png")
    assert picture.media_type == "image/jpeg"
    assert len(picture.data) <= pictures.MOST_BYTES
    assert opened(picture).size == (1500, 1500)


async def test_what_shines_through_is_white() -> None:
    """Where a picture has nothing, JPEG shows white as a page would, not black."""
    image = noise(1500, 1500).convert("RGBA")
    image.putalpha(0)
    picture = await pictures.fitted(written(image, "TIFF"), "empty.tiff")
    assert opened(picture).convert("RGB").getpixel((10, 10)) == (255, 255, 255)


async def test_a_photograph_is_turned_the_way_it_was_taken() -> None:
    """The camera's note of how it was held is obeyed when a picture is written anew."""
    image = Image.new("RGB", (2000, 1000), "green")
    exif = Image.Exif()
    exif[0x0112] = 6  # taken with the camera turned by a quarter
    out = io.BytesIO()
    image.save(out, "JPEG", exif=exif)
    assert opened(await pictures.fitted(out.getvalue(), "photo.jpg")).size == (784, pictures.LONGEST)


def bomb(width: int, height: int) -> bytes:
    """Make a PNG that says it is enormous."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")]
    parts = [
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"\n{}\n",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        bomb(60_000, 60_000),
        bomb(8_000, 7_000),
        written(Image.new("RGB", (400, 300)), "PNG")[:200],
        written(noise(200, 200), "JPEG")[:900],
    ],
    ids=["nothing", "text", "a line", "svg", "postscript", "a bomb", "less of a bomb", "half a PNG", "half a JPEG"],
)
async def test_what_is_no_picture_is_said_to_be_none(data: bytes) -> None:
    """It is refused in a sentence that names the file, and the engine's own memory and time are not its to take."""
    with pytest.raises(errors.InvalidInput, match="“it” cannot be read as a picture"):
        await pictures.fitted(data, "it")


async def test_a_file_that_is_too_large_or_a_link_is_not_read(tmp_path: Path) -> None:
    """Nothing is read beyond the limit, and nothing outside the workspace."""
    (tmp_path / "work").mkdir()
    (tmp_path / "private").mkdir(mode=0o700)
    (tmp_path / "work" / "big").write_bytes(bytes(2000))
    (tmp_path / "work" / "out").symlink_to("/etc/passwd")
    sandbox = sandboxes.make("native")
    session = await sandbox.open(tmp_path / "work", tmp_path / "private", sandboxes.Limits())
    assert await session.read_bytes("big", 2000) == bytes(2000)
    with pytest.raises(errors.InvalidInput, match="larger than"):
        await session.read_bytes("big", 1999)
    with pytest.raises(errors.InvalidInput):
        await session.read_bytes("out", 2000)
    await session.close()
    await sandbox.close()

"""Making a picture small enough, as a program of its own.

    python -I -X utf8 -m baara_engine.pictures.shrink

It reads a line of JSON, `{"longest": pixels, "most_bytes": bytes}`, and then an image file from standard input. It
prints a line of JSON, `{"media_type", "told"}`, and then the picture; or a line with the `problem`.
"""

import io
import json
import sys
import warnings

from PIL import Image, ImageOps

from baara_engine import address_space

MEMORY = 1024 * 1024 * 1024  # bytes of address space, against what explodes
MOST_PIXELS = 64_000_000  # of a picture that is opened: at four bytes each it fits into that
FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF")  #: what is opened; other decoders are rarely exercised
AS_THEY_ARE = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif", "WEBP": "image/webp"}
QUALITIES = (85, 70, 50, 30)  # of JPEG: where the first is too large for the bytes allowed, the next is tried
WHITE = (255, 255, 255)


def main() -> None:
    """Do what comes in by standard input."""
    address_space.limit(MEMORY)
    warnings.simplefilter("ignore")
    job = json.loads(sys.stdin.buffer.readline())
    data = sys.stdin.buffer.read()
    try:
        said, picture = fit(data, job["longest"], job["most_bytes"])
    except Exception as error:  # noqa: BLE001 - there is no end to what may be wrong with a picture
        said, picture = {"problem": f"{type(error).__name__}: {error}"[:300]}, b""
    sys.stdout.buffer.write(json.dumps(said).encode() + b"\n" + picture)


def fit(data: bytes, longest: int, most_bytes: int) -> tuple[dict[str, str], bytes]:
    """Give what there is to say of a picture, and the bytes to send. Raises whatever the decoder raises."""
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS // 2  # it warns from there on, and refuses twice as many
    image: Image.Image = Image.open(io.BytesIO(data), formats=FORMATS)
    told = f"{image.width} × {image.height} pixels"
    if max(image.size) <= longest and len(data) <= most_bytes and image.format in AS_THEY_ARE:
        image.load()  # what is broken is told here, and not by the service
        return {"media_type": AS_THEY_ARE[image.format], "told": told}, data
    image = ImageOps.exif_transpose(image)
    image.thumbnail((longest, longest))
    small = f"{told}, shown as {image.width} × {image.height}" if max(image.size) <= longest else told
    return _written(image, most_bytes, small)


def _written(image: Image.Image, most_bytes: int, told: str) -> tuple[dict[str, str], bytes]:
    """Write it without loss if that is small enough, else as JPEG on white."""
    whole = _as(image if image.mode in ("L", "RGB", "RGBA", "P") else image.convert("RGBA"), "PNG", optimize=True)
    if len(whole) <= most_bytes:
        return {"media_type": "image/png", "told": told}, whole
    flat = _flat(image)
    for quality in QUALITIES:
        data = _as(flat, "JPEG", quality=quality)
        if len(data) <= most_bytes:
            return {"media_type": "image/jpeg", "told": told}, data
    raise ValueError("even shrunk it is too large")


def _flat(image: Image.Image) -> Image.Image:
    with_alpha = image.convert("RGBA")
    flat = Image.new("RGB", image.size, WHITE)
    flat.paste(with_alpha, mask=with_alpha.getchannel("A"))
    return flat


def _as(image: Image.Image, kind: str, **options: int | bool) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


if __name__ == "__main__":
    main()

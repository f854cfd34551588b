"""The manual: a page for every code, layer and corner of the language, made from what the code says of itself.

A page is data. How it looks on a terminal, as Markdown and as JSON is the matter of `text`, `markdown` and `page`.
"""

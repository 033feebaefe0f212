"""Pages read back."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "img", "source", "br", "hr", "link", "input"}


class Page(HTMLParser):
    """Elements, the text of each table, and all text of a page; fails where tags do not nest.

    Tables stand under their id or their number in `tables`, and under their caption in `named`.
    """

    def __init__(self, html):
        super().__init__()
        self.elements, self.tables, self.named, self.text, self.open = [], {}, {}, "", []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.elements.append((tag, given))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.rows = self.tables.setdefault(given.get("id", len(self.tables)), [])
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data
        if self.open and self.open[-1] == "caption":
            self.named[data] = self.rows
        if not self.open or self.open[-1] != "style":
            self.text += data

    def having(self, tag):
        return [given for name, given in self.elements if name == tag]

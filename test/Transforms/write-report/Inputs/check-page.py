"""check-page.py PAGE [ROWS]: that the report's page is sound.

Elements nest and close, ids are unique and links lead to them, nothing comes
from elsewhere, and the only script is the one whose hash the page's content
security policy allows. Prints the visible text of the table of layers, one row
a line; with ROWS, checks their number instead.
"""

import base64
import hashlib
import re
import sys
from html.parser import HTMLParser

VOID = {"meta", "br", "input", "link", "img"}


class Page(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.ids, self.links, self.policy = [], [], [], ""
        self.scripts, self.rows, self.in_layers = [], [], False
        self.styles = ""

    def handle_starttag(self, tag, attributes):
        names = [name for name, _ in attributes]
        assert len(names) == len(set(names)), f"{tag} has an attribute twice"
        values = dict(attributes)
        assert not any(name.startswith("on") for name in names), f"{tag}: {names}"
        assert "src" not in values and tag not in ("link", "img", "iframe", "object")
        if "href" in values:
            assert values["href"].startswith("#"), values["href"]
            self.links.append(values["href"][1:])
        if "id" in values:
            self.ids.append(values["id"])
        if values.get("http-equiv") == "Content-Security-Policy":
            self.policy = values["content"]
        if tag == "script":
            self.scripts.append("")
        if tag == "table":
            self.in_layers = values.get("id") == "layers"
        if tag == "tr" and self.in_layers:
            self.rows.append([])
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> in {self.open}"
        self.open.pop()

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            self.scripts[-1] += data
        elif self.open and self.open[-1] == "style":
            self.styles += data
        elif self.in_layers and "tr" in self.open and data.strip():
            self.rows[-1].append(data.strip())


def main():
    with open(sys.argv[1], encoding="utf-8", newline="") as file:
        text = file.read()
    assert text.startswith("<!DOCTYPE html>\n")
    page = Page()
    page.feed(text)
    page.close()
    assert not page.open, page.open
    assert len(page.ids) == len(set(page.ids)), "an id is there twice"
    missing = set(page.links) - set(page.ids)
    assert not missing, f"links without a target: {sorted(missing)[:5]}"
    assert len(page.scripts) == 1, f"{len(page.scripts)} scripts"
    digest = hashlib.sha256(page.scripts[0].encode()).digest()
    assert f"script-src 'sha256-{base64.b64encode(digest).decode()}'" in page.policy
    assert "default-src 'none'" in page.policy
    assert page.styles and not re.search(r"url\(|@import", page.styles)
    for token in ("nan", "inf"):
        assert not re.search(rf'="-?{token}"|>-?{token}<', text), token
    if len(sys.argv) > 2:
        assert len(page.rows) == 1 + int(sys.argv[2]), len(page.rows)
        return
    for row in page.rows:
        print(" | ".join(row))


main()

"""XML elements whose text may be any name."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from exporters.text import one_line


def element(tag: str, *children: ET.Element | str | int, **attributes: str | int) -> ET.Element:
    """An element with its attributes in the order given, and child elements or one text."""
    made = ET.Element(tag, {name: one_line(str(value)) for name, value in attributes.items()})
    for child in children:
        if isinstance(child, ET.Element):
            made.append(child)
        else:
            made.text = one_line(str(child))
    return made


def document(root: ET.Element, doctype: str = "") -> str:
    """The whole document, indented, with its declaration and `<!DOCTYPE doctype>` if one is given."""
    ET.indent(root)
    head = '<?xml version="1.0" encoding="UTF-8"?>\n' + (f"<!DOCTYPE {doctype}>\n" if doctype else "")
    return head + ET.tostring(root, encoding="unicode") + "\n"

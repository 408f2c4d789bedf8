"""What a product shows on the screen of a machine: its installation ID, and the codes that save its owner the keying.

Rule: it needs no network and no database, as the machine has none: only the build, which names the line.
"""

from __future__ import annotations

from pathlib import Path

from webhooks.cli.output import refuse
from webhooks.cli.simulated import SimulatedMachine


class Screen:
    """The screen of one machine. Refuses where its product's build names no line."""

    def __init__(self, shown: SimulatedMachine, as_json: bool) -> None:
        if shown.build.line is None:
            refuse("NO_LINE", "This product's build names no line to call or text.", as_json)
        self._build, self._iid, self._line = shown.build, shown.state.installation_id, shown.build.line
        self._as_json = as_json

    def link(self, *, by_text: bool) -> str:
        """What a telephone that scans the code does: sends the ID as a text, or calls and keys it."""
        from keys.device.qr import call_link, text_link

        return (text_link if by_text else call_link)(self._line, self._iid)

    def code(self, file: Path, link: str) -> None:
        """Write the code as SVG."""
        from keys.device.qr import svg

        self._write(file, svg(link))

    def page(self, file: Path, locale: str) -> None:
        """Write the whole screen as a page: the groups, both codes, what to do, and boxes for the answer."""
        from keys.groups import split
        from webhooks import leaflet, leaflet_html

        if locale not in leaflet.locales():
            known = ", ".join(leaflet.locales())
            refuse("UNKNOWN_LOCALE", f"There is no page in {locale}, but in {known}.", self._as_json)
        number = leaflet.printed(self._line)
        ways = [leaflet.Way(number, self.link(by_text=by_text), by_text) for by_text in (False, True)]
        words = leaflet.words(locale)
        made = leaflet.of_machine(self._build.name, split(self._iid), self._build.blocks, ways, words)
        self._write(file, leaflet_html.render(made))

    def _write(self, file: Path, text: str) -> None:
        try:
            file.write_text(text, encoding="utf-8")
        except OSError as error:
            refuse("FILE_UNWRITABLE", f"{file} cannot be written: {error.strerror}.", self._as_json)

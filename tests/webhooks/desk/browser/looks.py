"""A look at a page as everybody may have it before them: on a wide screen and at 400 %, light and dark.

Rule: nothing serious by axe in any of them, and at 320 CSS pixels nothing is reached by scrolling sideways but what
stands in a region of its own (WCAG 1.4.10).
"""

from tests.webhooks.browsers import NARROW, WIDE

SCHEMES = ("light", "dark")
TOO_WIDE = """
const edge = document.documentElement.clientWidth;
if (document.documentElement.scrollWidth <= edge) return [];
const out = (box) => box.right > edge + 0.5 || box.left < -0.5 && box.width > 1;
const beyond = (one) => out(one.getBoundingClientRect()) || one.scrollWidth > edge;
const found = [...document.body.querySelectorAll("*")].filter((one) => beyond(one) && ![...one.children].some(beyond));
const loose = found.filter((one) => !one.closest("[role=region][tabindex]"));
return ["the page", ...loose.map((one) => one.outerHTML.slice(0, 120))];
"""


def sized(driver, size):
    """Give the page this much room, whatever the window is."""
    metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def coloured(driver, scheme):
    """Show the page as somebody sees it who likes it light or dark; at once, as whoever wants no motion."""
    features = {"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"}
    told = [{"name": name, "value": value} for name, value in features.items()]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": told})


def faults(driver, serious_faults):
    """What is wrong with the page that is shown, by how it is looked at; nothing where all is well."""
    found = {}
    for size, screen in ((WIDE, "wide"), (NARROW, "narrow")):
        sized(driver, size)
        for scheme in SCHEMES:
            coloured(driver, scheme)
            # The second scheme differs from the first in its colours alone.
            if serious := serious_faults(driver, colours_only=scheme != SCHEMES[0]):
                found[f"{screen}, {scheme}"] = serious
    if sideways := driver.execute_script(TOO_WIDE):
        found["narrow, scrolls sideways"] = sideways
    sized(driver, WIDE)
    return found

"""`touchtone settings`: what the line is set to and where each setting was given; or the list of them, as a page."""

from __future__ import annotations

import click


@click.command()
@click.option("--markdown", is_flag=True, help="Print the reference, docs/settings.md, in place of what is set here.")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON, with meanings.")
def settings(markdown: bool, as_json: bool) -> None:
    """Show every setting: what it is set to, and where. No secret is shown."""
    from webhooks.cli.output import show, show_table
    from webhooks.setting_list import REQUIRED, SETTINGS, reference
    from webhooks.settings import sources

    if markdown:
        click.echo(reference(), nl=False)
        return
    given = sources()
    rows = []
    for setting in SETTINGS:
        value, where = given.get(setting.name, (None, None))
        rows.append(
            {
                "name": setting.name,
                "value": "(secret)" if where is not None and not value else value,
                "from": where or ("missing" if setting.default == REQUIRED else "default"),
                "meaning": setting.meaning,
                "takes": setting.takes,
                "default": setting.default,
                "secret": setting.secret,
                "required": setting.default == REQUIRED,
            }
        )
    if as_json:
        show(rows, as_json=True)
        return
    shown = [{**row, "value": row["value"] or f"({str(row['default']).replace('`', '')})"} for row in rows]
    show_table(shown, ["name", "value", "from"])

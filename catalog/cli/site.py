"""Commands for the site: build, serve, pages."""

from __future__ import annotations

from pathlib import Path

import click

from catalog.cli import out
from catalog.extras import need


@click.group()
def site() -> None:
    """Build or serve the searchable site."""
    need("site")


@site.command()
@click.option("--url", default="", metavar="URL", help="Where it will be served, if kb.toml does not say it.")
@click.pass_context
def build(ctx: click.Context, url: str) -> None:
    """Build the site into build/html.

    A paper whose file cannot be read has a page that says so; exit status 1 then.
    """
    library = out.library(ctx)
    _say_left_out(ctx)
    out.echo(f"built {library.build_site(url)}")
    if not (url or library.store.config.site_url):
        click.echo("note: no site_url in kb.toml: no sitemap, and the feed has no whole addresses", err=True)
    ctx.exit(1 if out.unreadable(library) else 0)


@site.command()
@click.option(
    "--port",
    "-p",
    type=click.IntRange(0, 65535),
    metavar="N",
    default=8000,
    show_default=True,
    help="0 takes a free one.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to serve on.")
@click.option("--open", "open_browser", is_flag=True, help="Open it in the browser.")
@click.pass_context
def serve(ctx: click.Context, port: int, host: str, open_browser: bool) -> None:
    """Build the site and serve it; a changed paper shows at once. Stop with Ctrl-C."""

    _say_left_out(ctx)

    def started(url: str) -> None:
        click.echo(f"serving {url} (Ctrl-C stops)")
        if open_browser:
            click.launch(url)

    out.library(ctx).serve_site(host, port, started, out.echo)


@site.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), metavar="OUT")
@click.pass_context
def pages(ctx: click.Context, folder: Path) -> None:
    """Write the Markdown pages into OUT, for any other generator."""
    library = out.library(ctx)
    written, removed = library.write_pages(folder)
    out.echo(f"{out.as_count(written, 'file')} written, {removed} removed in {folder}")
    ctx.exit(1 if out.unreadable(library) else 0)


def _say_left_out(ctx: click.Context) -> None:
    if names := out.library(ctx).left_out():
        shown = ", ".join(names[:8]) + (" …" if names[8:] else "")
        out.echo(f"mkdocs.yml: left out, as it may run code here: {shown}; look at it, then `kb trust`", err=True)


@click.command()
@click.option("--forget", is_flag=True, help="Take it back.")
@click.pass_context
def trust(ctx: click.Context, forget: bool) -> None:
    """Agree to what this knowledge base may run.

    A mkdocs.yml can name hooks, templates and Python objects, which run when the site is built. They are left out until
    you agree, and again when one of them changes. It is remembered in your own folder, not in this one.
    """
    library = out.library(ctx)
    if forget:
        out.echo("forgotten" if library.distrust() else "nothing was agreed to")
        return
    out.echo(f"trusted: {out.as_count(library.trust(), 'file')} of code, templates and settings in {library.root}")


COMMANDS = (site, trust)

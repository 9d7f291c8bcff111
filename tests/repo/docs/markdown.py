"""Markdown, as `dev.policies.markdown` reads it."""

from dev.policies.markdown import Row, anchors, links, rows_with, spans

__all__ = ["Row", "anchors", "links", "rows_with", "spans"]

"""The files of the repository, as `dev.policies.repository` lists them."""

from dev.policies.repository import DOCS, ROOT, IgnoreFile, documents, repository_files, shipped_files

__all__ = ["DOCS", "ROOT", "IgnoreFile", "documents", "repository_files", "shipped_files"]

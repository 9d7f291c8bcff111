"""The cookbook's app (`examples/cookbook`) beside a local world, and stand-ins for the services that it calls."""

from dev.cookbook.beside import Cookbook
from dev.cookbook.others import Others

__all__ = ["Cookbook", "Others"]

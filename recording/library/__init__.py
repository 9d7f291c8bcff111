"""Library: find, describe, keep, rebuild, import and hand over archived recordings. Nothing here delays archiving."""

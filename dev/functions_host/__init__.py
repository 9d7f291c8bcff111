"""The built-in Functions host: runs `function_app.py` on loopback as the real host would."""

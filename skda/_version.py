"""The version, also where skda is used from a folder and is not installed."""

__version__ = "0.1.0.dev0"

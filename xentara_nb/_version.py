"""The version of the library."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("xentara_nb")
except PackageNotFoundError:  # used from a folder that is not installed
    __version__ = "0+unknown"

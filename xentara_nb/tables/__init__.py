"""DataFrames: inventories, elements and values, from the protocol and in files."""

from __future__ import annotations

ELEMENT_COLUMNS = ("primary_key", "element_uuid", "category")
"""The columns of a frame of elements."""

INVENTORY_COLUMNS = (*ELEMENT_COLUMNS, "attribute_name", "attribute_id", "access", "data_type")
"""The columns of an inventory."""
